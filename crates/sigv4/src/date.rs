//! The times that signatures carry: `20260301T120000Z`, or an HTTP date in the `date` header.

use jiff::{Timestamp, civil::DateTime, fmt::rfc2822, tz::TimeZone};

/// A signature's time, with the text that is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SignedAt {
    pub(crate) time: Timestamp,
    text: [u8; 16],
}

impl SignedAt {
    /// The time to whole seconds; years before 0 or after 9999 do not occur in `Timestamp`'s range that matters.
    pub(crate) fn of(time: Timestamp) -> Self {
        let at = time.to_zoned(TimeZone::UTC);
        let mut text = *b"00000000T000000Z";
        let year = u32::try_from(at.year()).unwrap_or(0);
        put(&mut text[0..4], year);
        put(&mut text[4..6], at.month().unsigned_abs().into());
        put(&mut text[6..8], at.day().unsigned_abs().into());
        put(&mut text[9..11], at.hour().unsigned_abs().into());
        put(&mut text[11..13], at.minute().unsigned_abs().into());
        put(&mut text[13..15], at.second().unsigned_abs().into());
        Self { time, text }
    }

    /// Reads the basic format of ISO 8601, the only one that clients sign with.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let text: [u8; 16] = text.try_into().ok()?;
        if text[8] != b'T' || text[15] != b'Z' {
            return None;
        }
        let number = |range: std::ops::Range<usize>| {
            text[range].iter().try_fold(0i16, |n, b| b.is_ascii_digit().then(|| n * 10 + i16::from(b - b'0')))
        };
        let small = |range| number(range).and_then(|n| i8::try_from(n).ok());
        let civil =
            DateTime::new(number(0..4)?, small(4..6)?, small(6..8)?, small(9..11)?, small(11..13)?, small(13..15)?, 0);
        let time = TimeZone::UTC.to_timestamp(civil.ok()?).ok()?;
        Some(Self { time, text })
    }

    /// Reads the value of a `date` header: the basic format, or an HTTP date.
    pub(crate) fn parse_date_header(text: &[u8]) -> Option<Self> {
        Self::parse(text).or_else(|| {
            let text = std::str::from_utf8(text).ok().filter(|t| t.len() <= 64)?;
            rfc2822::parse(text).ok().map(|zoned| Self::of(zoned.timestamp()))
        })
    }

    /// `20260301T120000Z`.
    pub(crate) fn as_str(&self) -> &str {
        // The text is digits, `T` and `Z` by construction.
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    /// `20260301`.
    pub(crate) fn day(&self) -> &str {
        &self.as_str()[..8]
    }
}

fn put(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_format_only() {
        for good in ["20260301T120000Z", "00010101T000000Z", "99991229T235959Z", "20240229T000001Z"] {
            let at = SignedAt::parse(good.as_bytes()).unwrap();
            assert_eq!(at.as_str(), good);
            assert_eq!(SignedAt::of(at.time), at);
        }
        for bad in [
            "",
            "2026-03-01T12:00:00Z",
            "20260301T120000",
            "20260301T120000z",
            "20260301 120000Z",
            "20261301T120000Z",
            "20260230T120000Z",
            "20260301T240000Z",
            "20260301T126000Z",
            "20260301T120060Z",
            "+0260301T120000Z",
            "20260301T12000\u{0660}",
        ] {
            assert_eq!(SignedAt::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn date_headers_may_be_http_dates() {
        let at = SignedAt::parse_date_header(b"Sun, 01 Mar 2026 12:00:00 GMT").unwrap();
        assert_eq!((at.as_str(), at.day()), ("20260301T120000Z", "20260301"));
        assert_eq!(SignedAt::parse_date_header(b"20260301T120000Z"), Some(at));
        assert_eq!(SignedAt::parse_date_header(b"yesterday"), None);
        assert_eq!(SignedAt::parse_date_header(b"\xff"), None);
    }
}
