//! Decimal numbers, compared exactly and without floating point.

use std::cmp::Ordering;

use super::ValueError;

/// A decimal number, borrowed from its text and compared by value.
///
/// The value is 0.`whole``fraction` × 10^`exponent`, without leading or trailing zeros. Zero has no digits.
#[derive(Clone, Copy, Debug)]
pub struct Number<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Number<'a> {
    /// Parses an integer or a decimal number: `-12.50`, `+3`, `.5`, `5.` or `1.2e3`. An exponent has at most nine
    /// digits.
    ///
    /// ```
    /// # use bailiwick_policy_lang::value::Number;
    /// assert_eq!(Number::parse("1e3"), Number::parse("1000.0"));
    /// assert!(Number::parse(".5") < Number::parse("0.50000000000000000001"));
    /// assert_eq!(Number::parse("1,000"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        parse(text)
    }
}

impl<'a> TryFrom<&'a str> for Number<'a> {
    type Error = ValueError;

    fn try_from(text: &'a str) -> Result<Self, ValueError> {
        Self::parse(text).ok_or(ValueError { expected: "a number" })
    }
}

fn parse(text: &str) -> Option<Number<'_>> {
    let (negative, rest) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (whole, rest) = digits(rest);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => digits(rest),
        _ => (&[][..], rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let shift = match rest {
        [] => 0,
        [b'e' | b'E', rest @ ..] => exponent(rest)?,
        _ => return None,
    };
    let whole = &whole[whole.iter().take_while(|b| **b == b'0').count()..];
    let fraction = &fraction[..fraction.len() - fraction.iter().rev().take_while(|b| **b == b'0').count()];
    if !whole.is_empty() {
        let exponent = whole.len() as i64 + shift;
        // Without a fraction, zeros at the end of the whole part are trailing ones.
        let zeros = if fraction.is_empty() { whole.iter().rev().take_while(|b| **b == b'0').count() } else { 0 };
        return Some(Number { negative, whole: &whole[..whole.len() - zeros], fraction, exponent });
    }
    let zeros = fraction.iter().take_while(|b| **b == b'0').count();
    let fraction = &fraction[zeros..];
    if fraction.is_empty() {
        return Some(Number { negative: false, whole, fraction, exponent: 0 });
    }
    Some(Number { negative, whole, fraction, exponent: shift - zeros as i64 })
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|b| b.is_ascii_digit()).count())
}

/// Parses an exponent of at most nine digits.
fn exponent(text: &[u8]) -> Option<i64> {
    let (sign, rest) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        rest => (1, rest),
    };
    let good = (1..=9).contains(&rest.len()) && rest.iter().all(u8::is_ascii_digit);
    good.then(|| sign * rest.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0')))
}

impl Number<'_> {
    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        let digits = || self.whole.iter().chain(self.fraction);
        self.exponent.cmp(&other.exponent).then_with(|| digits().cmp(other.whole.iter().chain(other.fraction)))
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered_by_value() {
        // Each line holds spellings of one number. The lines are in ascending order.
        let lines: &[&[&str]] = &[
            &["-1e3", "-1000", "-1000.0"],
            &["-10.5", "-1.05e1"],
            &["-10", "-10.", "-1e1"],
            &["-0.001", "-1e-3"],
            &["0", "-0", "+0", "00", "0.0", "-0.00", ".0", "0.", "0e5"],
            &["1e-20", ".00000000000000000001"],
            &["0.1", ".1", "00.10"],
            &["0.3"],
            &["0.30000000000000004"],
            &["1", "1.0", "+1", "01", "10e-1", "1E0"],
            &["9.99"],
            &["10", "10.0", "1e1", "1e+1"],
            &["10.00000000000000000000000000000001"],
            &["99"],
            &["100", "1e2", "0.1e3"],
            &["9007199254740992"],
            &["9007199254740993"],
            &["18446744073709551616"],
            &["18446744073709551617"],
            &["1e999999999"],
        ];
        for (i, a) in lines.iter().enumerate() {
            for (j, b) in lines.iter().enumerate() {
                for x in *a {
                    for y in *b {
                        assert_eq!(parse(x).unwrap().cmp(&parse(y).unwrap()), i.cmp(&j), "{x} {y}");
                    }
                }
            }
        }
    }

    #[test]
    fn other_texts_do_not_parse() {
        for text in [
            "",
            "-",
            "+",
            ".",
            "e5",
            "1e",
            "1e+",
            "1e1.5",
            " 1",
            "1 ",
            "1,000",
            "0x10",
            "NaN",
            "inf",
            "1e1234567890",
            "--1",
            "１",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
