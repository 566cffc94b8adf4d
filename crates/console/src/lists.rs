//! What long lists hold, kept for some seconds in the memory of the server, so that a page which sorts or searches all of it
//! reads it once.
//!
//! A kept list is one that a call without a path returns. It is shown only to callers who have just made such a call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// How long a list is kept after a part of it was read. What is changed meanwhile elsewhere than in the console shows later.
const KEPT: Duration = Duration::from_secs(20);
/// How many items all kept lists have together. An item needs some 150 bytes.
const MOST_ITEMS: usize = 500_000;

/// What lists show about an object, and what they are sorted by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listed {
    pub(crate) name: Box<str>,
    pub(crate) path: Box<str>,
    /// The description of a role, the ARN of a policy.
    pub(crate) about: Box<str>,
    /// When it was created; a policy: when it was changed.
    pub(crate) created: i64,
    /// When the password was used last.
    pub(crate) used: Option<i64>,
    /// To how many identities a policy is attached.
    pub(crate) count: i32,
}

/// A list, as far as it was read.
#[derive(Clone)]
pub(crate) struct Kept {
    /// The items by name, as calls returned them.
    pub(crate) parts: Vec<Arc<Vec<Listed>>>,
    /// When the first part was read.
    pub(crate) begun: Timestamp,
    /// When the last part was read.
    pub(crate) read_at: Timestamp,
    /// The marker of the next part.
    pub(crate) marker: Option<String>,
}

/// The lists, by account and noun.
#[derive(Default)]
pub(crate) struct Lists(Mutex<HashMap<(String, &'static str), Kept>>);

impl Lists {
    /// The list, if it was read a few seconds ago.
    pub(crate) fn find(&self, account: &str, noun: &'static str, now: Timestamp) -> Option<Kept> {
        let mut lists = self.lock();
        lists.retain(|_, kept| kept.is_recent(now));
        lists.get(&(account.to_owned(), noun)).cloned()
    }

    /// Keeps a list; the oldest others make room for it.
    pub(crate) fn keep(&self, account: &str, noun: &'static str, kept: Kept) {
        let mut lists = self.lock();
        lists.retain(|_, other| other.is_recent(kept.read_at));
        lists.insert((account.to_owned(), noun), kept);
        while lists.values().map(Kept::len).sum::<usize>() > MOST_ITEMS {
            let Some(oldest) = lists.iter().min_by_key(|(_, kept)| kept.read_at).map(|(key, _)| key.clone()) else {
                return;
            };
            lists.remove(&oldest);
        }
    }

    /// Forgets the lists of an account, in which something has changed.
    pub(crate) fn forget(&self, account: &str) {
        self.lock().retain(|(own, _), _| own != account);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, &'static str), Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// How many items it has.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    fn is_recent(&self, now: Timestamp) -> bool {
        now.duration_since(self.read_at).unsigned_abs() < KEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn list(length: usize, second: i64) -> Kept {
        Kept {
            parts: vec![Arc::new(vec![Listed::default(); length])],
            begun: at(second),
            read_at: at(second),
            marker: None,
        }
    }

    #[test]
    fn a_list_is_kept_for_seconds_or_until_its_account_changes() {
        let lists = Lists::default();
        lists.keep("1", "users", list(3, 0));
        lists.keep("2", "users", list(4, 0));
        let length = |account, noun, second| lists.find(account, noun, at(second)).map(|kept| kept.len());
        assert_eq!(
            [length("1", "users", 19), length("1", "roles", 19), length("3", "users", 19)],
            [Some(3), None, None]
        );
        lists.forget("1");
        assert_eq!([length("1", "users", 19), length("2", "users", 19)], [None, Some(4)]);
        assert_eq!(length("2", "users", 20), None);
    }

    #[test]
    fn the_oldest_lists_make_room() {
        let lists = Lists::default();
        for (second, account) in [(0, "old"), (1, "young")] {
            lists.keep(account, "users", list(MOST_ITEMS / 2, second));
        }
        lists.keep("new", "users", list(1, 2));
        let is_kept = |account| lists.find(account, "users", at(3)).is_some();
        assert_eq!(["old", "young", "new"].map(is_kept), [false, true, true]);
    }
}
