//! Times as forms have them: `2026-11-30T09:15` or `2026-11-30`, in UTC.

use bailiwick_model::{ErrorCode, IamError, Result};
use jiff::civil::{Date, DateTime, time};
use jiff::tz::TimeZone;

/// The first second of a minute or day; none for an empty text.
///
/// # Errors
/// `InvalidInput` for another text.
pub(super) fn earliest(text: &str) -> Result<Option<prost_types::Timestamp>> {
    read(text, |day| day.at(0, 0, 0, 0), 0)
}

/// The last second of a minute or day; none for an empty text.
///
/// # Errors
/// As [`earliest`].
pub(super) fn latest(text: &str) -> Result<Option<prost_types::Timestamp>> {
    read(text, |day| day.to_datetime(time(23, 59, 0, 0)), 59)
}

fn read(text: &str, of_day: impl Fn(Date) -> DateTime, second: i64) -> Result<Option<prost_types::Timestamp>> {
    if text.is_empty() {
        return Ok(None);
    }
    let refused = || {
        let message = format!("`{text}` is not a time such as 2026-11-30T09:15, or a day such as 2026-11-30");
        IamError::new(ErrorCode::InvalidInput, message)
    };
    let has_seconds = text.matches(':').count() == 2;
    let moment = match text.contains('T') {
        true => text.parse::<DateTime>().map_err(|_| refused())?,
        false => of_day(text.parse::<Date>().map_err(|_| refused())?),
    };
    let zoned = moment.to_zoned(TimeZone::UTC).map_err(|_| refused())?;
    let seconds = zoned.timestamp().as_second() + if has_seconds { 0 } else { second };
    Ok(Some(prost_types::Timestamp { seconds, nanos: if second == 0 { 0 } else { 999_999_999 } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_begin_and_end_with_what_is_typed() {
        let seconds = |time: Result<Option<prost_types::Timestamp>>| time.unwrap().map(|time| time.seconds);
        for (text, first, last) in [
            ("", None, None),
            ("1970-01-02", Some(86_400), Some(2 * 86_400 - 1)),
            ("1970-01-01T00:01", Some(60), Some(119)),
            ("1970-01-01T00:01:07", Some(67), Some(67)),
        ] {
            assert_eq!((seconds(earliest(text)), seconds(latest(text))), (first, last), "{text}");
        }
        assert_eq!(latest("1970-01-02").unwrap().unwrap().nanos, 999_999_999);
        for text in ["yesterday", "1970-13-01", "1970-01-01T25:00", "T", "1970", "99999-01-01"] {
            assert_eq!(earliest(text).unwrap_err().code(), ErrorCode::InvalidInput, "{text}");
        }
    }
}
