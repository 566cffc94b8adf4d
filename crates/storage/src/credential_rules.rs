//! When the credentials of an account end by themselves.

use bailiwick_model::Tags;
use jiff::{SignedDuration, Timestamp};

use crate::{
    account_setting::AccountSetting,
    codec::{self, AsMessage, Malformed, pb},
    keys::Kind,
};

/// When access keys expire, and when unused access keys and passwords are disabled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRules {
    /// The maximum age of an access key in days; `None` if access keys do not expire.
    pub access_key_max_age_days: Option<u32>,
    /// The days without use after which an access key is disabled; `None` for never.
    pub access_key_unused_days: Option<u32>,
    /// The days without use after which a password is deleted; `None` for never.
    pub password_unused_days: Option<u32>,
    /// How many days before the end a warning is given, at least one.
    pub warning_days: u32,
    /// The key of a tag whose users are exempt.
    pub exempt_tag: Option<String>,
    /// Whether the rules for access keys hold for root.
    pub include_root: bool,
    /// When the rules were last changed.
    pub since: Timestamp,
}

impl CredentialRules {
    /// Returns whether there is a rule by which something ends.
    pub fn ends_anything(&self) -> bool {
        [self.access_key_max_age_days, self.access_key_unused_days, self.password_unused_days]
            .iter()
            .any(Option::is_some)
    }

    /// Before this time, the rules end nothing: each credential has the full time of warning under new rules.
    pub fn in_force(&self) -> Timestamp {
        after(self.since, self.warning_days)
    }

    /// Returns whether the rules do not hold for a user with these tags; `None` for root.
    pub fn is_exempt(&self, tags: Option<&Tags>) -> bool {
        match (tags, &self.exempt_tag) {
            (None, _) => !self.include_root,
            (Some(tags), Some(exempt)) => tags.iter().any(|tag| tag.key.eq_ignore_ascii_case(exempt)),
            (Some(_), None) => false,
        }
    }

    /// Returns when something ends that may last for `days` after `start`; `None` without such a rule.
    pub fn end(&self, start: Timestamp, days: Option<u32>) -> Option<Timestamp> {
        Some(after(start, days?).max(self.in_force()))
    }

    /// Returns from when on the end is warned of.
    pub fn warns_from(&self, end: Timestamp) -> Timestamp {
        end.checked_sub(days(self.warning_days)).unwrap_or(Timestamp::MIN)
    }
}

fn days(days: u32) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(days))
}

fn after(start: Timestamp, number: u32) -> Timestamp {
    start.checked_add(days(number)).unwrap_or(Timestamp::MAX)
}

impl AccountSetting for CredentialRules {
    const KIND: Kind = Kind::CredentialRules;
}

impl AsMessage for CredentialRules {
    type Message = pb::CredentialRules;
    const NAME: &'static str = "credential rules";

    fn to_message(&self) -> pb::CredentialRules {
        pb::CredentialRules {
            access_key_max_age_days: self.access_key_max_age_days,
            access_key_unused_days: self.access_key_unused_days,
            password_unused_days: self.password_unused_days,
            warning_days: self.warning_days,
            exempt_tag: self.exempt_tag.clone(),
            include_root: self.include_root,
            since: self.since.as_microsecond(),
        }
    }

    fn from_message(message: pb::CredentialRules) -> Result<Self, Malformed> {
        Ok(CredentialRules {
            access_key_max_age_days: message.access_key_max_age_days,
            access_key_unused_days: message.access_key_unused_days,
            password_unused_days: message.password_unused_days,
            warning_days: message.warning_days,
            exempt_tag: message.exempt_tag,
            include_root: message.include_root,
            since: codec::time(message.since)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_without_the_full_time_of_warning() {
        let day = |number: i64| Timestamp::from_second(number * 86_400).unwrap();
        let rules = CredentialRules {
            access_key_max_age_days: Some(90),
            access_key_unused_days: None,
            password_unused_days: None,
            warning_days: 14,
            exempt_tag: None,
            include_root: false,
            since: day(1000),
        };
        assert_eq!(rules.end(day(0), None), None);
        // Already too old when the rule was made.
        assert_eq!(rules.end(day(0), Some(90)), Some(day(1014)));
        assert_eq!(rules.end(day(923), Some(90)), Some(day(1014)));
        assert_eq!(rules.end(day(925), Some(90)), Some(day(1015)));
        assert_eq!(rules.warns_from(day(1015)), day(1001));
        assert_eq!(rules.end(Timestamp::MAX, Some(u32::MAX)), Some(Timestamp::MAX));
    }
}
