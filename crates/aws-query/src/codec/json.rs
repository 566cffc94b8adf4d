//! STS's JSON format for clients that accept it: the structure of the XML, with dates in seconds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Encoded;
use super::render::{self, Render};
use super::table::QueryOperation;
use super::wire::WireError;

const CONTENT_TYPE: &str = "application/json";

pub(super) fn response(operation: &QueryOperation, message: &[u8], request_id: &str) -> Result<Encoded, WireError> {
    let name = operation.name();
    let mut out = Json { out: String::with_capacity(256 + 2 * message.len()), lists: vec![false] };
    out.out.push('{');
    out.begin(&format!("{name}Response"));
    if operation.has_result {
        let result = format!("{name}Result");
        out.begin(&result);
        render::structure(&mut out, operation.response, message)?;
        out.end(&result);
    }
    out.begin("ResponseMetadata");
    out.text("RequestId", request_id);
    out.end("ResponseMetadata");
    out.end("Response");
    out.out.push('}');
    Ok(Encoded { content_type: CONTENT_TYPE, body: out.out.into_bytes() })
}

struct Json {
    out: String,
    /// For each open element, whether it is a list, whose items have no names.
    lists: Vec<bool>,
}

impl Json {
    fn member(&mut self, name: &str) {
        if !self.out.ends_with(['{', '[']) {
            self.out.push(',');
        }
        if self.lists.last() != Some(&true) {
            self.quote(name);
            self.out.push(':');
        }
    }

    fn open(&mut self, name: &str, list: bool) {
        self.member(name);
        self.out.push(if list { '[' } else { '{' });
        self.lists.push(list);
    }

    fn close(&mut self) {
        let list = self.lists.pop() == Some(true);
        self.out.push(if list { ']' } else { '}' });
    }

    fn quote(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\u{0}'..='\u{1f}' => self.out.push_str(&format!("\\u{:04x}", c as u32)),
                _ => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

impl Render for Json {
    fn begin(&mut self, name: &str) {
        self.open(name, false);
    }

    fn end(&mut self, _: &str) {
        self.close();
    }

    fn begin_list(&mut self, name: &str) {
        self.open(name, true);
    }

    fn end_list(&mut self, _: &str) {
        self.close();
    }

    fn empty_list(&mut self, name: &str) {
        self.begin_list(name);
        self.close();
    }

    fn begin_map(&mut self, name: &str) {
        self.open(name, false);
    }

    fn end_map(&mut self, _: &str) {
        self.close();
    }

    fn text(&mut self, name: &str, value: &str) {
        self.member(name);
        self.quote(value);
    }

    fn document(&mut self, name: &str, value: &str) {
        self.text(name, value);
    }

    fn number(&mut self, name: &str, value: i64) {
        self.member(name);
        self.out.push_str(&value.to_string());
    }

    fn boolean(&mut self, name: &str, value: bool) {
        self.member(name);
        self.out.push_str(if value { "true" } else { "false" });
    }

    fn bytes(&mut self, name: &str, value: &[u8]) {
        self.text(name, &STANDARD.encode(value));
    }

    fn time(&mut self, name: &str, seconds: i64) -> Result<(), WireError> {
        self.number(name, seconds);
        Ok(())
    }

    fn begin_entry<'k>(&mut self, key: &'k str) -> &'k str {
        key
    }

    fn end_entry(&mut self) {}
}
