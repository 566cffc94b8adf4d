//! Conversions of the named constants of the language from and to text, the same for every type.

use std::fmt;
use std::str::FromStr;

use crate::document::{Effect, Version};
use crate::operator::{ConditionOperator, Operator};
use crate::principal::PrincipalKind;

/// A text is not a name of the expected type. Names are case-sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownNameError {
    expected: &'static str,
}

impl fmt::Display for UnknownNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl std::error::Error for UnknownNameError {}

macro_rules! from_text {
    ($($type:ident, $expected:literal, $parse:expr;)*) => {$(
        impl FromStr for $type {
            type Err = UnknownNameError;

            fn from_str(text: &str) -> Result<Self, UnknownNameError> {
                let parse: fn(&str) -> Option<Self> = $parse;
                parse(text).ok_or(UnknownNameError { expected: $expected })
            }
        }

        impl TryFrom<&str> for $type {
            type Error = UnknownNameError;

            fn try_from(text: &str) -> Result<Self, UnknownNameError> {
                text.parse()
            }
        }
    )*};
}

from_text! {
    Operator, "a condition operator such as `StringEquals`", Operator::parse;
    ConditionOperator, "a condition operator without modifiers", ConditionOperator::parse;
    PrincipalKind, "`AWS`, `Service`, `Federated` or `CanonicalUser`", PrincipalKind::parse;
    Effect, "`Allow` or `Deny`", |text| [Effect::Allow, Effect::Deny].into_iter().find(|each| each.as_str() == text);
    Version, "`2012-10-17` or `2008-10-17`",
        |text| [Version::V2012, Version::V2008].into_iter().find(|each| each.as_str() == text);
}

macro_rules! display {
    ($($type:ident, $text:ident;)*) => {$(
        /// Prints the name as documents have it.
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.$text())
            }
        }
    )*};
}

display! {
    ConditionOperator, name;
    PrincipalKind, name;
    Effect, as_str;
    Version, as_str;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        fn check<T: FromStr<Err = UnknownNameError> + fmt::Display>(names: &[&str]) {
            for name in names {
                assert_eq!(name.parse::<T>().ok().map(|value| value.to_string()).as_deref(), Some(*name));
                assert!(name.to_lowercase().replace('-', "").parse::<T>().is_err(), "{name}");
            }
        }
        check::<Operator>(&["ForAnyValue:StringLikeIfExists", "Null"]);
        check::<ConditionOperator>(&["StringLike", "IpAddress"]);
        check::<PrincipalKind>(&["AWS", "CanonicalUser"]);
        check::<Effect>(&["Allow", "Deny"]);
        check::<Version>(&["2012-10-17", "2008-10-17"]);
        let error = Effect::try_from("allow").unwrap_err();
        assert_eq!(error.to_string(), "expected `Allow` or `Deny`");
    }
}
