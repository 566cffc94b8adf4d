//! The times of events, in microseconds.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::Offset;

/// Appends a time as `2026-03-01T12:00:00.000000Z`; nothing for one that has no date.
pub(super) fn push(text: &mut String, microseconds: i64) {
    let Ok(time) = Timestamp::from_microsecond(microseconds) else { return };
    let date = Offset::UTC.to_datetime(time);
    let Ok(year) = u32::try_from(date.year()) else {
        // Years before 0 have a sign and six digits. Writing to a text does not fail.
        let _ = write!(text, "{time:.6}");
        return;
    };
    let mut digits = *b"0000-00-00T00:00:00.000000Z";
    let small = |part: i8| u32::from(part.unsigned_abs());
    put(&mut digits[0..4], year);
    put(&mut digits[5..7], small(date.month()));
    put(&mut digits[8..10], small(date.day()));
    put(&mut digits[11..13], small(date.hour()));
    put(&mut digits[14..16], small(date.minute()));
    put(&mut digits[17..19], small(date.second()));
    put(&mut digits[20..26], date.subsec_nanosecond().unsigned_abs() / 1_000);
    text.push_str(std::str::from_utf8(&digits).unwrap_or_default());
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
    fn times_are_as_their_type_formats_them() {
        let (first, last) = (-377_705_023_201_000_000, 253_402_207_200_000_000);
        let (year_0, year_1) = (-62_167_219_200_000_000, -62_135_596_800_000_000);
        for at in [first, year_0 - 1, year_0, year_1, -1, 0, 1, 951_782_399_999_999, 1_772_366_400_120_000, last] {
            let mut text = String::new();
            push(&mut text, at);
            assert_eq!(text, format!("{:.6}", Timestamp::from_microsecond(at).unwrap()), "{at}");
        }
        let mut text = String::new();
        push(&mut text, 1_772_366_400_000_120);
        assert_eq!(text, "2026-03-01T12:00:00.000120Z");
        push(&mut text, i64::MAX);
        assert_eq!(text.len(), 27);
    }
}
