//! The context keys that a simulation gives.

use std::collections::HashMap;
use std::ops::Range;

use bailiwick_api::authz::ContextType;
use bailiwick_api::iam::ContextEntry;
use bailiwick_evaluator::{ContextKey, ContextSource, ContextValue};
use bailiwick_model::Result;
use bailiwick_policy_lang::Family;
use bailiwick_policy_lang::value::is_context_value;

use super::invalid;
use crate::decide::given_keys::shape;

/// The context keys of the request. Any key can be among them, because a simulation allows nothing.
pub(super) struct GivenKeys<'a> {
    keys: HashMap<ContextKey, Given<'a>>,
    /// The values of all keys that have several, concatenated.
    many: Vec<&'a str>,
}

enum Given<'a> {
    One(&'a str),
    Many(Range<usize>),
}

impl<'a> GivenKeys<'a> {
    /// Parses `ContextEntries`.
    ///
    /// # Errors
    /// `InvalidInput` for an entry without a name, a type or values, for a key that occurs twice, and for values that are
    /// not of their type.
    pub(super) fn read(entries: &'a [ContextEntry]) -> Result<Self> {
        let mut given = GivenKeys { keys: HashMap::with_capacity(entries.len()), many: Vec::new() };
        for entry in entries {
            let name = entry.context_key_name.as_deref().unwrap_or_default();
            if name.is_empty() {
                return Err(invalid("ContextEntries", "ContextKeyName cannot be null or empty."));
            }
            let value = given.values(name, entry)?;
            if given.keys.insert(ContextKey::new(name), value).is_some() {
                return Err(invalid("ContextEntries", format!("Duplicate context key: {name}.")));
            }
        }
        Ok(given)
    }

    /// The length of all values together.
    pub(super) fn bytes(&self) -> usize {
        let one = |given: &Given<'_>| match given {
            Given::One(value) => value.len(),
            Given::Many(_) => 0,
        };
        self.keys.values().map(one).chain(self.many.iter().map(|value| value.len())).sum()
    }

    fn values(&mut self, name: &str, entry: &'a ContextEntry) -> Result<Given<'a>> {
        let refused = |message: String| Err(invalid("ContextEntries", message));
        let kind = entry.context_key_type.as_deref().unwrap_or("null");
        let Some(of_kind) = context_type(kind) else {
            return refused(format!("Context key {name} has invalid type {kind}."));
        };
        let count = entry.context_key_values.len();
        let (is_list, family) = shape(of_kind, count);
        // AWS refuses lists without a value too. Here they are simulated, since live requests may have them.
        if count == 0 && !is_list {
            return refused(format!("Context values for context key {name} cannot be null or empty."));
        }
        if let Some(form) = form(family)
            && !entry.context_key_values.iter().all(|value| is_context_value(family, value))
        {
            return refused(format!("Invalid context value for key {name}: expected {form}."));
        }
        match entry.context_key_values.as_slice() {
            [value] if !is_list => Ok(Given::One(value)),
            _ if !is_list => refused(format!("Context key {kind} expected a single value, but received {count}.")),
            values => {
                let start = self.many.len();
                self.many.extend(values.iter().map(String::as_str));
                Ok(Given::Many(start..self.many.len()))
            }
        }
    }
}

impl ContextSource for GivenKeys<'_> {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        Some(match self.keys.get(key)? {
            Given::One(value) => ContextValue::One(value),
            Given::Many(range) => ContextValue::Many(&self.many[range.clone()]),
        })
    }
}

/// What AWS calls the form of a family's values. Booleans may be any text, as in AWS, where no other is true or false.
fn form(family: Family) -> Option<&'static str> {
    match family {
        Family::Numeric => Some("numeric format"),
        Family::Date => Some("DateTime format"),
        Family::Ip => Some("IP address"),
        Family::Binary => Some("base-64 encoded binary format"),
        _ => None,
    }
}

fn context_type(text: &str) -> Option<ContextType> {
    Some(match text {
        "string" => ContextType::String,
        "stringList" => ContextType::StringList,
        "numeric" => ContextType::Numeric,
        "numericList" => ContextType::NumericList,
        "boolean" => ContextType::Boolean,
        "booleanList" => ContextType::BooleanList,
        "ip" => ContextType::Ip,
        "ipList" => ContextType::IpList,
        "binary" => ContextType::Binary,
        "binaryList" => ContextType::BinaryList,
        "date" => ContextType::Date,
        "dateList" => ContextType::DateList,
        _ => return None,
    })
}
