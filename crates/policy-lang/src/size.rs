//! The length of a document for quotas.

/// The characters of a document without the white space outside of strings, as IAM's quotas count them.
///
/// The text need not be a valid document: what is outside of quotes and not white space counts.
#[must_use]
pub fn non_whitespace_len(text: &str) -> usize {
    let (mut length, mut quoted, mut escaped) = (0, false, false);
    for character in text.chars() {
        if quoted {
            (quoted, escaped) = match character {
                _ if escaped => (true, false),
                '\\' => (true, true),
                '"' => (false, false),
                _ => (true, false),
            };
        } else if matches!(character, ' ' | '\t' | '\n' | '\r') {
            continue;
        } else {
            quoted = character == '"';
        }
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::non_whitespace_len;

    #[test]
    fn white_space_counts_only_within_strings() {
        let check = |text: &str, expected| assert_eq!(non_whitespace_len(text), expected, "{text}");
        check("", 0);
        check(" \t\r\n", 0);
        check("{ \"a b\" : [ 1 , 2 ] }", 13);
        check(r#"{"a\" b": " \\" , "c": 1}"#, 21);
        check("\"é ü\"", 5);
        check("\"open ended  ", 13);
    }
}
