//! JSON with one reading: duplicate names are refused, depth and number of values are bounded.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use thiserror::Error;

/// The maximum depth of arrays and objects within each other.
const MAX_DEPTH: u32 = 16;
/// The maximum number of values in a document.
const MAX_VALUES: u32 = 8 * 1024;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    String(String),
    Array(Vec<Json>),
    Object(Object),
}

/// The members of an object, in their order. No name occurs twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object(pub(crate) Vec<(String, Json)>);

/// Why a text is not accepted as JSON. The message has a position, and no value of the text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not acceptable as JSON: {0}")]
pub struct JsonError(String);

impl Object {
    /// Reads a document that is one object.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let mut values = 0;
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let value = Value { depth: 0, values: &mut values }.deserialize(&mut reader).map_err(described)?;
        reader.end().map_err(described)?;
        match value {
            Json::Object(object) => Ok(object),
            _ => Err(JsonError("expected an object".into())),
        }
    }

    /// The value of a member.
    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The value of a member that is a string, if there is one. `Err(())` for a value of another type.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, ()> {
        match self.get(name) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text)),
            Some(_) => Err(()),
        }
    }
}

/// serde_json quotes unexpected values in its messages; the kind and position are enough.
fn described(error: serde_json::Error) -> JsonError {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends early".to_owned(),
        serde_json::error::Category::Data => {
            // Made by the visitor below, without the text's values.
            let message = error.to_string();
            message.split(" at line").next().unwrap_or_default().to_owned()
        }
        _ => "the syntax is wrong".to_owned(),
    };
    JsonError(format!("{what} at line {} column {}", error.line(), error.column()))
}

/// Reads one value.
struct Value<'v> {
    depth: u32,
    values: &'v mut u32,
}

impl<'v> Value<'v> {
    fn inner(&mut self) -> Value<'_> {
        Value { depth: self.depth + 1, values: self.values }
    }

    fn enter<E: serde::de::Error>(&self) -> Result<(), E> {
        if self.depth >= MAX_DEPTH { Err(E::custom("values are nested too deeply")) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        *self.values += 1;
        if *self.values > MAX_VALUES {
            return Err(D::Error::custom("there are too many values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Json, A::Error> {
        self.enter()?;
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(self.inner())? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Json, A::Error> {
        self.enter()?;
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut names = std::collections::HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom("a name occurs twice in one object"));
            }
            let value = map.next_value_seed(self.inner())?;
            members.push((name, value));
        }
        Ok(Json::Object(Object(members)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reading_or_none() {
        let accepted = |text: &str| Object::parse(text.as_bytes()).is_ok();
        for text in ["{}", r#"{"a": {"a": [1, -2, 0.5, true, null, "é"]}}"#, "  {\"a\":1}\n"] {
            assert!(accepted(text), "{text}");
        }
        let deep = |depth: usize| format!(r#"{{"a": {}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(accepted(&deep(15)));
        let many = format!(r#"{{"a": [{}1]}}"#, "1,".repeat(9000));
        for text in [
            "",
            "[]",
            "1",
            "{} {}",
            "{}x",
            r#"{"a": 1, "a": 1}"#,
            r#"{"a": 1, "\u0061": 2}"#,
            r#"{"b": {"a": 1, "a": 2}}"#,
            r#"{"b": [{"a": 1, "a": 2}]}"#,
            r#"{"a": 01}"#,
            r#"{"a": NaN}"#,
            r#"{"a": 1e999}"#,
            r#"{"a": "\ud800"}"#,
            r#"{"a": 1,}"#,
            r#"{'a': 1}"#,
            r#"{"a": 1 // comment
            }"#,
            &deep(16),
            &many,
        ] {
            assert!(!accepted(text), "{text:.60}");
        }
        assert!(Object::parse(b"{\"a\": \"\xff\"}").is_err(), "not UTF-8");
        assert!(Object::parse(b"\xef\xbb\xbf{}").is_err(), "a byte order mark");
    }

    #[test]
    fn errors_do_not_show_values() {
        let error = Object::parse(br#"{"secret-name": "secret", "secret-name": 1}"#).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
        assert!(error.contains("occurs twice") && error.contains("line 1"), "{error}");
    }
}
