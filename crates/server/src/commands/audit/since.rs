//! Points in time: how long ago, or a date.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A point in time as an option names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Moment {
    /// So long ago.
    Ago(SignedDuration),
    At(Timestamp),
}

impl Moment {
    /// Parses `90s`, `15m`, `1h`, `7d` or `4w`, a time in RFC 3339, or a date, which begins at midnight UTC.
    pub(in crate::commands) fn parse(text: &str) -> Result<Self, String> {
        let expected =
            || "expected how long ago, as in 15m, 1h or 7d, or a time, as in 2026-01-31T12:00:00Z".to_owned();
        if let Ok(time) = text.parse() {
            return Ok(Moment::At(time));
        }
        if let Ok(date) = text.parse::<Date>() {
            return date.to_zoned(TimeZone::UTC).map(|zoned| Moment::At(zoned.timestamp())).map_err(|_| expected());
        }
        let unit = text.chars().next_back().ok_or_else(expected)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 24 * 3_600,
            'w' => 7 * 24 * 3_600,
            _ => return Err(expected()),
        };
        let number: u32 = text.strip_suffix(unit).and_then(|number| number.parse().ok()).ok_or_else(expected)?;
        Ok(Moment::Ago(SignedDuration::from_secs(i64::from(number) * seconds)))
    }

    pub(in crate::commands) fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Moment::At(time) => time,
            Moment::Ago(duration) => now.checked_sub(duration).unwrap_or(Timestamp::MIN),
        }
    }
}

/// The same in a request.
pub(in crate::commands) fn message(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_durations_or_times() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("90s", "2026-03-01T11:58:30Z"),
            ("15m", "2026-03-01T11:45:00Z"),
            ("1h", "2026-03-01T11:00:00Z"),
            ("2d", "2026-02-27T12:00:00Z"),
            ("1w", "2026-02-22T12:00:00Z"),
            ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00Z"),
            ("2026-01-31", "2026-01-31T00:00:00Z"),
        ] {
            assert_eq!(Moment::parse(text).unwrap().from(now).to_string(), expected, "{text}");
        }
        for text in ["", "1", "h", "-1h", "1 h", "1y", "1.5h", "é", "99999999999h", "yesterday", "2026-13-01"] {
            assert!(Moment::parse(text).is_err(), "{text}");
        }
        assert!(Moment::parse("4294967295w").unwrap().from(now) < now);
    }
}
