//! Base64 as the Binary operators read it.

/// Whether two base64 texts stand for the same bytes. Both must be well-formed: the standard alphabet, padded.
pub(crate) fn same(a: &str, b: &str) -> bool {
    match (decode(a.as_bytes()), decode(b.as_bytes())) {
        (Some(a), Some(b)) => a.eq(b),
        _ => false,
    }
}

/// The bytes, once the text is known to be well-formed.
fn decode(text: &[u8]) -> Option<impl Iterator<Item = u8>> {
    let padding = text.iter().rev().take_while(|b| **b == b'=').count();
    let data = &text[..text.len() - padding];
    let good = text.len().is_multiple_of(4) && padding <= 2 && data.iter().all(|b| sextet(*b).is_some());
    good.then(|| {
        data.chunks(4).flat_map(|chunk| {
            let bits = chunk.iter().fold(0u32, |bits, b| bits << 6 | sextet(*b).unwrap_or(0));
            let bits = bits << (6 * (4 - chunk.len()));
            [16, 8, 0].into_iter().take(chunk.len() - 1).map(move |shift| (bits >> shift) as u8)
        })
    })
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
            ("aGVsbG8=", "aGVsbG9=", true), // bits behind the last byte count for nothing
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
            assert_eq!(same(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn decodes_what_was_encoded() {
        let decoded: Vec<u8> = decode(b"c2VjcmV0LWtleQ==").unwrap().collect();
        assert_eq!(decoded, b"secret-key");
    }
}
