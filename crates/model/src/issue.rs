//! When a session or token was issued, and whether a revocation ends it.
//!
//! Servers over one store have clocks of their own, so times of two servers do not tell which of two things was first. The
//! revisions of the store do: what is issued on a view that does not have a revocation is older than it.

use jiff::{SignedDuration, Timestamp};

/// By how much the clocks of two servers differ at most while both accept signatures, which may be five minutes old or early,
/// and some more.
const CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_mins(15);

/// A revision of the store, and the restore epoch in which it was read or written.
///
/// A store that is made of a backup or of another store keeps the revisions of its rows, and goes on with higher ones than
/// the old store has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorePosition {
    /// The number of times that the store was restored; zero if it is not known.
    pub epoch: u64,
    /// Distinguishes stores that were restored from the same backup.
    pub restore_id: u64,
    /// The revision.
    pub revision: u64,
}

impl StorePosition {
    const LAST: Self = StorePosition { epoch: u64::MAX, restore_id: u64::MAX, revision: u64::MAX };

    /// Whether a view here lacks what was written at `other`: it is older, or of another store that was restored from the same
    /// backup.
    fn lacks(self, other: Self) -> bool {
        let is_twin = self.epoch == other.epoch && self.restore_id != other.restore_id;
        self.epoch < other.epoch || self.revision < other.revision || is_twin
    }
}

/// When a session or token was issued: by the clock of the server that issued it, and on which view of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The time.
    pub time: Timestamp,
    /// The view that the decision to issue it was made on. None of what an older version issued, and of certificates.
    pub position: Option<StorePosition>,
}

impl From<Timestamp> for Issue {
    /// An issue of which only the time is known.
    fn from(time: Timestamp) -> Self {
        Issue { time, position: None }
    }
}

/// A revocation of what was issued so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// What was issued before this time is revoked, by the clock of the server that revoked it.
    pub valid_after: Timestamp,
    /// The revision at which the revocation was written.
    pub position: StorePosition,
}

impl Revocation {
    /// Revokes everything.
    pub const ALL: Self = Revocation { valid_after: Timestamp::MAX, position: StorePosition::LAST };

    /// Whether the revocation ends what was issued then.
    ///
    /// Positions are compared where both are known. A session that was issued much earlier by the clocks ends too: a store that
    /// was replaced by an older copy of itself uses revisions again.
    pub fn ends(&self, issue: Issue) -> bool {
        let Some(position) = issue.position else { return issue.time < self.valid_after };
        let much_later = issue.time.checked_add(CLOCK_DIFFERENCE).unwrap_or(Timestamp::MAX);
        position.lacks(self.position) || much_later < self.valid_after
    }

    /// Whether what was issued then is ended by a mark: the time in the record of an account, an identity or a provider, before
    /// which nothing that was issued is valid. `found` is the revocation that was written with the mark, as far as it is known.
    pub fn mark_ends(mark: Option<Timestamp>, found: Option<Self>, issue: Issue) -> bool {
        let Some(mark) = mark else { return false };
        match found {
            Some(revocation) if revocation.valid_after == mark => revocation.ends(issue),
            // The mark is of an older version, or its revocation has expired.
            found => issue.time < mark || found.is_some_and(|revocation| revocation.ends(issue)),
        }
    }
}

/// What revocations are about, besides access keys and delegation requests, which are named by their ids.
pub mod revocation_subject {
    use crate::UniqueId;

    /// All sessions of the account.
    pub const ACCOUNT: &str = "account";

    /// The sessions of a user or role.
    pub fn identity(id: &UniqueId) -> String {
        format!("identity/{id}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn issue(second: i64, epoch: u64, revision: u64) -> Issue {
        Issue { time: at(second), position: Some(StorePosition { epoch, restore_id: 0, revision }) }
    }

    fn revocation(second: i64, epoch: u64, revision: u64) -> Revocation {
        Revocation { valid_after: at(second), position: StorePosition { epoch, restore_id: 0, revision } }
    }

    #[test]
    fn a_revocation_ends_what_was_issued_on_an_older_view_whatever_the_clocks_show() {
        let revoked = revocation(10_000, 2, 50);
        for (issued, ended) in [
            (issue(10_000, 2, 49), true),
            (issue(10_000, 2, 50), false),
            (issue(10_000, 2, 51), false),
            // Clocks that are ahead and behind.
            (issue(20_000, 2, 49), true),
            (issue(9_101, 2, 50), false),
            (issue(9_099, 2, 50), true),
            // Before and after the store was restored.
            (issue(10_000, 1, 49), true),
            (issue(10_000, 1, 60), true),
            (issue(10_000, 3, 60), false),
            (issue(10_000, 3, 40), true),
            // Of an older version.
            (at(9_999).into(), true),
            (at(10_000).into(), false),
        ] {
            assert_eq!(revoked.ends(issued), ended, "{issued:?}");
        }
        // An older version wrote no epoch.
        assert!(revocation(10_000, 0, 50).ends(issue(10_000, 2, 49)));
        assert!(!revocation(10_000, 0, 50).ends(issue(10_000, 2, 50)));
        assert!(Revocation::ALL.ends(issue(10_000, 2, 50)) && Revocation::ALL.ends(at(10_000).into()));
    }

    #[test]
    fn a_revocation_ends_what_another_store_of_the_same_backup_issued() {
        let in_store = |restore_id, epoch, revision| StorePosition { epoch, restore_id, revision };
        let revoked = Revocation { valid_after: at(100), position: in_store(7, 2, 50) };
        for (position, ended) in [
            (in_store(7, 2, 50), false),
            (in_store(8, 2, 60), true),
            // It was restored again since.
            (in_store(8, 3, 60), false),
        ] {
            assert_eq!(revoked.ends(Issue { time: at(100), position: Some(position) }), ended, "{position:?}");
        }
    }

    #[test]
    fn a_mark_without_its_revocation_is_compared_by_time() {
        let (mark, found) = (Some(at(100)), Some(revocation(100, 1, 50)));
        for (mark, found, issued, ended) in [
            (None, None, issue(99, 1, 40), false),
            (mark, found, issue(101, 1, 49), true),
            (mark, found, issue(99, 1, 50), false),
            (mark, None, issue(99, 1, 60), true),
            (mark, None, issue(100, 1, 40), false),
            // An older version has revoked again since, by another clock.
            (Some(at(90)), found, issue(89, 1, 60), true),
            (Some(at(90)), found, issue(90, 1, 60), false),
            (Some(at(110)), found, issue(120, 1, 49), true),
            (mark, Some(Revocation::ALL), issue(200, 1, 60), true),
        ] {
            assert_eq!(Revocation::mark_ends(mark, found, issued), ended, "{mark:?} {found:?} {issued:?}");
        }
    }
}
