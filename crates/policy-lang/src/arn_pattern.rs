//! The parts of ARN patterns, whose variables may contain colons.

use std::borrow::Cow;

use crate::kind::PolicyKind;

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

/// The resource pattern as AWS reads it in a policy of this kind: in identity-based policies and boundaries, an ARN with
/// fewer than six parts has `*` for each missing part. A text with a part that ends with `*`, which may run on over the
/// next, is returned as it is, and so is every other.
#[must_use]
pub fn complete_arn(text: &str, kind: PolicyKind) -> Cow<'_, str> {
    if !kind.completes_arns() || !is_incomplete(text) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(filled(text))
}

/// Whether a text is an ARN pattern that is completed. One that skips a part, as in `arn:aws:s3::name`, is not.
pub(crate) fn is_incomplete(text: &str) -> bool {
    let parts = arn_parts(text);
    (3..6).contains(&parts.len())
        && parts[0] == "arn"
        && !parts.iter().any(|part| part.is_empty() || part.ends_with('*'))
}

/// A text of colon-separated parts with `*` for each part that is missing to six.
pub(crate) fn filled(text: &str) -> String {
    let missing = 6usize.saturating_sub(arn_parts(text).len());
    text.to_owned() + &":*".repeat(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_parts_are_wildcards_in_identity_policies() {
        let check = |text: &str, expected: &str| {
            assert_eq!(complete_arn(text, PolicyKind::Identity), expected);
            assert_eq!(complete_arn(text, PolicyKind::Boundary), expected);
            for kind in [PolicyKind::Session, PolicyKind::Scp, PolicyKind::Resource, PolicyKind::Trust] {
                assert_eq!(complete_arn(text, kind), text);
            }
        };
        check("arn:aws:sqs", "arn:aws:sqs:*:*:*");
        check("arn:aws:sqs:eu-west-1", "arn:aws:sqs:eu-west-1:*:*");
        let whole = ["*", "arn:aws", "arn:aws:s3::b", "arn:aws::b", "arn:aws:s3:::b", "x:aws:sqs", "arn:aws:sqs:"];
        for same in whole.into_iter().chain(["arn:aws:sqs:*", "arn:aws:sqs:*:orders"]) {
            check(same, same);
        }
    }

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
