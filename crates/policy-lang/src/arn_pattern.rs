//! The parts of ARN patterns, whose variables may contain colons.

/// Splits an ARN pattern into at most six parts. A colon within a variable does not separate parts, and the last part
/// is the rest of the text.
pub(crate) fn arn_parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::with_capacity(6);
    let (mut begin, mut inside) = (0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if text[..at].ends_with('$') => inside = true,
            b'}' => inside = false,
            b':' if !inside && parts.len() < 5 => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_not_split() {
        let check = |text: &str, expected: &[&str]| assert_eq!(arn_parts(text), expected, "{text}");
        check("", &[""]);
        check("arn:aws", &["arn", "aws"]);
        check("arn:aws:s3:::a:b/c", &["arn", "aws", "s3", "", "", "a:b/c"]);
        check(
            "arn:aws:iam::${aws:x, 'a:b'}:user/${aws:y}",
            &["arn", "aws", "iam", "", "${aws:x, 'a:b'}", "user/${aws:y}"],
        );
        check("arn:${aws:x", &["arn", "${aws:x"]);
        check("arn:{a:b}", &["arn", "{a", "b}"]);
        check("é:$é{:", &["é", "$é{", ""]);
    }
}
