//! Base64 values of the Binary operators.

use super::ValueError;

/// Base64 text, borrowed and compared by the bytes that it encodes.
#[derive(Clone, Copy, Debug)]
pub struct Base64<'a> {
    /// The text without its padding.
    data: &'a [u8],
}

impl<'a> Base64<'a> {
    /// Parses base64 in the standard alphabet, with padding.
    ///
    /// Bits after the last byte are ignored, as RFC 4648 permits.
    ///
    /// ```
    /// # use bailiwick_policy_lang::value::Base64;
    /// assert!(Base64::parse("aGVsbG8=").unwrap().bytes().eq(*b"hello"));
    /// assert_eq!(Base64::parse("aGVsbG8"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.as_bytes();
        let padding = text.iter().rev().take_while(|b| **b == b'=').count();
        let data = &text[..text.len() - padding];
        let is_valid = text.len() % 4 == 0 && padding <= 2 && data.iter().all(|b| sextet(*b).is_some());
        is_valid.then_some(Self { data })
    }

    /// The encoded bytes.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.data.chunks(4).flat_map(|chunk| {
            let bits = chunk.iter().fold(0u32, |bits, b| bits << 6 | sextet(*b).unwrap_or(0));
            let bits = bits << (6 * (4 - chunk.len()));
            [16, 8, 0].into_iter().take(chunk.len() - 1).map(move |shift| (bits >> shift) as u8)
        })
    }
}

impl PartialEq for Base64<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl Eq for Base64<'_> {}

impl<'a> TryFrom<&'a str> for Base64<'a> {
    type Error = ValueError;

    fn try_from(text: &'a str) -> Result<Self, ValueError> {
        Self::parse(text).ok_or(ValueError { expected: "base64" })
    }
}

fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_compared() {
        for (a, b, expected) in [
            ("", "", true),
            ("aGVsbG8=", "aGVsbG8=", true),
            ("aGVsbG8=", "aGVsbG9=", true), // bits after the last byte are ignored
            ("aGVsbG8=", "aGVsbA==", false),
            ("AQI=", "AQJ=", true),
            ("AQID", "AQIE", false),
            ("AQ==", "AQA=", false),
            ("aGVsbG8", "aGVsbG8", false),
            ("aGVs bG8=", "aGVs bG8=", false),
            ("-_8=", "-_8=", false),
            ("+/8=", "+/8=", true),
            ("A===", "A===", false),
            ("====", "====", false),
            ("AQ=A", "AQ=A", false),
        ] {
            let equal = Base64::parse(a).zip(Base64::parse(b)).is_some_and(|(a, b)| a == b);
            assert_eq!(equal, expected, "{a} {b}");
        }
    }

    #[test]
    fn bytes_are_decoded() {
        let decoded: Vec<u8> = Base64::parse("c2VjcmV0LWtleQ==").unwrap().bytes().collect();
        assert_eq!(decoded, b"secret-key");
    }
}
