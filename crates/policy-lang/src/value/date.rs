//! Dates: the W3C's forms of ISO 8601, and epoch seconds.

use std::fmt;
use std::str::FromStr;

use super::ValueError;

/// A point in time with a resolution of one attosecond (10⁻¹⁸ s). Finer fractions are cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    seconds: i64,
    attos: u64,
}

impl Instant {
    /// Returns the point in time so many seconds, rounded down, and nanoseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn from_epoch(seconds: i64, nanoseconds: u32) -> Self {
        Self { seconds, attos: u64::from(nanoseconds) * 1_000_000_000 }
    }

    /// Parses a W3C date (`2026`, `2026-01`, `2026-01-31`, `2026-01-31T10:20[:30[.5]][Z|+01:00]`, in UTC without a
    /// zone) or seconds since 1970 (`1769854830`, `-1`, `1718454600.25`).
    ///
    /// Four digits are a year, and so are fewer before a `T` that ends the text. A zone may omit its colon or its
    /// minutes; an hour may have one digit, and `t` and `z` may be written small.
    ///
    /// ```
    /// # use bailiwick_policy_lang::value::Instant;
    /// assert_eq!(Instant::parse("2024-06-15T14:30+02:00"), Instant::parse("1718454600"));
    /// assert_eq!(Instant::parse("2024-6-15"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if let [year @ .., b'T' | b't'] = bytes
            && (1..=4).contains(&year.len())
        {
            let (year, _) = number(year, year.len())?;
            return day_start(year, 1, 1, &[]);
        }
        let is_date_like = bytes.len() == 4 || bytes.get(4) == Some(&b'-');
        if is_date_like && bytes[..4].iter().all(u8::is_ascii_digit) { iso(bytes) } else { epoch(bytes) }
    }

    /// The seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.seconds
    }
}

impl FromStr for Instant {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        Self::parse(text).ok_or(ValueError { expected: "a date such as `2024-06-14T12:30:00Z`, or epoch seconds" })
    }
}

/// Prints `2026-01-31T10:20:30Z`, with a fraction if there is one. The text of a year from 0000 to 9999 parses back to
/// the same instant.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.seconds.div_euclid(86_400));
        let second = self.seconds.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.attos != 0 {
            let digits = format!("{:018}", self.attos);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

fn epoch(text: &[u8]) -> Option<Instant> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let whole = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut seconds: i64 = 0;
    for digit in &digits[..whole] {
        seconds = seconds.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
    }
    let attos = match &digits[whole..] {
        [] => 0,
        [b'.', rest @ ..] => match fraction(rest)? {
            (attos, []) => attos,
            _ => return None,
        },
        _ => return None,
    };
    match (whole, negative, attos) {
        (0, ..) => None,
        (_, false, _) => Some(Instant { seconds, attos }),
        (_, true, 0) => Some(Instant { seconds: -seconds, attos }),
        (_, true, _) => Some(Instant { seconds: -seconds - 1, attos: ATTOS - attos }),
    }
}

const ATTOS: u64 = 1_000_000_000_000_000_000;

/// Parses the digits after a point as attoseconds. Returns them with the rest of the text.
fn fraction(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let value = |n: usize| text.get(n).filter(|_| n < digits).map_or(0, |b| u64::from(b - b'0'));
    (digits > 0).then(|| ((0..18).fold(0, |sum, n| sum * 10 + value(n)), &text[digits..]))
}

fn iso(text: &[u8]) -> Option<Instant> {
    let (year, rest) = number(text, 4)?;
    let Some(rest) = after(rest, b'-') else { return day_start(year, 1, 1, rest) };
    let (month, rest) = number(rest, 2)?;
    let Some(rest) = after(rest, b'-') else { return day_start(year, month, 1, rest) };
    let (day, rest) = number(rest, 2)?;
    let Some(rest) = after(rest, b'T').or_else(|| after(rest, b't')) else {
        return day_start(year, month, day, rest);
    };
    let (hour, rest) = number(rest, 2).or_else(|| number(rest, 1))?;
    let (minute, rest) = number(after(rest, b':')?, 2)?;
    let (second, attos, rest) = match after(rest, b':') {
        None => (0, 0, rest),
        Some(rest) => {
            let (second, rest) = number(rest, 2)?;
            match after(rest, b'.') {
                None => (second, 0, rest),
                Some(rest) => {
                    let (attos, rest) = fraction(rest)?;
                    (second, attos, rest)
                }
            }
        }
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let start = day_start(year, month, day, &[])?;
    Some(Instant { seconds: start.seconds + hour * 3600 + minute * 60 + second - zone(rest)?, attos })
}

/// The offset of a zone from UTC, in seconds.
fn zone(text: &[u8]) -> Option<i64> {
    let (sign, rest) = match text {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, rest) = number(rest, 2)?;
    let (minutes, rest) = match rest {
        [] => (0, rest),
        [b':', rest @ ..] | rest => number(rest, 2)?,
    };
    (rest.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn day_start(year: i64, month: i64, day: i64, rest: &[u8]) -> Option<Instant> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let good = rest.is_empty() && (1..=length).contains(&day);
    good.then(|| Instant { seconds: days(year, month, day) * 86_400, attos: 0 })
}

fn number(text: &[u8], digits: usize) -> Option<(i64, &[u8])> {
    let (head, rest) = text.split_at_checked(digits)?;
    let all = head.iter().all(u8::is_ascii_digit);
    all.then(|| (head.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0')), rest))
}

fn after(text: &[u8], byte: u8) -> Option<&[u8]> {
    text.split_first().filter(|(first, _)| **first == byte).map(|(_, rest)| rest)
}

/// The number of days from 1970-01-01 to a date. Years are counted from March, so that the leap day is the last day.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let month = (month + 9) % 12;
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (month * 153 + 2) / 5 + day - 1 - 719_468
}

/// The year, month and day of the date so many days after 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (year * 365 + year / 4 - year / 100);
    let month = (of_year * 5 + 2) / 153;
    let day = of_year - (month * 153 + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(i64, u64)>) {
        assert_eq!(Instant::parse(text).map(|t| (t.seconds, t.attos)), expected, "{text}");
    }

    #[test]
    fn every_form_parses() {
        const T: i64 = 1_718_454_600; // 2024-06-15T12:30:00Z
        for text in [
            "2024-06-15T12:30Z",
            "2024-06-15T12:30",
            "2024-06-15T12:30:00Z",
            "2024-06-15T12:30:00",
            "2024-06-15T12:30:00.000Z",
            "2024-06-15T14:30:00+02:00",
            "2024-06-15T07:30:00-05:00",
            "2024-06-15T07:30:00-0500",
            "2024-06-15T07:30:00-05",
            "2024-06-16T12:29:00+23:59",
            "2024-06-15t12:30z",
            "2024-06-15t7:30:00-05",
            "1718454600",
            "1718454600.0",
        ] {
            check(text, Some((T, 0)));
        }
        check("2024-06-15T12:30:00.5Z", Some((T, ATTOS / 2)));
        check("2024-06-15T12:30:00.0000000000000000019Z", Some((T, 1)));
        check("1718454600.25", Some((T, ATTOS / 4)));
        check("1970", Some((0, 0)));
        check("1971", Some((31_536_000, 0)));
        check("1971T", Some((31_536_000, 0)));
        check("01t", Some((-62_135_596_800, 0)));
        check("2024-02", Some((1_706_745_600, 0)));
        check("2024-02-29", Some((1_709_164_800, 0)));
        check("0000-03-01", Some((-62_162_035_200, 0)));
        check("0", Some((0, 0)));
        check("-1", Some((-1, 0)));
        check("-1.5", Some((-2, ATTOS / 2)));
        check("19700", Some((19_700, 0)));
        check("197", Some((197, 0)));
    }

    #[test]
    fn other_texts_do_not_parse() {
        for text in [
            "",
            "-",
            ".",
            ".5",
            "1.",
            "x",
            "12x",
            "2024-",
            "2024-6",
            "2024-13",
            "2024-00",
            "2024-02-30",
            "2023-02-29",
            "1900-02-29",
            "2024-06-15T",
            "2024-06-15T12",
            "2024-06-15T24:00",
            "2024-06-15T12:60",
            "2024-06-15T12:30:60",
            "2024-06-15T12:30:00.",
            "2024-06-15T12:30:00.Z",
            "2024-06-15t",
            "20240T",
            "T",
            "-1T",
            "2024-06-15T7",
            "2024-06-15 12:30Z",
            "2024-06-15T12:30+",
            "2024-06-15T12:30+1",
            "2024-06-15T12:30+24:00",
            "2024-06-15T12:30ZZ",
            "2024-06-15Z",
            " 2024",
            "2024 ",
            "+5",
            "99999999999999999999",
            "1e9",
            "1.7e9",
            "1718454600.0Z",
            "-1.5.0",
            "２０２４",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn printed_dates_parse_back() {
        for (text, expected) in [
            ("1769854830", "2026-01-31T10:20:30Z"),
            ("-1", "1969-12-31T23:59:59Z"),
            ("1718454600.25", "2024-06-15T12:30:00.25Z"),
            ("2024", "2024-01-01T00:00:00Z"),
        ] {
            let instant = Instant::parse(text).unwrap();
            assert_eq!(instant.to_string(), expected);
            assert_eq!(expected.parse(), Ok(instant));
        }
    }

    #[test]
    fn dates_and_days_agree() {
        for day in (-800_000..800_000).step_by(7) {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), day);
        }
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(19_782), (2024, 2, 29));
    }
}
