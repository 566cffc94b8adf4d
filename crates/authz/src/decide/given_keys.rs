//! The context keys of a question, as the asking service gave them.

use std::collections::HashMap;
use std::ops::Range;

use bailiwick_api::authz::{ContextEntry, ContextType};
use bailiwick_decision::KeySource;
use bailiwick_evaluator::{ContextKey, ContextSource, ContextValue};
use bailiwick_model::{IamError, Result};
use bailiwick_policy_lang::Family;
use bailiwick_policy_lang::value::is_context_value;

use crate::invalid_member;

/// The context keys that the asking service sent, checked.
#[derive(Default)]
pub(crate) struct GivenKeys<'a> {
    keys: Vec<(&'a str, GivenValue<'a>)>,
    /// The index of each key by its name in lower case, if there are many keys or some beyond ASCII.
    places: Option<HashMap<Box<str>, usize>>,
    /// The values of all keys that have several, concatenated.
    many: Vec<&'a str>,
    /// One of the keys that is a tag of the resource.
    resource_tag: Option<&'a str>,
}

/// The number of keys above which a table finds them.
const FEW: usize = 16;

enum GivenValue<'a> {
    One(&'a str),
    Many(Range<usize>),
}

impl<'a> GivenKeys<'a> {
    /// Parses context keys. None may be in `besides`.
    ///
    /// # Errors
    /// `ValidationError` for a key that only Bailiwick sets or that occurs twice, and for values that are not of their type.
    pub(crate) fn read(entries: &'a [ContextEntry], besides: Option<&GivenKeys<'_>>) -> Result<Self> {
        let is_plain = entries.len() <= FEW && entries.iter().all(|entry| entry.key.is_ascii());
        let mut given = GivenKeys {
            keys: Vec::with_capacity(entries.len()),
            places: (!is_plain).then(HashMap::new),
            ..GivenKeys::default()
        };
        for entry in entries {
            let key = entry.key.as_str();
            if key.is_empty() || key.chars().any(|c| c.is_whitespace() && c != ' ' || c.is_control()) {
                return Err(invalid_member("context", "a context key must be a name such as `aws:SourceIp`"));
            }
            // Keys beyond ASCII are compared with folded case, by which `awſ:PrincipalTag/é` is a key of `aws:` too.
            if !key.is_ascii() || may_be_reserved(key) {
                match KeySource::of(&ContextKey::new(key)) {
                    KeySource::Bailiwick => return Err(reserved_key(key, "Bailiwick alone")),
                    KeySource::StoredResource => given.resource_tag = Some(key),
                    KeySource::PassRole | KeySource::Service => {}
                }
            }
            if given.has(key) || besides.is_some_and(|besides| besides.has(key)) {
                return Err(invalid_member("context", format!("the context key `{key}` is given twice")));
            }
            let value = given.values(entry)?;
            if let Some(places) = &mut given.places {
                places.insert(ContextKey::new(key).as_str().into(), given.keys.len());
            }
            given.keys.push((key, value));
        }
        Ok(given)
    }

    /// Refuses keys that are tags of the resource, because its tags are stored.
    pub(super) fn refuse_resource_tags(&self) -> Result<()> {
        match self.resource_tag {
            Some(key) => Err(reserved_key(key, "Bailiwick, which stores the tags of the resource,")),
            None => Ok(()),
        }
    }

    /// The names of the keys.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.keys.iter().map(|(name, _)| *name)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        match &self.places {
            Some(places) => places.contains_key(ContextKey::new(key).as_str()),
            None if key.is_ascii() => self.keys.iter().any(|(other, _)| other.eq_ignore_ascii_case(key)),
            None => {
                let key = ContextKey::new(key);
                self.keys.iter().any(|(other, _)| other.eq_ignore_ascii_case(key.as_str()))
            }
        }
    }

    fn values(&mut self, entry: &'a ContextEntry) -> Result<GivenValue<'a>> {
        let kind = ContextType::try_from(entry.r#type)
            .map_err(|_| invalid_member("context", format!("the context key `{}` has an unknown type", entry.key)))?;
        let (is_list, family) = shape(kind, entry.values.len());
        if let Some(bad) = entry.values.iter().find(|value| !is_context_value(family, value)) {
            let shown: String = bad.chars().take(64).filter(|c| !c.is_control()).collect();
            return Err(invalid_member(
                "context",
                format!(
                    "the context key `{}` has the type {}, and its value `{shown}` is not of that type",
                    entry.key,
                    kind.as_str_name()
                ),
            ));
        }
        match entry.values.as_slice() {
            [value] if !is_list => Ok(GivenValue::One(value)),
            _ if !is_list => {
                Err(invalid_member("context", format!("the context key `{}` must have one value", entry.key)))
            }
            values => {
                let start = self.many.len();
                self.many.extend(values.iter().map(String::as_str));
                Ok(GivenValue::Many(start..self.many.len()))
            }
        }
    }
}

impl ContextSource for GivenKeys<'_> {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        let (_, value) = match &self.places {
            Some(places) => self.keys.get(*places.get(key.as_str())?).filter(|(name, _)| key.matches(name))?,
            None => self.keys.iter().find(|(name, _)| key.matches(name))?,
        };
        Some(match value {
            GivenValue::One(value) => ContextValue::One(value),
            GivenValue::Many(range) => ContextValue::Many(&self.many[range.clone()]),
        })
    }
}

/// Returns the error for a key that another party sets.
pub(crate) fn reserved_key(key: &str, from: &str) -> IamError {
    invalid_member("context", format!("the context key `{key}` comes from {from} and can't be given"))
}

/// Returns whether a key may be one that Bailiwick sets: a global key, or one of an identity provider.
fn may_be_reserved(key: &str) -> bool {
    let head = key.split([':', '/']).next().unwrap_or_default();
    ["aws", "iam", "saml"].iter().any(|prefix| head.eq_ignore_ascii_case(prefix)) || head.contains('.')
}

/// Returns whether a type has several values, and the family of operators whose grammar each value follows.
pub(crate) fn shape(kind: ContextType, count: usize) -> (bool, Family) {
    match kind {
        ContextType::Unspecified => (count > 1, Family::String),
        ContextType::String => (false, Family::String),
        ContextType::StringList => (true, Family::String),
        ContextType::Numeric => (false, Family::Numeric),
        ContextType::NumericList => (true, Family::Numeric),
        ContextType::Boolean => (false, Family::Bool),
        ContextType::BooleanList => (true, Family::Bool),
        ContextType::Ip => (false, Family::Ip),
        ContextType::IpList => (true, Family::Ip),
        ContextType::Binary => (false, Family::Binary),
        ContextType::BinaryList => (true, Family::Binary),
        ContextType::Date => (false, Family::Date),
        ContextType::DateList => (true, Family::Date),
    }
}
