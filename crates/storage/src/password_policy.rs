//! The password policy of an account.

use jiff::{SignedDuration, Timestamp};

use crate::{
    account_setting::AccountSetting,
    codec::{AsMessage, Malformed, pb},
    keys::Kind,
};

/// What an account requires of the passwords of its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// The minimum number of characters.
    pub minimum_length: u32,
    /// Whether a password needs a symbol.
    pub require_symbols: bool,
    /// Whether a password needs a digit.
    pub require_numbers: bool,
    /// Whether a password needs a letter from A to Z.
    pub require_uppercase: bool,
    /// Whether a password needs a letter from a to z.
    pub require_lowercase: bool,
    /// Whether every user may change their own password.
    pub allow_users_to_change: bool,
    /// The number of days that a password is valid; `None` if passwords do not expire.
    pub max_age_days: Option<u32>,
    /// How many of the last passwords, the current one included, must not be used again.
    pub reuse_prevention: Option<u32>,
    /// Whether users must not replace a password that has expired; `None` if it was never set.
    pub hard_expiry: Option<bool>,
}

impl PasswordPolicy {
    /// Returns when a password that was set at `changed` expires; `None` if it does not.
    pub fn expires(&self, changed: Timestamp) -> Option<Timestamp> {
        let age = SignedDuration::from_hours(24 * i64::from(self.max_age_days?));
        changed.checked_add(age).ok()
    }
}

impl AccountSetting for PasswordPolicy {
    const KIND: Kind = Kind::PasswordPolicy;
}

impl AsMessage for PasswordPolicy {
    type Message = pb::PasswordPolicy;
    const NAME: &'static str = "password policy";

    fn to_message(&self) -> pb::PasswordPolicy {
        pb::PasswordPolicy {
            minimum_length: self.minimum_length,
            require_symbols: self.require_symbols,
            require_numbers: self.require_numbers,
            require_uppercase: self.require_uppercase,
            require_lowercase: self.require_lowercase,
            allow_users_to_change: self.allow_users_to_change,
            max_age_days: self.max_age_days,
            reuse_prevention: self.reuse_prevention,
            hard_expiry: self.hard_expiry,
        }
    }

    fn from_message(message: pb::PasswordPolicy) -> Result<Self, Malformed> {
        Ok(PasswordPolicy {
            minimum_length: message.minimum_length,
            require_symbols: message.require_symbols,
            require_numbers: message.require_numbers,
            require_uppercase: message.require_uppercase,
            require_lowercase: message.require_lowercase,
            allow_users_to_change: message.allow_users_to_change,
            max_age_days: message.max_age_days,
            reuse_prevention: message.reuse_prevention,
            hard_expiry: message.hard_expiry,
        })
    }
}
