//! Strings: finding their end, checking and decoding their escapes.

use super::{NodeKind, Reader, UnlocatedError};

impl Reader<'_> {
    /// Reads a string and checks its escapes; the value is decoded only when asked for.
    pub(super) fn string(&mut self) -> Result<(), UnlocatedError> {
        let index = self.open(NodeKind::PlainString);
        self.at += 1;
        let mut escaped = false;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0..=0x1f) => return Err(self.unexpected("an escape such as `\\n`")),
                Some(byte) => {
                    // The further bytes of a character take no column.
                    self.line_start += usize::from(byte & 0xc0 == 0x80);
                    self.at += 1;
                }
                None => return Err(self.unexpected("a closing quote")),
            }
        }
        self.at += 1;
        self.close(index);
        if escaped {
            self.tree.entries[index].kind = NodeKind::EscapedString;
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), UnlocatedError> {
        let begin = (self.at, self.line_start);
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let lone = match self.hex()? {
                    0xdc00..=0xdfff => true,
                    0xd800..=0xdbff => {
                        !(self.bytes[self.at..].starts_with(b"\\u") && {
                            self.at += 1;
                            matches!(self.hex()?, 0xdc00..=0xdfff)
                        })
                    }
                    _ => false,
                };
                if lone {
                    (self.at, self.line_start) = begin;
                    let mut problem = self.unexpected("a whole pair such as `\\ud83d\\ude00`");
                    problem.found = "half of a surrogate pair".into();
                    return Err(problem);
                }
            }
            _ => return Err(self.unexpected("one of the escapes that JSON knows")),
        }
        Ok(())
    }

    /// Reads `u` and four hexadecimal digits.
    fn hex(&mut self) -> Result<u32, UnlocatedError> {
        self.at += 1;
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            value = value * 16 + digit.ok_or_else(|| self.unexpected("four hexadecimal digits"))?;
            self.at += 1;
        }
        Ok(value)
    }
}

/// The value of a string whose escapes were checked. Escapes that were not are left as they stand.
pub(super) fn decode(raw: &str) -> String {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        let (decoded, length) = decode_escape(&rest[at..]).unwrap_or(('\\', 1));
        value.push(decoded);
        rest = &rest[at + length..];
    }
    value.push_str(rest);
    value
}

/// The character that an escape stands for, and the escape's length.
fn decode_escape(text: &str) -> Option<(char, usize)> {
    let plain = match text.as_bytes().get(1)? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let unit = |at: usize| u16::from_str_radix(text.get(at..at + 4)?, 16).ok();
            let first = unit(2)?;
            let (units, length) = match first {
                0xd800..=0xdbff => ([first, unit(8)?], 12),
                _ => ([first, 0], 6),
            };
            let character = char::decode_utf16(units).next()?.ok()?;
            return Some((character, length));
        }
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        _ => return None,
    };
    Some((plain, 2))
}
