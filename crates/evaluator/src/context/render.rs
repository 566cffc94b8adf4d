//! Typed context values as text, without allocating.

use std::fmt::{self, Write};

use bailiwick_policy_lang::value::Instant;

use super::{ContextValue, Moment};

/// The text of one value.
#[derive(Clone, Copy)]
pub(crate) enum Rendered<'a> {
    Text(&'a str),
    Own(Small),
}

/// A short text, stored inline.
#[derive(Clone, Copy)]
pub(crate) struct Small {
    bytes: [u8; 48],
    len: u8,
}

impl Rendered<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Text(text) => text,
            // Only `write_str` fills the buffer, with whole strings.
            Self::Own(small) => std::str::from_utf8(&small.bytes[..usize::from(small.len)]).unwrap_or_default(),
        }
    }
}

impl Write for Small {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let from = usize::from(self.len);
        let to = from + text.len();
        self.bytes.get_mut(from..to).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = to as u8;
        Ok(())
    }
}

impl<'a> ContextValue<'a> {
    /// Returns the text of a single value, or `None` for a multi-valued key.
    pub(crate) fn rendered(&self) -> Option<Rendered<'a>> {
        match *self {
            Self::One(text) => Some(Rendered::Text(text)),
            Self::Many(_) => None,
            Self::Bool(true) => Some(Rendered::Text("true")),
            Self::Bool(false) => Some(Rendered::Text("false")),
            Self::Integer(number) => Some(small(format_args!("{number}"))),
            Self::Epoch(Moment { seconds, .. }) => Some(small(format_args!("{seconds}"))),
            Self::Ip(address) => Some(small(format_args!("{address}"))),
            Self::Time(Moment { seconds, .. }) => Some(small(format_args!("{}", Instant::from_epoch(seconds, 0)))),
        }
    }
}

fn small(text: fmt::Arguments<'_>) -> Rendered<'static> {
    let mut out = Small { bytes: [0; 48], len: 0 };
    // No rendered value is longer than 46 characters.
    let _ = out.write_fmt(text);
    Rendered::Own(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_values_have_their_documented_text() {
        let at = Moment { seconds: 1_769_854_830, nanos: 5 };
        for (value, expected) in [
            (ContextValue::One("x"), "x"),
            (ContextValue::Bool(true), "true"),
            (ContextValue::Integer(i64::MIN), "-9223372036854775808"),
            (ContextValue::Time(at), "2026-01-31T10:20:30Z"),
            (ContextValue::Epoch(at), "1769854830"),
            (ContextValue::Time(Moment::from_seconds(-1)), "1969-12-31T23:59:59Z"),
            (
                ContextValue::Ip("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255".parse().unwrap()),
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            ),
        ] {
            assert_eq!(value.rendered().unwrap().as_str(), expected);
        }
        assert!(ContextValue::Many(&["x"]).rendered().is_none());
        assert_eq!(ContextValue::Many(&["x", "y"]).texts(), ["x", "y"]);
        assert_eq!(ContextValue::Bool(true).texts(), ["true"]);
    }
}
