//! XML in the format of AWS's Query services.

use bailiwick_model::plain_prefix;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::Encoded;
use super::render::{self, Render};
use super::table::QueryOperation;
use super::wire::WireError;

/// The characters that RFC 3986 does not encode: letters, digits, `-`, `.`, `_`, `~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) const CONTENT_TYPE: &str = "text/xml";

pub(super) fn response(operation: &QueryOperation, message: &[u8], request_id: &str) -> Result<Encoded, WireError> {
    let name = operation.name();
    let mut out = Xml { out: Vec::with_capacity(512 + 2 * message.len()) };
    out.raw(&["<", name, "Response xmlns=\"", operation.service.namespace, "\">"]);
    if operation.has_result {
        out.raw(&["<", name, "Result>"]);
        render::structure(&mut out, operation.response, message)?;
        out.raw(&["</", name, "Result>"]);
    }
    out.begin("ResponseMetadata");
    out.text("RequestId", request_id);
    out.end("ResponseMetadata");
    out.raw(&["</", name, "Response>"]);
    Ok(Encoded { content_type: CONTENT_TYPE, body: out.out })
}

#[derive(Default)]
pub(super) struct Xml {
    out: Vec<u8>,
}

impl Xml {
    pub(super) fn raw(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.out.extend_from_slice(part.as_bytes()));
    }

    pub(super) fn into_body(self) -> Vec<u8> {
        self.out
    }

    fn element(&mut self, name: &str, content: impl FnOnce(&mut Vec<u8>)) {
        self.raw(&["<", name, ">"]);
        content(&mut self.out);
        self.raw(&["</", name, ">"]);
    }
}

impl Render for Xml {
    fn begin(&mut self, name: &str) {
        self.raw(&["<", name, ">"]);
    }

    fn end(&mut self, name: &str) {
        self.raw(&["</", name, ">"]);
    }

    fn begin_list(&mut self, name: &str) {
        self.begin(name);
    }

    fn end_list(&mut self, name: &str) {
        self.end(name);
    }

    fn empty_list(&mut self, name: &str) {
        self.raw(&["<", name, "/>"]);
    }

    fn begin_map(&mut self, name: &str) {
        self.begin(name);
    }

    fn end_map(&mut self, name: &str) {
        self.end(name);
    }

    fn text(&mut self, name: &str, value: &str) {
        self.element(name, |out| escape(out, value));
    }

    fn document(&mut self, name: &str, value: &str) {
        self.element(name, |out| {
            percent_encode(value.as_bytes(), RESERVED).for_each(|part| out.extend_from_slice(part.as_bytes()));
        });
    }

    fn number(&mut self, name: &str, value: i64) {
        self.raw(&["<", name, ">", &value.to_string(), "</", name, ">"]);
    }

    fn boolean(&mut self, name: &str, value: bool) {
        self.raw(&["<", name, ">", if value { "true" } else { "false" }, "</", name, ">"]);
    }

    fn bytes(&mut self, name: &str, value: &[u8]) {
        self.raw(&["<", name, ">", &STANDARD.encode(value), "</", name, ">"]);
    }

    fn time(&mut self, name: &str, seconds: i64) -> Result<(), WireError> {
        let time = jiff::Timestamp::from_second(seconds).map_err(|_| WireError("a date out of range"))?;
        self.raw(&["<", name, ">", &time.to_string(), "</", name, ">"]);
        Ok(())
    }

    fn begin_entry<'k>(&mut self, key: &'k str) -> &'k str {
        self.begin("entry");
        self.text("key", key);
        "value"
    }

    fn end_entry(&mut self) {
        self.end("entry");
    }
}

/// Escapes text. Characters that XML cannot represent become U+FFFD. A carriage return, which parsers convert to a line
/// feed, becomes a character reference.
fn escape(out: &mut Vec<u8>, text: &str) {
    // Control characters, quotes and the rest of ASCII's reserved characters are looked at one by one.
    let plain = plain_prefix(text, |byte| {
        (byte.wrapping_sub(b' ') < 95)
            & (byte != b'<')
            & (byte != b'>')
            & (byte != b'&')
            & (byte != b'"')
            & (byte != b'\'')
    });
    let mut plain_from = 0;
    for (at, c) in text[plain..].char_indices().map(|(at, c)| (plain + at, c)) {
        let instead = match c {
            '<' => "&lt;",
            '>' => "&gt;",
            '&' => "&amp;",
            '"' => "&quot;",
            '\'' => "&apos;",
            '\r' => "&#xD;",
            '\t' | '\n' => continue,
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => "\u{fffd}",
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[plain_from..at]);
        out.extend_from_slice(instead.as_bytes());
        plain_from = at + c.len_utf8();
    }
    out.extend_from_slice(&text.as_bytes()[plain_from..]);
}
