//! Conversions of the value types from and to text, the same for every type.

use std::borrow::Cow;
use std::str::FromStr;

use crate::{
    AccessKeyId, AccountAlias, AccountId, Arn, ArnError, GroupName, InstanceProfileName, NameError, Partition, Path,
    PolicyName, Region, RoleName, SessionName, UniqueId, UserName,
};

macro_rules! text {
    ($($type:ident, $error:ident;)*) => {$(
        impl FromStr for $type {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::parse(text)
            }
        }

        impl TryFrom<&str> for $type {
            type Error = $error;

            fn try_from(text: &str) -> Result<Self, $error> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $type {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                Self::parse(&text)
            }
        }

        impl TryFrom<Cow<'_, str>> for $type {
            type Error = $error;

            fn try_from(text: Cow<'_, str>) -> Result<Self, $error> {
                Self::parse(&text)
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

text! {
    AccessKeyId, NameError;
    AccountAlias, NameError;
    AccountId, NameError;
    Arn, ArnError;
    GroupName, NameError;
    InstanceProfileName, NameError;
    Partition, NameError;
    Path, NameError;
    PolicyName, NameError;
    Region, NameError;
    RoleName, NameError;
    SessionName, NameError;
    UniqueId, NameError;
    UserName, NameError;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_conversion_agrees_with_parse() {
        let text = "arn:aws:iam::111122223333:user/ana";
        let arn = Arn::parse(text).unwrap();
        assert_eq!(text.parse(), Ok(arn.clone()));
        assert_eq!(Arn::try_from(text), Ok(arn.clone()));
        assert_eq!(Arn::try_from(text.to_owned()), Ok(arn.clone()));
        assert_eq!(String::from(arn), text);
        assert_eq!("000000000042".parse::<AccountId>().unwrap().to_string(), "000000000042");
        assert!("42".parse::<AccountId>().is_err());
        assert_eq!("aws-cn".parse::<Partition>().unwrap().to_string(), "aws-cn");
    }

    #[cfg(feature = "serde")]
    #[test]
    fn values_are_strings_in_json() {
        let name: UserName = serde_json::from_str("\"An\\u0061\"").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"Ana\"");
        let error = serde_json::from_str::<AccountId>("\"secret\"").unwrap_err().to_string();
        assert!(error.starts_with("not a valid account id: expected 12 digits"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
