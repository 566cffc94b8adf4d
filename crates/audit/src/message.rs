//! Redacts and shortens messages for records.

use std::borrow::Cow;

use bailiwick_model::mask::masked;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

use crate::shape::{self, Field, Kind, Shape};

/// The replacement of a secret.
pub(crate) const REDACTED: &str = "[redacted]";
/// The end of a shortened text.
const CUT: &str = "…[cut]";
/// The maximum nesting of messages; deeper ones are omitted.
const DEPTH: usize = 32;

/// Limits of texts and lists, from generous to strict. The first limits with which the message fits are used, so that
/// the longest parts are shortened first.
const CAPS: [Cap; 9] = [
    Cap { text: usize::MAX, items: usize::MAX },
    Cap { text: 8_192, items: 1_000 },
    Cap { text: 2_048, items: 200 },
    Cap { text: 1_024, items: 100 },
    Cap { text: 512, items: 50 },
    Cap { text: 256, items: 20 },
    Cap { text: 128, items: 10 },
    Cap { text: 64, items: 5 },
    Cap { text: 16, items: 2 },
];

#[derive(Clone, Copy)]
struct Cap {
    text: usize,
    items: usize,
}

/// A redacted message.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct RedactedMessage {
    pub(crate) bytes: Vec<u8>,
    /// Whether texts or lists were cut, or the message left out.
    pub(crate) truncated: bool,
}

/// Removes the secrets of a message, masks text that looks like a secret, and shortens the message to `limit` bytes,
/// starting with the longest texts and lists. The result has the same type. If the bytes are not a valid message, the
/// result contains the fields before the error.
pub(crate) fn redact(shape: &Shape, message: &[u8], limit: usize) -> RedactedMessage {
    for (number, cap) in CAPS.into_iter().enumerate() {
        let mut bytes = Vec::with_capacity(message.len().min(limit));
        walk(shape, message, cap, DEPTH, &mut bytes);
        if bytes.len() <= limit {
            return RedactedMessage { bytes, truncated: number > 0 };
        }
    }
    RedactedMessage { bytes: Vec::new(), truncated: true }
}

/// The encoded value of a field.
#[derive(Clone, Copy)]
pub(crate) enum Raw<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Other,
}

/// The next field, or none at the end or where the bytes are damaged.
pub(crate) fn next<'a>(rest: &mut &'a [u8]) -> Option<(u32, Raw<'a>)> {
    let (number, wire) = decode_key(rest).ok()?;
    let mut take = |length: usize| {
        let (value, after) = rest.split_at_checked(length)?;
        *rest = after;
        Some(value)
    };
    let raw = match wire {
        WireType::LengthDelimited => {
            let length = usize::try_from(decode_varint(rest).ok()?).ok()?;
            let (value, after) = rest.split_at_checked(length)?;
            *rest = after;
            return Some((number, Raw::Bytes(value)));
        }
        WireType::SixtyFourBit => take(8).map(|_| Raw::Other)?,
        WireType::ThirtyTwoBit => take(4).map(|_| Raw::Other)?,
        WireType::Varint => Raw::Varint(decode_varint(rest).ok()?),
        WireType::StartGroup | WireType::EndGroup => return None,
    };
    Some((number, raw))
}

fn walk(shape: &Shape, mut message: &[u8], cap: Cap, depth: usize, out: &mut Vec<u8>) {
    let (mut items, mut last) = (0, 0);
    while let Some((number, raw)) = next(&mut message) {
        let Some(field) = shape.field(number) else { continue };
        items = if number == last { items + 1 } else { 0 };
        last = number;
        let repeats = field.is_list || matches!(field.kind, Kind::Map(_));
        if repeats && items >= cap.items {
            continue;
        }
        put(field, raw, cap, depth, out);
    }
}

fn put(field: &Field, raw: Raw<'_>, cap: Cap, depth: usize, out: &mut Vec<u8>) {
    let number = field.number;
    match (&field.kind, raw) {
        (Kind::Text, Raw::Bytes(value)) => {
            let text = String::from_utf8_lossy(value);
            let kept = if field.is_secret && !text.is_empty() { Cow::Borrowed(REDACTED) } else { cut(&text, cap.text) };
            put_bytes(number, kept.as_bytes(), out);
        }
        (Kind::Bytes, Raw::Bytes(value)) => {
            // Bytes are often text.
            let shown = std::str::from_utf8(value).map(masked);
            let shown = shown.as_ref().map_or(value, |text| text.as_bytes());
            let kept = if field.is_secret && !value.is_empty() {
                REDACTED.as_bytes()
            } else {
                &shown[..shown.len().min(cap.text)]
            };
            put_bytes(number, kept, out);
        }
        (Kind::Time, Raw::Bytes(value)) => put_bytes(number, value, out),
        (Kind::Message(inner), Raw::Bytes(value)) if depth > 0 => {
            let mut kept = Vec::with_capacity(value.len());
            walk(shape::get(*inner), value, cap, depth - 1, &mut kept);
            put_bytes(number, &kept, out);
        }
        (Kind::Map(entry), Raw::Bytes(value)) if depth > 0 => {
            let mut kept = Vec::with_capacity(value.len());
            let mut rest = value;
            while let Some((part, raw)) = next(&mut rest) {
                let Some(member) = shape::get(*entry).field(part) else { continue };
                // The values of a map are as secret as the map; its keys are not.
                if field.is_secret && part == 2 {
                    put_bytes(part, REDACTED.as_bytes(), &mut kept);
                } else {
                    put(member, raw, cap, depth - 1, &mut kept);
                }
            }
            put_bytes(number, &kept, out);
        }
        // Packed numbers.
        (Kind::Boolean | Kind::Integer { .. } | Kind::Enum(_), Raw::Bytes(value)) if field.is_list => {
            put_bytes(number, &value[..value.len().min(cap.text)], out);
        }
        (Kind::Boolean | Kind::Integer { .. } | Kind::Enum(_), Raw::Varint(value)) => {
            encode_key(number, WireType::Varint, out);
            encode_varint(value, out);
        }
        _ => {}
    }
}

fn put_bytes(number: u32, value: &[u8], out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// Masks text that looks like a secret, and limits it to `most` bytes.
fn cut(text: &str, most: usize) -> Cow<'_, str> {
    let shown = masked(text);
    if shown.len() <= most {
        return shown;
    }
    let end = (0..=most.saturating_sub(CUT.len())).rev().find(|end| shown.is_char_boundary(*end)).unwrap_or(0);
    Cow::Owned(format!("{}{CUT}", &shown[..end]))
}

#[cfg(test)]
mod tests;
