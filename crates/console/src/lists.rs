//! What long lists hold, kept for some seconds in the memory of the server, so that a page which sorts or searches all of it
//! reads it once.
//!
//! A kept list is one that a call without a path returns. It is shown only in the session that read it, as the same
//! identity, and only after another such call: markers of further parts are valid for that caller alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// How long a list is kept after a part of it was read. What is changed meanwhile elsewhere than in the console shows later.
const KEPT: Duration = Duration::from_secs(20);
/// How many bytes all kept lists have together. A usual item needs some 150.
const MOST_BYTES: usize = 80 * 1024 * 1024;

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

impl Listed {
    /// How many bytes it needs: paths and descriptions may be long.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.path.len() + self.about.len()
    }
}

/// A list, as far as it was read.
#[derive(Clone)]
pub(crate) struct Kept {
    /// The items by name, as calls returned them.
    pub(crate) parts: Vec<Arc<Vec<Listed>>>,
    /// How many bytes they need.
    bytes: usize,
    /// When the first part was read.
    pub(crate) begun: Timestamp,
    /// When the last part was read.
    pub(crate) read_at: Timestamp,
    /// The marker of the next part.
    pub(crate) marker: Option<String>,
}

/// What a list is of, and who read it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Of {
    /// The id of the account.
    pub(crate) account: String,
    /// The token of the forms of the session, or of the role that the person switched to in it.
    pub(crate) reader: String,
    pub(crate) noun: &'static str,
}

/// The lists.
#[derive(Default)]
pub(crate) struct Lists(Mutex<HashMap<Of, Kept>>);

impl Lists {
    /// The list, if it was read a few seconds ago.
    pub(crate) fn find(&self, of: &Of, now: Timestamp) -> Option<Kept> {
        let mut lists = self.lock();
        lists.retain(|_, kept| kept.is_recent(now));
        lists.get(of).cloned()
    }

    /// Keeps a list; the oldest others make room for it.
    pub(crate) fn keep(&self, of: &Of, kept: Kept) {
        let mut lists = self.lock();
        lists.retain(|_, other| other.is_recent(kept.read_at));
        lists.insert(of.clone(), kept);
        while lists.values().map(|kept| kept.bytes).sum::<usize>() > MOST_BYTES {
            let Some(oldest) = lists.iter().min_by_key(|(_, kept)| kept.read_at).map(|(key, _)| key.clone()) else {
                return;
            };
            lists.remove(&oldest);
        }
    }

    /// Forgets the lists of an account, in which something has changed.
    pub(crate) fn forget(&self, account: &str) {
        self.lock().retain(|of, _| of.account != account);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Of, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// A list of which nothing was read yet.
    pub(crate) fn new(now: Timestamp) -> Self {
        Kept { parts: Vec::new(), bytes: 0, begun: now, read_at: now, marker: None }
    }

    /// Adds what a call returned.
    pub(crate) fn add(&mut self, items: Vec<Listed>, marker: Option<String>, now: Timestamp) {
        self.bytes += items.iter().map(Listed::bytes).sum::<usize>();
        self.parts.push(Arc::new(items));
        (self.marker, self.read_at) = (marker, now);
    }

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
        let mut kept = Kept::new(at(second));
        kept.add(vec![Listed::default(); length], None, at(second));
        kept
    }

    fn of(account: &str, reader: &str, noun: &'static str) -> Of {
        Of { account: account.to_owned(), reader: reader.to_owned(), noun }
    }

    #[test]
    fn a_list_is_kept_for_its_reader() {
        let lists = Lists::default();
        lists.keep(&of("1", "ann", "users"), list(3, 0));
        let length = |reader| lists.find(&of("1", reader, "users"), at(1)).map(|kept| kept.len());
        assert_eq!([length("ann"), length("bob")], [Some(3), None]);
        // Another person's list does not replace it.
        lists.keep(&of("1", "bob", "users"), list(4, 1));
        assert_eq!([length("ann"), length("bob")], [Some(3), Some(4)]);
        lists.forget("1");
        assert_eq!([length("ann"), length("bob")], [None, None]);
    }

    #[test]
    fn a_list_is_kept_for_seconds_or_until_its_account_changes() {
        let lists = Lists::default();
        lists.keep(&of("1", "ann", "users"), list(3, 0));
        lists.keep(&of("2", "ann", "users"), list(4, 0));
        let length = |account, noun, second| lists.find(&of(account, "ann", noun), at(second)).map(|kept| kept.len());
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
        let half = MOST_BYTES / 2 / Listed::default().bytes();
        for (second, account) in [(0, "old"), (1, "young")] {
            lists.keep(&of(account, "ann", "users"), list(half, second));
        }
        lists.keep(&of("new", "ann", "users"), list(1, 2));
        let is_kept = |account| lists.find(&of(account, "ann", "users"), at(3)).is_some();
        assert_eq!(["old", "young", "new"].map(is_kept), [false, true, true]);
        // One item with a long path needs as much.
        let mut long = Kept::new(at(3));
        long.add(vec![Listed { path: "/".repeat(MOST_BYTES).into(), ..Listed::default() }], None, at(3));
        lists.keep(&of("long", "ann", "users"), long);
        assert_eq!(["old", "young", "new", "long"].map(is_kept), [false; 4]);
    }
}
