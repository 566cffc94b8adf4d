//! Context keys of a case.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::Object;
use crate::{ContextValue, fold};

/// The keys, each once, without regard to case.
#[derive(Default)]
pub(super) struct Keys(Vec<Key>);

struct Key {
    name: String,
    many: bool,
    values: Vec<String>,
}

impl Keys {
    /// Texts borrowed, as a context source wants them.
    pub(super) fn borrowed(&self) -> Vec<Vec<&str>> {
        self.0.iter().map(|key| key.values.iter().map(String::as_str).collect()).collect()
    }

    /// The source itself, over the texts of [`Self::borrowed`].
    pub(super) fn source<'a>(&'a self, texts: &'a [Vec<&'a str>]) -> Vec<(&'a str, ContextValue<'a>)> {
        let value = |many: bool, texts: &'a [&'a str]| match texts {
            [one] if !many => ContextValue::One(one),
            texts => ContextValue::Many(texts),
        };
        self.0.iter().zip(texts).map(|(key, texts)| (key.name.as_str(), value(key.many, texts))).collect()
    }

    /// The value of a single-valued key.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let key = self.0.iter().find(|key| fold::eq(&key.name, name))?;
        if key.many { None } else { key.values.first().map(String::as_str) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Value {
    #[serde(rename = "type")]
    value_type: ValueType,
    values: Vec<String>,
}

/// The API's `ContextKeyType` names. A `…List` makes a key multi-valued.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
enum ValueType {
    String,
    StringList,
    Numeric,
    NumericList,
    Boolean,
    BooleanList,
    Ip,
    IpList,
    Binary,
    BinaryList,
    Date,
    DateList,
}

impl ValueType {
    fn is_list(self) -> bool {
        match self {
            Self::String | Self::Numeric | Self::Boolean | Self::Ip | Self::Binary | Self::Date => false,
            Self::StringList
            | Self::NumericList
            | Self::BooleanList
            | Self::IpList
            | Self::BinaryList
            | Self::DateList => true,
        }
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of context keys")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Keys::default();
                let mut known = HashSet::new();
                while let Some((name, Object(value))) = map.next_entry::<String, Object<Value>>()? {
                    if !known.insert(fold::lower(&name)) {
                        return Err(A::Error::custom(format_args!("context key `{name}` is there twice")));
                    }
                    let many = value.value_type.is_list();
                    if !many && value.values.len() != 1 {
                        return Err(A::Error::custom(format_args!("context key `{name}` must have one value")));
                    }
                    keys.0.push(Key { name, many, values: value.values });
                }
                Ok(keys)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
