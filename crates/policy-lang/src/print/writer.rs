//! A small JSON writer.

use std::fmt::Write;

/// Writes JSON, on one line or indented.
pub(crate) struct Writer {
    text: String,
    pretty: bool,
    depth: usize,
    /// Whether the collection being written has a member already.
    started: bool,
}

impl Writer {
    pub(crate) fn compact() -> Self {
        Self { text: String::new(), pretty: false, depth: 0, started: false }
    }

    pub(crate) fn pretty() -> Self {
        Self { pretty: true, ..Self::compact() }
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }

    pub(crate) fn string(&mut self, value: &str) {
        string(&mut self.text, value);
    }

    /// Writes what is JSON already.
    pub(crate) fn raw(&mut self, json: &str) {
        self.text.push_str(json);
    }

    pub(crate) fn number(&mut self, value: impl Into<u64>) {
        let _ = write!(self.text, "{}", value.into());
    }

    pub(crate) fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.collection('{', '}', members);
    }

    pub(crate) fn member(&mut self, key: &str, value: impl FnOnce(&mut Self)) {
        self.next();
        self.string(key);
        self.raw(if self.pretty { ": " } else { ":" });
        value(self);
        self.started = true;
    }

    pub(crate) fn array<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T)) {
        self.collection('[', ']', |out| {
            for each in items {
                out.next();
                item(out, each);
                out.started = true;
            }
        });
    }

    fn collection(&mut self, open: char, close: char, members: impl FnOnce(&mut Self)) {
        self.text.push(open);
        self.depth += 1;
        self.started = false;
        members(self);
        self.depth -= 1;
        if self.started {
            self.line();
        }
        self.text.push(close);
        self.started = true;
    }

    fn next(&mut self) {
        if self.started {
            self.text.push(',');
        }
        self.line();
    }

    fn line(&mut self) {
        if self.pretty {
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n("    ", self.depth));
        }
    }
}

/// Appends a JSON string. Characters beyond U+00FF are escaped, since IAM's own policies cannot hold them plain.
pub(crate) fn string(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            ' '..='\u{ff}' => text.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text.push('"');
}
