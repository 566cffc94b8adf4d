//! Account ids and account aliases.

use std::fmt;

use crate::NameError;

/// The twelve-digit number of an account, `000000000000` included.
///
/// [`AccountId::NONE`] is not an account. It is the scope of what belongs to the deployment as a whole, such as AWS's
/// managed policies, whose ARNs have `aws` in place of an account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(u64);

impl AccountId {
    /// The scope of what belongs to no account. Its number is the largest of five bytes, which no account can have.
    pub const NONE: AccountId = AccountId((1 << 40) - 1);
    const MAX: u64 = 999_999_999_999;

    /// Returns the account with this number, if the number has at most twelve digits.
    pub const fn from_number(number: u64) -> Option<Self> {
        if number <= Self::MAX { Some(AccountId(number)) } else { None }
    }

    /// Reverses [`AccountId::number`], including that of [`AccountId::NONE`].
    pub const fn from_scope(number: u64) -> Option<Self> {
        if number == Self::NONE.0 { Some(Self::NONE) } else { Self::from_number(number) }
    }

    /// The number itself, without leading zeros; at most five bytes long.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Parses exactly twelve ASCII digits.
    ///
    /// # Errors
    /// Returned for a text of any other form.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        // Every decision parses one, so the digits are checked and added without a branch for each.
        let number = <&[u8; 12]>::try_from(text.as_bytes()).ok().and_then(|digits| {
            let good = digits.iter().fold(true, |good, digit| good & digit.is_ascii_digit());
            let value = |at: usize| u32::from(digits[at].wrapping_sub(b'0'));
            let four = |at: usize| value(at) * 1000 + value(at + 1) * 100 + value(at + 2) * 10 + value(at + 3);
            let number = u64::from(four(0)) * 100_000_000 + u64::from(four(4) * 10_000 + four(8));
            good.then_some(number)
        });
        number.map(AccountId).ok_or(NameError::new("account id", "12 digits"))
    }

    /// The twelve digits, without allocating. The digits of [`AccountId::NONE`] have no meaning.
    pub fn digits(self) -> [u8; 12] {
        let mut out = [b'0'; 12];
        let mut rest = self.0;
        for slot in out.iter_mut().rev() {
            *slot = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == AccountId::NONE { f.write_str("aws") } else { write!(f, "{:012}", self.0) }
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A name for an account that is unique in the deployment: 3 to 63 lower-case letters, digits and single hyphens, with
/// no hyphen at either end, and not of the form of an account id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountAlias(Box<str>);

impl AccountAlias {
    /// # Errors
    /// Returned for a text that is not an alias.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let bytes = text.as_bytes();
        let ok = (3..=63).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !text.contains("--")
            && AccountId::parse(text).is_err();
        if ok {
            Ok(AccountAlias(text.into()))
        } else {
            Err(NameError::new("account alias", "3 to 63 lower-case letters, digits and single hyphens"))
        }
    }

    /// The text of the alias.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountAlias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_ids_are_twelve_digits() {
        for good in ["000000000000", "000000000001", "123456789012", "999999999999"] {
            let id = AccountId::parse(good).unwrap();
            assert_eq!(id.to_string(), good);
            assert_eq!(id.digits(), good.as_bytes());
        }
        for bad in ["", "12345678901", "1234567890123", "12345678901a", "١٢٣٤٥٦٧٨٩٠١٢", " 12345678901"] {
            assert!(AccountId::parse(bad).is_err(), "{bad}");
        }
        assert!(AccountId::from_number(1_000_000_000_000).is_none());
    }

    #[test]
    fn no_account_has_the_number_of_none() {
        assert!(AccountId::from_number(AccountId::NONE.number()).is_none());
        for scope in [AccountId::NONE, AccountId::parse("000000000000").unwrap()] {
            assert_eq!(AccountId::from_scope(scope.number()), Some(scope));
        }
        assert!(AccountId::from_scope(AccountId::NONE.number() - 1).is_none());
        assert_eq!(AccountId::NONE.to_string(), "aws");
        assert_ne!(AccountId::parse("000000000000").unwrap(), AccountId::NONE);
    }

    #[test]
    fn aliases_follow_dns_labels() {
        for good in ["abc", "a-b-c", "0ab", "company-prod-1"] {
            assert!(AccountAlias::parse(good).is_ok(), "{good}");
        }
        for bad in ["ab", "-abc", "abc-", "a--b", "Abc", "a_b", "123456789012", &"a".repeat(64)] {
            assert!(AccountAlias::parse(bad).is_err(), "{bad}");
        }
    }
}
