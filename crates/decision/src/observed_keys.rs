//! A record of the context keys that a decision looks at.

use std::cell::RefCell;
use std::collections::BTreeMap;

use bailiwick_evaluator::{ContextKey, ContextSource, ContextValue};

/// Records the context keys that decisions look at. As a source of context keys it has none.
#[derive(Debug, Default)]
pub struct ObservedKeys {
    /// By name in lower case.
    keys: RefCell<BTreeMap<Box<str>, ContextKey>>,
}

impl ObservedKeys {
    /// Returns the keys, by name.
    pub fn into_keys(self) -> impl Iterator<Item = ContextKey> {
        self.keys.into_inner().into_values()
    }
}

impl ContextSource for ObservedKeys {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        let mut keys = self.keys.borrow_mut();
        if !keys.contains_key(key.as_str()) {
            keys.insert(key.as_str().into(), key.clone());
        }
        None
    }
}
