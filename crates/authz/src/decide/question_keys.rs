//! The context keys that count of those that the asking service sent.

use bailiwick_decision::KeySource;
use bailiwick_evaluator::{ContextKey, ContextSource, ContextValue};

use super::given_keys::GivenKeys;

/// The keys of a question, without those of the resource's tags if they do not count.
pub(super) struct QuestionKeys<'k, 'a> {
    pub(super) keys: &'k GivenKeys<'a>,
    pub(super) hides_tags: bool,
}

impl ContextSource for QuestionKeys<'_, '_> {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        if self.hides_tags && KeySource::of(key) == KeySource::StoredResource {
            return None;
        }
        self.keys.value(key)
    }
}
