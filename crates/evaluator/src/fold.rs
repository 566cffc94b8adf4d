//! Comparison of text without case.
//!
//! ASCII text, which is nearly all of it, is compared byte by byte. Beyond ASCII a character equals another when the
//! simple upper- or lower-case forms do, one character at a time, so no locale and no change of length comes in.

/// Text in lower case, character by character.
pub(crate) fn lower(text: &str) -> String {
    text.chars().map(lower_char).collect()
}

/// Whether `text` is `key` but for case, where `key` decides how: an ASCII key equals ASCII text alone.
pub(crate) fn eq_key(key: &str, key_is_ascii: bool, text: &str) -> bool {
    let same_length = key.len() == text.len();
    if same_length && key.as_bytes().eq_ignore_ascii_case(text.as_bytes()) {
        return true;
    }
    !key_is_ascii && eq(key, text)
}

/// Whether two texts are equal without regard to case.
pub(crate) fn eq(a: &str, b: &str) -> bool {
    if a.len() == b.len() && a.as_bytes().eq_ignore_ascii_case(b.as_bytes()) {
        return true;
    }
    if a.is_ascii() && b.is_ascii() {
        return false;
    }
    eq_chars(a.chars(), b.chars())
}

/// The same for texts in pieces.
pub(crate) fn eq_chars(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> bool {
    a.map(lower_char).eq(b.map(lower_char))
}

/// The lower-case form of the upper-case form, where each is a single character.
fn lower_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let upper = single(c.to_uppercase()).unwrap_or(c);
    single(upper.to_lowercase()).unwrap_or(upper)
}

fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next()?;
    chars.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_folded_character_by_character() {
        for (a, b, equal) in [
            ("", "", true),
            ("aws:UserName", "AWS:username", true),
            ("a", "ab", false),
            ("ÉCOLE", "école", true),
            ("Straße", "STRASSE", false),
            ("ΣΑΣ", "σας", true),
            ("ß", "ẞ", true),
            ("K", "k", true), // the Kelvin sign
            ("É", "e", false),
            ("日本", "日本", true),
        ] {
            assert_eq!(eq(a, b), equal, "{a} {b}");
            assert_eq!(eq(b, a), equal, "{b} {a}");
            assert_eq!(lower(a) == lower(b), equal, "{a} {b}");
        }
    }
}
