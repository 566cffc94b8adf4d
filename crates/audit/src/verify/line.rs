//! The line of a record, as far as its form proves something.

use serde::de::IgnoredAny;

/// What a line says of itself.
pub(super) struct Line<'a> {
    pub(super) sequence: u64,
    pub(super) previous: &'a str,
    pub(super) is_committed: bool,
    pub(super) event_id: &'a str,
}

impl<'a> Line<'a> {
    /// Reads a line, without its line feed.
    ///
    /// # Errors
    /// The reason why it is not a record.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(line).map_err(|_| "the line is not UTF-8")?;
        if !text.starts_with('{') || serde_json::from_str::<IgnoredAny>(text).is_err() {
            return Err("the line is not a JSON object");
        }
        // The last two members, which this crate writes like this.
        let end = "the line does not end with a sequence number and the hash of the line before";
        let rest = text.strip_suffix("\"}").ok_or(end)?;
        let (rest, previous) = rest.rsplit_once(",\"previousSha256\":\"").ok_or(end)?;
        let (rest, sequence) = rest.rsplit_once(",\"sequence\":").ok_or(end)?;
        if previous.len() != 64 || !previous.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(end);
        }
        let number: u64 = sequence.parse().map_err(|_| end)?;
        if number == 0 || number.to_string() != sequence {
            return Err(end);
        }
        let (_, id) = rest.rsplit_once("\"eventID\":\"").ok_or("the line has no eventID")?;
        let (event_id, _) = id.split_once('"').ok_or("the line has no eventID")?;
        Ok(Line { sequence: number, previous, is_committed: rest.ends_with(",\"committed\":true"), event_id })
    }
}
