//! Strict parser for form bodies and query strings.

use std::borrow::Cow;

use bailiwick_model::{ErrorCode, IamError, Result};
use percent_encoding::percent_decode;

/// The maximum number of parameters of a request.
pub const MAX_PARAMETERS: usize = 2_000;

/// The signature parameters of a presigned URL, which are never parameters of an operation.
const SIGNATURE_PARAMETERS: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

/// One parameter.
pub type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Parses `a=1&b=two+words`.
///
/// # Errors
/// `MalformedQueryString` when a percent sign is not followed by two hex digits, when the text is not UTF-8, or when
/// there are more than 2,000 parameters.
pub fn parse(text: &[u8]) -> Result<Vec<Pair<'_>>> {
    let mut pairs = Vec::new();
    for part in text.split(|b| *b == b'&').filter(|part| !part.is_empty()) {
        if pairs.len() == MAX_PARAMETERS {
            return Err(malformed(format!("a request has at most {MAX_PARAMETERS} parameters")));
        }
        let at = part.iter().position(|b| *b == b'=');
        let (name, value) = at.map_or((part, &[][..]), |at| (&part[..at], &part[at + 1..]));
        pairs.push((decode(name)?, decode(value)?));
    }
    Ok(pairs)
}

/// The same, without the signature parameters of a presigned URL.
///
/// # Errors
/// As [`parse`].
pub fn parse_query(text: &str) -> Result<Vec<Pair<'_>>> {
    let mut pairs = parse(text.as_bytes())?;
    pairs.retain(|(name, _)| !SIGNATURE_PARAMETERS.contains(&name.as_ref()));
    Ok(pairs)
}

fn decode(text: &[u8]) -> Result<Cow<'_, str>> {
    if !text.iter().any(|b| matches!(b, b'%' | b'+')) {
        return match std::str::from_utf8(text) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) => Err(malformed("the parameters are not UTF-8")),
        };
    }
    let mut rest = text;
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        if !matches!(rest.get(at + 1..at + 3), Some([a, b]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()) {
            return Err(malformed("a percent sign must be followed by two hexadecimal digits"));
        }
        rest = &rest[at + 3..];
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split(|byte| *byte == b'+');
    bytes.extend(parts.next().into_iter().flat_map(percent_decode));
    for part in parts {
        bytes.push(b' ');
        bytes.extend(percent_decode(part));
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| malformed("the parameters are not UTF-8"))
}

fn malformed(message: impl Into<String>) -> IamError {
    IamError::new(ErrorCode::MalformedQueryString, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &[u8], expected: &[(&str, &str)]) {
        let pairs = parse(text).unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_ref(), v.as_ref())).collect();
        assert_eq!(pairs, expected, "{}", String::from_utf8_lossy(text));
    }

    #[test]
    fn parameters_are_decoded_exactly_once() {
        check(b"", &[]);
        check(b"a=1&b=two+words&c=%2B%25", &[("a", "1"), ("b", "two words"), ("c", "+%")]);
        check(b"a=%253A", &[("a", "%3A")]);
        check(b"a&&b=&=c&d=x=y", &[("a", ""), ("b", ""), ("", "c"), ("d", "x=y")]);
        check("ä=%C3%A9".as_bytes(), &[("ä", "é")]);
    }

    #[test]
    fn ambiguous_input_is_refused() {
        for bad in [&b"a=%"[..], b"a=%4", b"a=%zz", b"a=\xff", b"a=%ff", b"%G0=1"] {
            assert_eq!(parse(bad).unwrap_err().code(), ErrorCode::MalformedQueryString, "{bad:?}");
        }
        let many = "a=1&".repeat(MAX_PARAMETERS);
        assert!(parse(many.as_bytes()).is_ok());
        assert!(parse(format!("{many}a=1").as_bytes()).is_err());
    }

    #[test]
    fn signatures_are_not_parameters() {
        let pairs = parse_query("Action=A&X-Amz-Signature=s&X-Amz-Date=d&X-Amz-Other=o").unwrap();
        let names: Vec<_> = pairs.iter().map(|(n, _)| n.as_ref()).collect();
        assert_eq!(names, ["Action", "X-Amz-Other"]);
    }
}
