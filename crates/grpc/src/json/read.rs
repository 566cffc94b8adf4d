//! A request message from JSON, strictly: every member once, by its JSON name, and nothing else.
//!
//! Errors name places and members, never values: those of these requests are secrets.

use std::collections::HashSet;
use std::fmt;

use bailiwick_model::{ErrorCode, IamError, Result};
use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{DeserializeOptions, DynamicMessage, Kind, MessageDescriptor, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use zeroize::{Zeroize as _, Zeroizing};

/// The maximum depth of objects and lists.
const MAX_DEPTH: usize = 8;
/// The maximum length of an unknown name that an error quotes.
const MAX_NAME: usize = 64;

/// Reads a message of this type. Its texts, which may be secrets, are overwritten when the message is dropped.
///
/// # Errors
/// `MalformedInput`.
pub(crate) fn message(kind: MessageDescriptor, body: &[u8]) -> Result<Bytes> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(malformed("the body must be a JSON object, such as `{}`"));
    }
    let names = kind.full_name().to_owned();
    let mut json = serde_json::Deserializer::from_slice(body);
    let members = Walk { message: Some(kind.clone()), depth: 1 };
    members
        .deserialize(&mut json)
        .and_then(|()| json.end())
        .map_err(|error| malformed(format!("the body: {error}")))?;
    let mut json = serde_json::Deserializer::from_slice(body);
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let mut message = DynamicMessage::deserialize_with_options(kind, &mut json, &options).map_err(|error| {
        // The text of the error may quote the value.
        let (line, column) = (error.line(), error.column());
        malformed(format!("the body: a value of the wrong type at line {line} column {column}: see `{names}`"))
    })?;
    let encoded = Zeroizing::new(message.encode_to_vec());
    clear(&mut message);
    Ok(Bytes::from_owner(encoded))
}

/// Overwrites the texts and bytes of a message.
fn clear(message: &mut DynamicMessage) {
    message.fields_mut().for_each(|(_, value)| clear_value(value));
}

fn clear_value(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        // Owned by this message alone, so they are not copied.
        Value::Bytes(bytes) => {
            if let Ok(mut own) = std::mem::take(bytes).try_into_mut() {
                own.zeroize();
            }
        }
        Value::Message(inner) => clear(inner),
        Value::List(items) => items.iter_mut().for_each(clear_value),
        _ => {}
    }
}

fn malformed(message: impl Into<String>) -> IamError {
    IamError::new(ErrorCode::MalformedInput, message)
}

/// Checks depth and names of a value.
struct Walk {
    /// The type of an object, unless its members have no fixed names.
    message: Option<MessageDescriptor>,
    depth: usize,
}

impl Walk {
    fn inner(&self, message: Option<MessageDescriptor>) -> Walk {
        Walk { message, depth: self.depth + 1 }
    }

    fn check_depth<E: Error>(&self) -> Result<(), E> {
        match self.depth > MAX_DEPTH {
            true => Err(E::custom(format_args!("more than {MAX_DEPTH} levels"))),
            false => Ok(()),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.check_depth()?;
        while items.next_element_seed(self.inner(self.message.clone()))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.check_depth()?;
        let mut seen = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            let kind = match &self.message {
                None => None,
                Some(message) => match message.get_field_by_json_name(&name) {
                    // Types of protobuf itself have a JSON form of their own, and maps have any names.
                    Some(field) => match field.kind() {
                        Kind::Message(inner) if !inner.is_map_entry() && inner.package_name() != "google.protobuf" => {
                            Some(inner)
                        }
                        _ => None,
                    },
                    None => return Err(A::Error::custom(unknown(&name))),
                },
            };
            if let Some(name) = seen.replace(name) {
                return Err(A::Error::custom(format_args!("the member `{}` occurs twice", name.escape_debug())));
            }
            members.next_value_seed(self.inner(kind))?;
        }
        Ok(())
    }
}

/// Quotes what looks like a name: something else may be a value in the wrong place.
fn unknown(name: &str) -> String {
    let is_name = name.len() <= MAX_NAME && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match is_name {
        true => format!("unknown member `{name}`"),
        false => "unknown member".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_api::signin::{GetSigninTokenRequest, RevokeSignInSessionsRequest, SignInRequest};

    use super::*;

    fn kind(name: &str) -> MessageDescriptor {
        bailiwick_api::pool().get_message_by_name(&format!("bailiwick.signin.v1.{name}")).unwrap()
    }

    fn read<M: prost::Message + Default>(name: &str, body: &str) -> M {
        M::decode(message(kind(name), body.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn members_have_their_json_names() {
        let text = |text: &str| Some(text.to_owned());
        let expected = SignInRequest {
            account: text("reed-bed"),
            user_name: text("héron 🪶"),
            password: text("p\0\n"),
            mfa_code: None,
            root: Some(false),
            ..Default::default()
        };
        let body = r#" {"account": "reed-bed", "userName": "h\u00e9ron \ud83e\udeb6", "password": "p\u0000\n",
            "root": false, "mfaCode": null} "#;
        assert_eq!(read::<SignInRequest>("SignInRequest", body), expected);
        let body = r#"{"sessionIds": ["a", "b"]}"#;
        assert_eq!(read::<RevokeSignInSessionsRequest>("RevokeSignInSessionsRequest", body).session_ids, ["a", "b"]);
        let body = r#"{"sessionDuration": 3600}"#;
        assert_eq!(read::<GetSigninTokenRequest>("GetSigninTokenRequest", body).session_duration, Some(3_600));
        assert_eq!(read::<SignInRequest>("SignInRequest", "{}"), SignInRequest::default());
    }

    #[test]
    fn a_cleared_message_has_no_texts() {
        let body = r#"{"password": "S3cret", "passkey": {"credentialId": "S3cret", "signature": "S3cret"}}"#;
        let mut json = serde_json::Deserializer::from_str(body);
        let mut message = DynamicMessage::deserialize(kind("SignInRequest"), &mut json).unwrap();
        assert!(message.to_string().contains("S3cret"));
        clear(&mut message);
        assert!(!message.to_string().contains("S3cret"), "{message}");
    }

    #[test]
    fn every_other_body_is_refused_without_its_values() {
        let deep = format!("{{\"account\": {}1{}}}", "[".repeat(8), "]".repeat(8));
        let deeper = format!("{}1{}", "{\"account\":".repeat(100_000), "}".repeat(100_000));
        for (body, expected) in [
            ("", "the body must be a JSON object, such as `{}`"),
            ("null", "the body must be a JSON object, such as `{}`"),
            ("[{}]", "the body must be a JSON object, such as `{}`"),
            ("\"S3cret\"", "the body must be a JSON object, such as `{}`"),
            ("\u{feff}{}", "the body must be a JSON object, such as `{}`"),
            ("account=S3cret", "the body must be a JSON object, such as `{}`"),
            ("{\"password\": \"S3cret", "the body: EOF while parsing a string"),
            ("{\"password\": \"S3cret\",}", "the body: trailing comma"),
            ("{} {\"a\": \"S3cret\"}", "the body: trailing characters"),
            ("{'password': 'S3cret'}", "the body: key must be a string"),
            ("{\"password\": S3cret}", "the body: expected value"),
            ("{\"password\": \"\\ud800S3cret\"}", "the body: unexpected end of hex escape"),
            (
                "{\"password\": \"S3\ncret\"}",
                "the body: control character (\\u0000-\\u001F) found while parsing a string",
            ),
            ("{\"pass_word\": \"S3cret\"}", "the body: unknown member `pass_word`"),
            ("{\"user_name\": \"x\"}", "the body: unknown member `user_name`"),
            ("{\"username\": \"x\"}", "the body: unknown member `username`"),
            ("{\"heron-In-7-S3cret\": 1}", "the body: unknown member"),
            ("{\"account\": \"a\", \"account\": \"b\"}", "the body: the member `account` occurs twice"),
            ("{\"account\": \"a\", \"\\u0061ccount\": \"b\"}", "the body: the member `account` occurs twice"),
            ("{\"password\": [\"S3cret\"]}", "the body: a value of the wrong type"),
            ("{\"password\": {\"a\": 1}}", "the body: a value of the wrong type"),
            ("{\"password\": 7}", "the body: a value of the wrong type"),
            ("{\"root\": \"S3cret\"}", "the body: a value of the wrong type"),
            ("{\"root\": 1}", "the body: a value of the wrong type"),
            (&deep, "the body: more than 8 levels"),
            (&deeper, "the body: more than 8 levels"),
        ] {
            let error = message(kind("SignInRequest"), body.as_bytes()).unwrap_err();
            let (what, _) = error.message().split_once(" at line ").unwrap_or((error.message(), ""));
            let shown: String = body.chars().take(60).collect();
            assert_eq!((error.code(), what), (ErrorCode::MalformedInput, expected), "{shown}");
            assert!(!error.message().contains("S3cret"), "{shown}");
        }
        let error = message(kind("SignInRequest"), b"{\"account\": \"\xff\"}").unwrap_err();
        assert!(error.message().starts_with("the body: invalid unicode code point at line 1 column"), "{error}");
        let error = message(kind("SignInRequest"), b"{\n\"root\": 1}").unwrap_err();
        let expected =
            "the body: a value of the wrong type at line 2 column 9: see `bailiwick.signin.v1.SignInRequest`";
        assert_eq!(error.message(), expected);
    }

    /// What another reader of JSON finds in a body, as the message that it stands for.
    fn by_value(body: &[u8]) -> Option<SignInRequest> {
        let value: serde_json::Value = serde_json::from_slice(body).ok()?;
        let members = value.as_object()?;
        let text = |name: &str| members.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        Some(SignInRequest {
            account: text("account"),
            user_name: text("userName"),
            root: members.get("root").and_then(serde_json::Value::as_bool),
            password: text("password"),
            mfa_code: text("mfaCode"),
            mfa_serial_number: text("mfaSerialNumber"),
            passkey: None,
        })
    }

    #[test]
    fn mutated_bodies_have_one_reading_or_none() {
        let body = br#"{"account":"1","userName":"b\u00e9","root":false,"password":"S3cret\n","mfaCode":null}"#;
        let bytes = b"{}[]\",:\\/u0eE-+.tfn \n\r\0\x7f\x80\xc3\xff";
        let (mut accepted, mut refused) = (0, 0);
        let mut check = |body: &[u8]| match message(kind("SignInRequest"), body) {
            Ok(read) => {
                accepted += 1;
                let shown = body.escape_ascii();
                assert_eq!(Some(SignInRequest::decode(read).unwrap()), by_value(body), "{shown}");
            }
            Err(error) => {
                refused += 1;
                assert!(!error.message().contains("S3cret") && error.message().len() < 200, "{error}");
            }
        };
        for at in 0..body.len() {
            for byte in bytes {
                let (before, after) = body.split_at(at);
                check(&[before, &[*byte], after].concat());
                check(&[before, &[*byte], &after[1..]].concat());
            }
            for end in at..body.len() {
                check(&[&body[..at], &body[end..]].concat());
                check(&[&body[..end], &body[at..]].concat());
            }
        }
        assert!(accepted > 500 && refused > 5_000, "{accepted} {refused}");
    }
}
