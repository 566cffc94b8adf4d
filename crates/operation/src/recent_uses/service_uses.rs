//! The newest uses of services' actions by principals.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bailiwick_model::{AccountId, UniqueId};
use bailiwick_storage::{ServiceUse, ServiceUser};
use jiff::Timestamp;

use super::set;
use super::shards::Shards;

/// A use of an action, as in `iam:GetUser`.
pub type RecentServiceUse = (ServiceUser, Box<str>, ServiceUse);

/// The newest uses of actions: by each user and role, and by each account as a whole.
#[derive(Default)]
pub struct RecentServiceUses {
    uses: Shards<HashMap<ServiceUser, HashMap<Box<str>, Noted>>>,
    just_noted: JustNoted,
}

struct Noted {
    used: ServiceUse,
    /// Whether the store has it. It stays for another round, for calls whose view of the store is older.
    is_written: bool,
}

impl RecentServiceUses {
    /// Records that a user, a role or root (`None`) of an account used an action.
    pub fn note(&self, account: AccountId, id: Option<UniqueId>, action: &str, region: &str, now: Timestamp) {
        let noted = LastNoted { account, id, action, region, time: now };
        // Locked until the use is noted: another call that finds it here may read it at once.
        let mut last = self.just_noted.of(&noted);
        if last.as_ref().is_some_and(|last| noted.is_same(last)) {
            return;
        }
        let whole = ServiceUser { account, id: None };
        for user in [Some(whole), id.map(|id| ServiceUser { account, id: Some(id) })].into_iter().flatten() {
            let mut uses = self.uses.of(&user);
            let actions = uses.entry(user).or_default();
            match actions.get_mut(action) {
                Some(noted) if noted.used.time == now && noted.used.region == region => {}
                Some(noted) => {
                    noted.used.time = now;
                    set(&mut noted.used.region, region);
                    noted.is_written = false;
                }
                None => {
                    let used = ServiceUse { time: now, region: region.to_owned() };
                    actions.insert(action.into(), Noted { used, is_written: false });
                }
            }
        }
        *last = Some(LastNoted { account, id, action: action.into(), region: region.into(), time: now });
    }

    /// The recent uses by a principal, in no order.
    pub fn of(&self, user: &ServiceUser) -> Vec<(String, ServiceUse)> {
        let uses = self.uses.of(user);
        let actions = uses.get(user).into_iter().flatten();
        actions.map(|(action, noted)| (action.to_string(), noted.used.clone())).collect()
    }

    /// The uses to write. Forgets those that the previous round has written.
    pub fn to_write(&self) -> Vec<RecentServiceUse> {
        let mut all = Vec::new();
        for mut uses in self.uses.each() {
            uses.retain(|user, actions| {
                actions.retain(|_, noted| !noted.is_written);
                all.extend(actions.iter().map(|(action, noted)| (*user, action.clone(), noted.used.clone())));
                !actions.is_empty()
            });
        }
        all
    }

    /// Marks uses as written, unless there are newer ones.
    pub fn written(&self, written: &[RecentServiceUse]) {
        for (user, action, used) in written {
            if let Some(noted) = self.uses.of(user).get_mut(user).and_then(|actions| actions.get_mut(action)) {
                noted.is_written = noted.used == *used;
            }
        }
    }
}

/// The last use that was noted of each of some principals. Most uses repeat it within its second, and change nothing.
struct JustNoted([Mutex<Option<LastNoted<Box<str>>>>; JustNoted::COUNT]);

struct LastNoted<T> {
    account: AccountId,
    id: Option<UniqueId>,
    action: T,
    region: T,
    time: Timestamp,
}

impl Default for JustNoted {
    fn default() -> Self {
        JustNoted(std::array::from_fn(|_| Mutex::default()))
    }
}

impl JustNoted {
    /// A power of two.
    const COUNT: usize = 64;

    /// Locks the place of the uses of an action by a principal, which others may share.
    fn of(&self, noted: &LastNoted<&str>) -> MutexGuard<'_, Option<LastNoted<Box<str>>>> {
        let end_of_id = noted.id.and_then(|id| id.as_bytes().last_chunk::<4>().copied()).unwrap_or_default();
        let place = u32::from_be_bytes(end_of_id).wrapping_mul(31) as usize ^ noted.action.len();
        self.0[place % Self::COUNT].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LastNoted<&str> {
    fn is_same(&self, last: &LastNoted<Box<str>>) -> bool {
        self.time == last.time
            && self.account == last.account
            && self.id == last.id
            && *self.action == *last.action
            && *self.region == *last.region
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_model::IdKind;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_use_counts_for_the_principal_and_its_account() {
        let uses = RecentServiceUses::default();
        let (account, bob) = (AccountId::from_number(1).unwrap(), UniqueId::new(IdKind::User, [1; 17]));
        uses.note(account, Some(bob), "iam:GetUser", "a", at(1));
        uses.note(account, None, "iam:GetUser", "b", at(2));
        let of = |id| uses.of(&ServiceUser { account, id });
        let used = |second, region: &str| {
            vec![("iam:GetUser".to_owned(), ServiceUse { time: at(second), region: region.into() })]
        };
        assert_eq!((of(Some(bob)), of(None)), (used(1, "a"), used(2, "b")));
        let first = uses.to_write();
        assert_eq!(first.len(), 2);
        // A use during the write is written in the next round; the other one is forgotten then.
        uses.note(account, None, "iam:GetUser", "a", at(3));
        uses.written(&first);
        assert_eq!(of(Some(bob)), used(1, "a"));
        assert_eq!(uses.to_write().len(), 1);
        assert_eq!((of(Some(bob)), of(None)), (vec![], used(3, "a")));
    }

    #[test]
    fn only_a_repeated_use_changes_nothing() {
        let uses = RecentServiceUses::default();
        let accounts = [1, 2].map(|number| AccountId::from_number(number).unwrap());
        let bob = UniqueId::new(IdKind::User, [1; 17]);
        // Each differs from the one before it in one part, and all of them share a place.
        for (account, id, action, region, second) in [
            (accounts[0], Some(bob), "iam:GetUser", "b", 2),
            (accounts[0], Some(bob), "iam:GetRole", "b", 2),
            (accounts[0], Some(bob), "iam:GetRole", "c", 2),
            (accounts[0], Some(bob), "iam:GetRole", "c", 3),
            (accounts[1], Some(bob), "iam:GetRole", "c", 3),
        ] {
            for _ in 0..2 {
                uses.note(account, id, action, region, at(second));
                let expected = (action.to_owned(), ServiceUse { time: at(second), region: region.into() });
                assert!(uses.of(&ServiceUser { account, id }).contains(&expected), "{expected:?}");
            }
        }
        assert_eq!(uses.to_write().len(), 6);
    }
}
