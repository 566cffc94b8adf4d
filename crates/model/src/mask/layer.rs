//! Text out of its escapes, and where each byte of it stood.

use std::ops::Range;

/// A text whose percent-encoding, or escapes of a JSON string, were undone once.
pub(super) struct Layer {
    text: Vec<u8>,
    /// Where each byte stood in the outermost text, and where that ends.
    origins: Vec<usize>,
}

impl Layer {
    /// The text without its escapes; none where there are none.
    pub(super) fn unescaped(text: &[u8]) -> Option<Self> {
        Self::unescape_with(text, |at| at)
    }

    /// This text without the escapes that are left.
    pub(super) fn unescape(&self) -> Option<Self> {
        Self::unescape_with(&self.text, |at| self.origins[at])
    }

    /// The text.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where a part of the text stood in the outermost one.
    pub(super) fn outside(&self, span: Range<usize>) -> Range<usize> {
        self.origins[span.start]..self.origins[span.end]
    }

    fn unescape_with(text: &[u8], origin: impl Fn(usize) -> usize) -> Option<Self> {
        let mut at = text.iter().position(|byte| is_escape(*byte))?;
        let mut layer = Layer { text: text[..at].to_vec(), origins: (0..at).map(&origin).collect() };
        let mut is_changed = false;
        while let Some(byte) = text.get(at) {
            let (byte, length) = meaning(&text[at..]).unwrap_or((*byte, 1));
            is_changed |= length > 1;
            layer.text.push(byte);
            layer.origins.push(origin(at));
            at += length;
        }
        layer.origins.push(origin(text.len()));
        is_changed.then_some(layer)
    }
}

pub(super) fn is_escape(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\')
}

/// The byte that an escape stands for, and the length of the escape. Only those for ASCII count: no secret has others.
fn meaning(text: &[u8]) -> Option<(u8, usize)> {
    let (byte, length) = match text {
        [b'%', digits @ ..] => (hexadecimal(digits.get(..2)?)?, 3),
        [b'\\', b'u', digits @ ..] => (hexadecimal(digits.get(..4)?)?, 6),
        [b'\\', b'n', ..] => (b'\n', 2),
        [b'\\', b'r', ..] => (b'\r', 2),
        [b'\\', b't', ..] => (b'\t', 2),
        [b'\\', byte @ (b'"' | b'\\' | b'/'), ..] => (*byte, 2),
        _ => return None,
    };
    byte.is_ascii().then_some((byte, length))
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let number = digits.iter().try_fold(0, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))?;
    u8::try_from(number).ok()
}
