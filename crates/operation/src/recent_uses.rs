//! The newest uses of access keys, roles and services: noted with each call, and written to the store in batches.

mod service_uses;
mod shards;

use std::collections::HashMap;
use std::hash::Hash;

use bailiwick_decision::{Caller, Credential, Principal};
use bailiwick_model::{AccessKeyId, AccountId, UniqueId};
use bailiwick_storage::{AccessKeyLastUsed, RoleLastUsed};
use jiff::Timestamp;

pub use service_uses::{RecentServiceUse, RecentServiceUses};
use shards::Shards;

/// The newest use of each access key, role and service that may not be in the store yet.
///
/// Responses take a use from here before they look into the store, so that they name a use as soon as it happened.
#[derive(Default)]
pub struct RecentUses {
    keys: Uses<AccessKeyId, AccessKeyLastUsed>,
    roles: Uses<UniqueId, RoleLastUsed>,
    /// The uses of services.
    pub services: RecentServiceUses,
}

/// A use of a key or role of an account.
pub type RecentUse<K, U> = (K, AccountId, U);

struct Uses<K, U>(Shards<HashMap<K, Noted<U>>>);

struct Noted<U> {
    account: AccountId,
    used: U,
    /// Whether the store has it. It stays for another round, for calls whose view of the store is older.
    is_written: bool,
}

impl<K, U> Default for Uses<K, U> {
    fn default() -> Self {
        Uses(Shards::default())
    }
}

impl RecentUses {
    /// Records the use of a caller's credentials for an operation of a service. A bearer token does not count as a use of
    /// the access key that it was issued for, and a certificate has no key.
    pub fn note(&self, caller: &Caller, service: &'static str, operation: &str, region: &str, now: Timestamp) {
        let account = caller.account();
        let id = caller.principal.identity().copied();
        self.services.note(account, id, &format!("{service}:{operation}"), region, now);
        match (&caller.principal, &caller.credential) {
            (Principal::RoleSession { id, .. }, _) => {
                let new = || RoleLastUsed { time: now, region: region.to_owned() };
                self.roles.note(id, account, new, |used| {
                    used.time = now;
                    set(&mut used.region, region);
                });
            }
            (_, Credential::AccessKey(id)) => {
                let (service_text, region_text) = (service, region);
                let new = || AccessKeyLastUsed {
                    time: now,
                    service: service_text.to_owned(),
                    region: region_text.to_owned(),
                };
                self.keys.note(id, account, new, |used| {
                    used.time = now;
                    set(&mut used.service, service);
                    set(&mut used.region, region);
                });
            }
            (_, Credential::Bearer(_) | Credential::Console(_) | Credential::Certificate(_)) => {}
        }
    }

    /// The last use of an access key, if it is recent.
    pub fn of_key(&self, id: &AccessKeyId) -> Option<AccessKeyLastUsed> {
        self.keys.get(id)
    }

    /// The last use of a role, if it is recent.
    pub fn of_role(&self, id: &UniqueId) -> Option<RoleLastUsed> {
        self.roles.get(id)
    }

    /// The uses of access keys to write. Forgets those that the previous round has written.
    pub fn keys_to_write(&self) -> Vec<RecentUse<AccessKeyId, AccessKeyLastUsed>> {
        self.keys.to_write()
    }

    /// The uses of roles to write, as [`Self::keys_to_write`].
    pub fn roles_to_write(&self) -> Vec<RecentUse<UniqueId, RoleLastUsed>> {
        self.roles.to_write()
    }

    /// Marks uses of keys as written, unless there are newer ones.
    pub fn keys_written(&self, written: &[RecentUse<AccessKeyId, AccessKeyLastUsed>]) {
        self.keys.written(written);
    }

    /// Marks uses of roles as written, unless there are newer ones.
    pub fn roles_written(&self, written: &[RecentUse<UniqueId, RoleLastUsed>]) {
        self.roles.written(written);
    }
}

impl<K: Clone + Eq + Hash, U: Clone + PartialEq> Uses<K, U> {
    fn note(&self, id: &K, account: AccountId, new: impl FnOnce() -> U, renew: impl FnOnce(&mut U)) {
        let mut uses = self.0.of(id);
        match uses.get_mut(id) {
            Some(noted) => {
                renew(&mut noted.used);
                noted.is_written = false;
            }
            None => drop(uses.insert(id.clone(), Noted { account, used: new(), is_written: false })),
        }
    }

    fn get(&self, id: &K) -> Option<U> {
        self.0.of(id).get(id).map(|noted| noted.used.clone())
    }

    fn to_write(&self) -> Vec<RecentUse<K, U>> {
        let mut all = Vec::new();
        for mut uses in self.0.each() {
            uses.retain(|_, noted| !noted.is_written);
            all.extend(uses.iter().map(|(id, noted)| (id.clone(), noted.account, noted.used.clone())));
        }
        all
    }

    fn written(&self, written: &[RecentUse<K, U>]) {
        for (id, _, used) in written {
            if let Some(noted) = self.0.of(id).get_mut(id) {
                noted.is_written = noted.used == *used;
            }
        }
    }
}

/// Sets a text without allocating if it is unchanged, as it mostly is.
fn set(text: &mut String, value: &str) {
    if text != value {
        value.clone_into(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(second: i64) -> RoleLastUsed {
        RoleLastUsed { time: Timestamp::from_second(second).unwrap(), region: "eu-central-1".into() }
    }

    #[test]
    fn a_use_stays_until_the_round_after_it_was_written() {
        let uses = Uses::<u8, RoleLastUsed>::default();
        let account = AccountId::NONE;
        uses.note(&1, account, || used(1), |_| {});
        let first = uses.to_write();
        assert_eq!(first, [(1, account, used(1))]);
        // It is used again while it is written: the newer use is written in the next round.
        uses.note(&1, account, || used(0), |noted| *noted = used(2));
        uses.written(&first);
        let second = uses.to_write();
        assert_eq!(second, [(1, account, used(2))]);
        uses.written(&second);
        assert_eq!(uses.get(&1), Some(used(2)));
        assert_eq!(uses.to_write(), []);
        assert_eq!(uses.get(&1), None);
    }
}
