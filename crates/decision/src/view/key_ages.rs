//! The maximum ages of access keys, by account.

use std::sync::Arc;

use bailiwick_model::AccountId;
use jiff::{SignedDuration, Timestamp};

use super::{AccessKey, View, ViewBuilder};

/// How old the access keys of an account may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAge {
    /// The account.
    pub account: AccountId,
    /// The maximum age.
    pub max_age: SignedDuration,
    /// Before this time no key expires.
    pub in_force: Timestamp,
    /// The key of a tag whose users are exempt.
    pub exempt_tag: Option<Box<str>>,
    /// Whether the keys of root expire too.
    pub include_root: bool,
}

impl View {
    /// Returns when an access key expires; `None` if it does not. An expired key is refused as an inactive one is.
    pub fn key_expires(&self, key: &AccessKey) -> Option<Timestamp> {
        // Usually no account has a maximum age.
        if self.key_ages.len() == 0 {
            return None;
        }
        let age = self.key_ages.get(key.account.number(), |age| age.account == key.account)?;
        let is_exempt = match (&key.user, &age.exempt_tag) {
            (None, _) => !age.include_root,
            (Some(user), Some(exempt)) => {
                let user = self.entity(user);
                user.is_some_and(|user| user.tags().iter().any(|tag| tag.key.eq_ignore_ascii_case(exempt)))
            }
            (Some(_), None) => false,
        };
        let expires = key.created.checked_add(age.max_age).unwrap_or(Timestamp::MAX);
        (!is_exempt).then(|| expires.max(age.in_force))
    }
}

impl ViewBuilder {
    /// Sets the maximum age of the access keys of an account; `None` if they do not expire.
    pub fn set_key_age(&mut self, account: AccountId, age: Option<KeyAge>) {
        let is_same = |old: &Arc<KeyAge>| old.account == account;
        match age {
            Some(age) => {
                self.next.key_ages.insert(account.number(), Arc::new(age), is_same);
            }
            None => {
                self.next.key_ages.remove(account.number(), is_same);
            }
        }
    }

    /// Sets that every access key of an account is expired, because it is not known which are.
    pub fn deny_keys(&mut self, account: AccountId) {
        let expired = KeyAge {
            account,
            max_age: SignedDuration::ZERO,
            in_force: Timestamp::MIN,
            exempt_tag: None,
            include_root: true,
        };
        self.set_key_age(account, Some(expired));
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_model::{AccessKeyId, AccessKeyKind, IdKind, KeyCase, Partition, Path, Tags, UniqueId, UserName};

    use super::super::change;
    use super::*;

    #[test]
    fn keys_expire_by_age_account_and_exemption() {
        let [account, other] = [1, 2].map(|number| AccountId::from_number(number).unwrap());
        let [ann, bob] = [1, 2].map(|n| UniqueId::new(IdKind::User, [n; 17]));
        let day = |number: i64| Timestamp::from_second(number * 86_400).unwrap();
        let mut builder = ViewBuilder::new(Partition::Aws);
        for (id, name, tags) in [(ann, "ann", vec![]), (bob, "bob", vec![("Robot", "yes")])] {
            builder.set_user(change::User {
                account,
                id,
                name: UserName::parse(name).unwrap(),
                path: Path::root(),
                tags: Tags::parse_as(KeyCase::Insensitive, tags).unwrap(),
                boundary: None,
                sessions_valid_after: None,
            });
        }
        let key = |account, user| AccessKey {
            id: AccessKeyId::new(AccessKeyKind::LongTerm, account, [0; 6]),
            account,
            user,
            active: true,
            created: day(10),
            sealed_secret: Default::default(),
        };
        let age = |exempt: Option<&str>, include_root| KeyAge {
            account,
            max_age: SignedDuration::from_hours(24 * 5),
            in_force: day(12),
            exempt_tag: exempt.map(Into::into),
            include_root,
        };
        assert_eq!(builder.publish(1).key_expires(&key(account, Some(ann))), None);
        builder.set_key_age(account, Some(age(Some("robot"), false)));
        let view = builder.publish(2);
        assert_eq!(view.key_expires(&key(account, Some(ann))), Some(day(15)));
        assert_eq!(view.key_expires(&AccessKey { created: day(1), ..key(account, Some(ann)) }), Some(day(12)));
        assert_eq!(view.key_expires(&key(account, Some(bob))), None);
        assert_eq!(view.key_expires(&key(account, None)), None);
        assert_eq!(view.key_expires(&key(other, Some(ann))), None);
        builder.set_key_age(account, Some(age(None, true)));
        let view = builder.publish(3);
        assert_eq!(view.key_expires(&key(account, Some(bob))), Some(day(15)));
        assert_eq!(view.key_expires(&key(account, None)), Some(day(15)));
        builder.deny_keys(account);
        assert!(builder.publish(4).key_expires(&key(account, None)).is_some_and(|expires| expires <= day(10)));
        builder.set_key_age(account, None);
        assert_eq!(builder.publish(5).key_expires(&key(account, None)), None);
    }
}
