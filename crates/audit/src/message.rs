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

/// Bytes of text that every pass may mask, beyond eight times its limit.
const FREE_WORK: usize = 64 * 1024;
/// The bytes before the end of a part of a text that are not shown: a secret may be cut there and not be recognized.
const EDGE: usize = 4 * 1024;

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
///
/// The work is bounded by `limit` as well, because a caller without permissions chooses the message: see [`Pass`].
pub(crate) fn redact(shape: &Shape, message: &[u8], limit: usize) -> RedactedMessage {
    // Masking a long text only to cut it would be most of the work.
    let skipped = usize::from(message.len() > limit.saturating_mul(2));
    for (number, cap) in CAPS.into_iter().enumerate().skip(skipped) {
        let mut pass = Pass { cap, limit, work: limit.saturating_mul(8).saturating_add(FREE_WORK), ran_out: false };
        let mut bytes = Vec::with_capacity(message.len().min(limit));
        pass.walk(shape, message, DEPTH, &mut bytes);
        if bytes.len() <= limit {
            return RedactedMessage { bytes, truncated: number > 0 || pass.ran_out };
        }
    }
    RedactedMessage { bytes: Vec::new(), truncated: true }
}

/// One attempt to shorten a message.
struct Pass {
    cap: Cap,
    /// The attempt ends when its output is longer.
    limit: usize,
    /// The number of bytes of text that may still be masked. Further texts are left out.
    work: usize,
    /// Whether texts were left out.
    ran_out: bool,
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
    // The error that decoding nothing returns would be allocated.
    if rest.is_empty() {
        return None;
    }
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

impl Pass {
    fn walk(&mut self, shape: &Shape, mut message: &[u8], depth: usize, out: &mut Vec<u8>) {
        let (mut items, mut last) = (0, 0);
        while out.len() <= self.limit
            && let Some((number, raw)) = next(&mut message)
        {
            let Some(field) = shape.field(number) else { continue };
            items = if number == last { items + 1 } else { 0 };
            last = number;
            let repeats = field.is_list || matches!(field.kind, Kind::Map(_));
            if repeats && items >= self.cap.items {
                continue;
            }
            self.put(field, raw, depth, out);
        }
    }

    fn put(&mut self, field: &Field, raw: Raw<'_>, depth: usize, out: &mut Vec<u8>) {
        let number = field.number;
        match (&field.kind, raw) {
            (Kind::Text, Raw::Bytes(value)) => {
                if field.is_secret && !value.is_empty() {
                    return put_bytes(number, REDACTED.as_bytes(), out);
                }
                let text = String::from_utf8_lossy(value);
                put_bytes(number, self.shown(&text).as_bytes(), out);
            }
            (Kind::Bytes, Raw::Bytes(value)) => {
                if field.is_secret && !value.is_empty() {
                    return put_bytes(number, REDACTED.as_bytes(), out);
                }
                match std::str::from_utf8(value) {
                    // Bytes are often text.
                    Ok(text) => put_bytes(number, self.shown(text).as_bytes(), out),
                    Err(_) => put_bytes(number, &value[..value.len().min(self.cap.text)], out),
                }
            }
            (Kind::Time, Raw::Bytes(value)) => put_bytes(number, value, out),
            (Kind::Message(inner), Raw::Bytes(value)) if depth > 0 => {
                let mut kept = Vec::new();
                self.walk(shape::get(*inner), value, depth - 1, &mut kept);
                put_bytes(number, &kept, out);
            }
            (Kind::Map(entry), Raw::Bytes(value)) if depth > 0 => {
                let mut kept = Vec::new();
                let mut rest = value;
                while let Some((part, raw)) = next(&mut rest) {
                    let Some(member) = shape::get(*entry).field(part) else { continue };
                    // The values of a map are as secret as the map; its keys are not.
                    if field.is_secret && part == 2 {
                        put_bytes(part, REDACTED.as_bytes(), &mut kept);
                    } else {
                        self.put(member, raw, depth - 1, &mut kept);
                    }
                }
                put_bytes(number, &kept, out);
            }
            // Packed numbers.
            (Kind::Boolean | Kind::Integer { .. } | Kind::Enum(_), Raw::Bytes(value)) if field.is_list => {
                put_bytes(number, &value[..value.len().min(self.cap.text)], out);
            }
            (Kind::Boolean | Kind::Integer { .. } | Kind::Enum(_), Raw::Varint(value)) => {
                encode_key(number, WireType::Varint, out);
                encode_varint(value, out);
            }
            _ => {}
        }
    }

    /// The text as it is shown: masked, and cut to the cap. Only as much of it is masked as can be shown.
    fn shown<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        let most = self.cap.text;
        let looked_at = most.saturating_mul(2).saturating_add(2 * EDGE).min(text.len());
        if looked_at > self.work {
            self.ran_out = true;
            return Cow::Borrowed(CUT);
        }
        self.work -= looked_at;
        if looked_at == text.len() {
            return cut(masked(text), most);
        }
        let shown = masked(&text[..floor(text, looked_at)]).into_owned();
        let end = shown.len().saturating_sub(EDGE);
        cut(Cow::Owned(shown), most.min(end))
    }
}

fn put_bytes(number: u32, value: &[u8], out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// Limits a text to `most` bytes, with a mark at the end if it is longer.
fn cut(text: Cow<'_, str>, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return text;
    }
    Cow::Owned(format!("{}{CUT}", &text[..floor(&text, most.saturating_sub(CUT.len()))]))
}

/// The last character boundary up to `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0)
}

#[cfg(test)]
mod tests;
