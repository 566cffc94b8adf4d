//! What text is a number, a date, an address: the forms of condition values.
//!
//! Only the form is judged here. What a value means when it is compared is the evaluator's matter.

use std::net::IpAddr;

/// A decimal number: sign, digits, at most one point, at most one exponent.
pub(crate) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        None => (unsigned, None),
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

/// `true` or `false`, in any case.
pub(crate) fn is_bool(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

/// Base64 of the standard alphabet, padded.
pub(crate) fn is_base64(text: &str) -> bool {
    let unpadded = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - unpadded.len() <= 2
        && unpadded.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

/// Epoch seconds, or one of the W3C's forms of ISO 8601: from the year alone to fractions of a second with a zone.
pub(crate) fn is_date(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if unsigned.len() > 4 && unsigned.len() < 20 && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return true;
    }
    let (date, time) = match text.split_once('T') {
        None => (text, None),
        Some((date, time)) => (date, Some(time)),
    };
    let mut parts = date.split('-');
    let year = parts.next().and_then(|part| number(part, 4));
    let month = parts.next().map(|part| number(part, 2));
    let day = parts.next().map(|part| number(part, 2));
    let whole_day = day.is_some();
    let good_date = match (year, month, day) {
        (Some(_), None, None) => true,
        (Some(_), Some(Some(1..=12)), None) => true,
        (Some(year), Some(Some(month @ 1..=12)), Some(Some(day))) => (1..=days(year, month)).contains(&day),
        _ => false,
    };
    parts.next().is_none() && good_date && time.is_none_or(|time| whole_day && is_time(time))
}

fn is_time(text: &str) -> bool {
    let (clock, zone) = match text.find(['Z', '+', '-']) {
        None => (text, ""),
        Some(at) => text.split_at(at),
    };
    let good_zone = match zone.as_bytes().first() {
        None => true,
        Some(b'Z') => zone.len() == 1,
        Some(_) => match zone[1..].split_once(':') {
            Some((hours, minutes)) => {
                number(hours, 2).is_some_and(|h| h < 24) && number(minutes, 2).is_some_and(|m| m < 60)
            }
            None => zone.len() == 5 && number(&zone[1..], 4).is_some_and(|z| z / 100 < 24 && z % 100 < 60),
        },
    };
    let mut parts = clock.split(':');
    let hours = parts.next().and_then(|part| number(part, 2)).is_some_and(|hours| hours < 24);
    let minutes = parts.next().and_then(|part| number(part, 2)).is_some_and(|minutes| minutes < 60);
    let seconds = parts.next().is_none_or(|part| {
        let (whole, fraction) = match part.split_once('.') {
            None => (part, None),
            Some((whole, fraction)) => (whole, Some(fraction)),
        };
        number(whole, 2).is_some_and(|seconds| seconds < 60)
            && fraction.is_none_or(|digits| {
                (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
            })
    });
    good_zone && hours && minutes && seconds && parts.next().is_none()
}

/// A number of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<u32> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The six parts of an ARN pattern, or fewer: a colon within a variable parts nothing, and the last part is the rest.
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

/// An address with the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IpRange {
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
}

impl IpRange {
    /// Reads an address, or an address, a slash and a prefix length.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => (address, Some(prefix)),
        };
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(digits) if digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|&length| length <= longest)?
            }
            Some(_) => return None,
        };
        Some(Self { address, prefix })
    }

    fn bits(&self) -> u128 {
        match self.address {
            IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
            IpAddr::V6(address) => address.to_bits(),
        }
    }

    /// The range with the bits behind the prefix cleared.
    pub(crate) fn network(&self) -> Self {
        let kept = self.bits() & u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
        let address = match self.address {
            IpAddr::V4(_) => IpAddr::V4(((kept >> 96) as u32).into()),
            IpAddr::V6(_) => IpAddr::V6(kept.into()),
        };
        Self { address, prefix: self.prefix }
    }

    /// Whether every address of this range is one of the other.
    pub(crate) fn is_within(&self, outer: &Self) -> bool {
        let kept = u128::MAX.checked_shl(128 - u32::from(outer.prefix)).unwrap_or(0);
        self.address.is_ipv4() == outer.address.is_ipv4()
            && self.prefix >= outer.prefix
            && self.bits() & kept == outer.bits() & kept
    }
}

impl std::fmt::Display for IpRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(holds: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(holds(text), "{text}");
        }
        for text in bad {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn forms() {
        check(
            is_number,
            &["0", "-1", "+2.50", "1e3", "1.5E-7", ".5", "5."],
            &["", "-", ".", "1e", "1 ", "0x1", "1,5", "1.2.3"],
        );
        check(is_bool, &["true", "False"], &["", "yes", "1", "true "]);
        check(is_base64, &["", "aGVsbG8=", "AQJ4", "YQ=="], &["a", "a===", "YQ=", "a-b_", "=YQ="]);
        check(
            is_date,
            &[
                "2024",
                "2024-06",
                "2024-06-14",
                "2024-02-29",
                "2024-06-14T12:30",
                "2024-06-14T12:30Z",
                "2024-06-14T12:30:59.123Z",
                "2024-06-14T12:30:00+02:00",
                "2024-06-14T12:30:00-0500",
                "1718368199",
                "-62135596800",
            ],
            &[
                "",
                "24",
                "2024-13",
                "2023-02-29",
                "2024-06-31",
                "2024-06T12:30Z",
                "2024-06-14T24:00Z",
                "2024-06-14T12",
                "2024-06-14 12:30",
                "2024-06-14t12:30Z",
                "2024-06-14T12:30z",
                "2024-06-14T12:30:60Z",
                "2024-06-14T12:30:00.Z",
                "2024-06-14T12:30+25:00",
                "yesterday",
                "2024-06-14T12:30Zx",
                "2024-6-1",
                "99999999999999999999",
            ],
        );
        check(
            |text| IpRange::parse(text).is_some(),
            &["10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:DB8::1", "2001:db8::/32", "::ffff:10.0.0.1/128"],
            &[
                "",
                "10.0.0",
                "10.0.0.0/33",
                "10.0.0.0/",
                "10.0.0.0/+8",
                "10.0.0.256",
                "2001:db8::/129",
                "host",
                "010.0.0.1",
            ],
        );
    }

    #[test]
    fn parts_of_arns() {
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

    #[test]
    fn ranges() {
        let range = |text| IpRange::parse(text).unwrap();
        assert_eq!(range("10.1.2.3/8").network(), range("10.0.0.0/8"));
        assert_eq!(range("10.1.2.3/0").network(), range("0.0.0.0/0"));
        assert_eq!(range("2001:db8::1/32").network().to_string(), "2001:db8::/32");
        assert!(range("10.1.0.0/16").is_within(&range("10.0.0.0/8")));
        assert!(!range("10.0.0.0/8").is_within(&range("10.1.0.0/16")));
        assert!(!range("11.0.0.0/16").is_within(&range("10.0.0.0/8")));
        assert!(!range("::/96").is_within(&range("0.0.0.0/0")));
        assert!(range("1.2.3.4").is_within(&range("0.0.0.0/0")));
    }
}
