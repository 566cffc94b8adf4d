//! Condition operators: their names, families and modifiers.

use std::fmt;

use crate::suggest;

/// A condition operator with its modifiers, such as `ForAnyValue:StringLikeIfExists`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operator {
    /// The operator itself.
    pub base: ConditionOperator,
    /// The set operator before it.
    pub qualifier: Qualifier,
    /// Whether `IfExists` follows it.
    pub if_exists: bool,
}

impl Operator {
    /// An operator without modifiers.
    #[must_use]
    pub const fn plain(base: ConditionOperator) -> Self {
        Self { base, qualifier: Qualifier::None, if_exists: false }
    }

    /// Reads an operator's full name; case counts. `NullIfExists` is none: existence has no "if it exists".
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (qualifier, rest) = match name.split_once(':') {
            None => (Qualifier::None, name),
            Some(("ForAnyValue", rest)) => (Qualifier::ForAnyValue, rest),
            Some(("ForAllValues", rest)) => (Qualifier::ForAllValues, rest),
            Some(_) => return None,
        };
        let (base, if_exists) = match rest.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        let base = ConditionOperator::parse(base)?;
        (!(if_exists && base == ConditionOperator::Null)).then_some(Self { base, qualifier, if_exists })
    }

    /// Returns the operator that an unknown name was probably meant to be.
    pub(crate) fn nearest(name: &str) -> Option<String> {
        let (qualifier, rest) = match name.split_once(':') {
            None => (Qualifier::None, name),
            Some((qualifier, rest)) => match suggest::nearest(qualifier, ["ForAnyValue", "ForAllValues"])? {
                "ForAnyValue" => (Qualifier::ForAnyValue, rest),
                _ => (Qualifier::ForAllValues, rest),
            },
        };
        let one = |(&base, if_exists)| Self { base, qualifier: Qualifier::None, if_exists }.to_string();
        let plain = ConditionOperator::ALL.iter().map(|base| (base, false));
        let optional = ConditionOperator::ALL.iter().map(|base| (base, true));
        let names: Vec<String> = plain.chain(optional).map(one).collect();
        let near = suggest::nearest(rest, names.iter().map(String::as_str))?;
        Self::parse(&format!("{}{near}", qualifier.prefix())).map(|operator| operator.to_string())
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = if self.if_exists { "IfExists" } else { "" };
        write!(f, "{}{}{suffix}", self.qualifier.prefix(), self.base.name())
    }
}

/// A set operator: what several values of the request mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Qualifier {
    /// No set operator: the key has one value.
    #[default]
    None,
    /// `ForAnyValue:`: at least one value of the request.
    ForAnyValue,
    /// `ForAllValues:`: every value of the request.
    ForAllValues,
}

impl Qualifier {
    /// The prefix of the operator, including the colon.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::ForAnyValue => "ForAnyValue:",
            Self::ForAllValues => "ForAllValues:",
        }
    }
}

/// The type of value that an operator compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Text.
    String,
    /// Decimal numbers.
    Numeric,
    /// Points in time.
    Date,
    /// `true` and `false`.
    Bool,
    /// Bytes, written in base64.
    Binary,
    /// Addresses and ranges.
    Ip,
    /// ARNs, part by part.
    Arn,
    /// Whether the key is there.
    Null,
}

macro_rules! operators {
    ($($name:ident $family:ident $negated:literal,)*) => {
        /// The operators of the language, named as documents write them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ConditionOperator {
            $(#[doc = concat!("`", stringify!($name), "`.")] $name,)*
        }

        impl ConditionOperator {
            /// Every operator.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Reads a name without modifiers; case counts.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// As documents write it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// What it compares.
            #[must_use]
            pub fn family(self) -> Family {
                match self {
                    $(Self::$name => Family::$family,)*
                }
            }

            /// Whether it holds when none of the values does: the `…Not…` operators.
            #[must_use]
            pub fn is_negated(self) -> bool {
                match self {
                    $(Self::$name => $negated,)*
                }
            }
        }
    };
}

operators! {
    StringEquals String false,
    StringNotEquals String true,
    StringEqualsIgnoreCase String false,
    StringNotEqualsIgnoreCase String true,
    StringLike String false,
    StringNotLike String true,
    NumericEquals Numeric false,
    NumericNotEquals Numeric true,
    NumericLessThan Numeric false,
    NumericLessThanEquals Numeric false,
    NumericGreaterThan Numeric false,
    NumericGreaterThanEquals Numeric false,
    DateEquals Date false,
    DateNotEquals Date true,
    DateLessThan Date false,
    DateLessThanEquals Date false,
    DateGreaterThan Date false,
    DateGreaterThanEquals Date false,
    Bool Bool false,
    BinaryEquals Binary false,
    IpAddress Ip false,
    NotIpAddress Ip true,
    ArnEquals Arn false,
    ArnNotEquals Arn true,
    ArnLike Arn false,
    ArnNotLike Arn true,
    Null Null false,
}

impl ConditionOperator {
    /// Whether `${…}` in its values is a variable: the String, ARN and Bool operators.
    #[must_use]
    pub fn takes_variables(self) -> bool {
        matches!(self.family(), Family::String | Family::Arn | Family::Bool)
    }

    /// Whether `*` and `?` in its values are wildcards.
    #[must_use]
    pub fn takes_wildcards(self) -> bool {
        matches!(self, Self::StringLike | Self::StringNotLike) || self.family() == Family::Arn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_with_every_modifier() {
        for &base in ConditionOperator::ALL {
            for qualifier in [Qualifier::None, Qualifier::ForAnyValue, Qualifier::ForAllValues] {
                for if_exists in [false, true] {
                    let operator = Operator { base, qualifier, if_exists };
                    let expected = (!(if_exists && base == ConditionOperator::Null)).then_some(operator);
                    assert_eq!(Operator::parse(&operator.to_string()), expected, "{operator}");
                }
            }
        }
    }

    #[test]
    fn near_misses_are_not_operators() {
        for name in [
            "",
            "stringEquals",
            "StringEqual",
            "StringEqualsIfExist",
            "IfExists",
            "ForAnyValue",
            "ForAnyValue:",
            "forAnyValue:StringLike",
            "ForAnyValue:ForAllValues:StringLike",
            "ForAnyValues:StringLike",
            "StringLike:ForAnyValue",
            "BinaryNotEquals",
            " StringEquals",
        ] {
            assert_eq!(Operator::parse(name), None, "{name}");
        }
    }

    #[test]
    fn the_operator_that_was_meant() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(Operator::nearest(name).as_deref(), expected, "{name}");
        };
        check("StringEqual", Some("StringEquals"));
        check("stringequals", Some("StringEquals"));
        check("StringEqualsIfExist", Some("StringEqualsIfExists"));
        check("ForAnyValues:StringLike", Some("ForAnyValue:StringLike"));
        check("ForAllValue:StringLikeIfExist", Some("ForAllValues:StringLikeIfExists"));
        check("NumericLessThanOrEquals", Some("NumericLessThanEquals"));
        check("IpAdress", Some("IpAddress"));
        check("Boolean", None);
        check("Boole", Some("Bool"));
        check("ForSomeValue:StringLike", None);
        check("Matches", None);
        check("", None);
        check("::", None);
    }
}
