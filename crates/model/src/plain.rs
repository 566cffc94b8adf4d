//! Fast recognition of text that needs no escapes.

/// The length of a prefix of `text` in whose bytes nothing has to be escaped, for formats that escape few characters:
/// mostly the whole text, or else a multiple of 16 bytes.
///
/// `is_plain` is false for every byte that is not ASCII, so that the prefix ends at a character. It should have no
/// branches, since the compiler then tests many bytes at once.
pub fn plain_prefix(text: &str, is_plain: impl Fn(u8) -> bool) -> usize {
    let is_special = |byte: &u8| u8::from(!(byte.is_ascii() & is_plain(*byte)));
    let are_plain = |bytes: &[u8; 16]| bytes.iter().fold(0, |any, byte| any | is_special(byte)) == 0;
    let text = text.as_bytes();
    let chunks = text.chunks_exact(16);
    let rest = chunks.remainder();
    let plain = 16 * chunks.take_while(|chunk| chunk.first_chunk().is_some_and(are_plain)).count();
    let is_rest_plain = match text.last_chunk::<16>() {
        // Tests some bytes again, but all at once.
        Some(last) => plain + rest.len() == text.len() && are_plain(last),
        None => rest.iter().all(|byte| is_special(byte) == 0),
    };
    if is_rest_plain { text.len() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_nothing_to_escape_and_ends_at_a_character() {
        for special in ["<", "é", "\u{2028}", "\u{1f600}"] {
            for before in 0..48 {
                let text = format!("{}{special}{}", "a".repeat(before), "b".repeat(40));
                let plain = plain_prefix(&text, |byte| byte != b'<');
                assert!(plain <= before && plain + 16 > before, "{plain} of {before}");
                assert!(text.is_char_boundary(plain));
            }
        }
        let text = "a".repeat(50);
        assert_eq!(plain_prefix(&text, |byte| byte != b'<'), 50);
    }
}
