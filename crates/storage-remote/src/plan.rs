//! What a group of batches writes: the batches are checked one after the other, each on what those before it write.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use bailiwick_storage::{
    Authenticator, Batch, ChangeSet, Revision, StoreError, StoreState, Versioned, encode_log_entry,
};
use bytes::Bytes;

use crate::rows::versioned;

/// How many change sets are pruned at once.
const PRUNE_STEP: u64 = 256;

/// The changes of the valid batches of a group.
#[derive(Debug)]
pub struct Plan {
    /// The outcome of each batch, in the order of the group, once the plan is committed.
    pub(crate) verdicts: Vec<Verdict>,
    /// Rows to write, with their stored form; `None` removes one.
    pub rows: BTreeMap<Bytes, Option<Bytes>>,
    /// Entries of the change log.
    pub log: Vec<(Revision, Vec<u8>)>,
    /// Entries to remove, up to this one.
    pub prune: Option<Revision>,
    /// The state after the group.
    pub state: StoreState,
    /// The same, sealed.
    pub sealed: Vec<u8>,
    size: Limits,
}

/// The outcome of a batch, once the plan is committed.
#[derive(Debug)]
pub(crate) enum Verdict {
    Written(Arc<ChangeSet>),
    /// It is valid and changes nothing.
    Unchanged,
    Refused(StoreError),
    /// The transaction has no room for it: it is for the next group.
    Postponed,
}

impl Verdict {
    /// The change set, if it is written.
    fn set(&self) -> Option<&Arc<ChangeSet>> {
        match self {
            Verdict::Written(set) => Some(set),
            _ => None,
        }
    }
}

/// How much one transaction may write.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The maximum number of changed rows.
    pub rows: usize,
    /// The maximum size of these rows. The entries of the log are about as large.
    pub bytes: usize,
}

impl Limits {
    /// For a database that takes transactions of any size.
    pub const NONE: Limits = Limits { rows: usize::MAX, bytes: usize::MAX };

    /// What a change set adds: each row with its header.
    fn of(set: &ChangeSet) -> Self {
        let rows = set.changes.len();
        Limits { rows, bytes: set.size() + rows * ROW_OVERHEAD }
    }

    fn has_room(&self, used: Limits, more: Limits) -> bool {
        used.rows.saturating_add(more.rows) <= self.rows && used.bytes.saturating_add(more.bytes) <= self.bytes
    }
}

/// At most this many bytes are written for each row beside its key and its value.
const ROW_OVERHEAD: usize = 128;

/// A row before the group.
#[derive(Debug)]
pub(crate) enum Found {
    /// As it is stored.
    Stored(Bytes),
    /// Decoded before, or written by the group.
    Known(Versioned),
}

impl Found {
    fn read(&self, authenticator: &Authenticator, key: &[u8]) -> Result<Versioned, StoreError> {
        match self {
            Found::Stored(row) => versioned(authenticator, key, row),
            Found::Known(row) => Ok(row.clone()),
        }
    }

    fn revision(&self) -> Revision {
        match self {
            Found::Stored(row) => Authenticator::revision_of(row),
            Found::Known(row) => row.revision,
        }
    }
}

/// The keys that a group of batches reads or writes.
pub(crate) fn keys(group: &[Batch]) -> Vec<Bytes> {
    let mut keys: Vec<Bytes> = group.iter().flat_map(|batch| keys_of(batch).cloned()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Those that a batch expects to be absent, and puts.
pub(crate) fn created(group: &[Batch]) -> HashSet<&Bytes> {
    let mut created = HashSet::new();
    for batch in group {
        let put: HashSet<&Bytes> = batch.put.iter().map(|(key, _)| key).collect();
        let absent = batch.expect.iter().filter(|expect| expect.revision.is_none()).map(|expect| &expect.key);
        created.extend(absent.filter(|key| put.contains(key)));
    }
    created
}

fn keys_of(batch: &Batch) -> impl Iterator<Item = &Bytes> {
    let expected = batch.expect.iter().map(|expect| &expect.key);
    let counters = batch.add.iter().map(|add| &add.key);
    expected.chain(counters).chain(batch.put.iter().map(|(key, _)| key)).chain(&batch.delete)
}

impl Plan {
    /// Checks a group. `rows` has the rows of its keys that exist.
    ///
    /// # Errors
    /// [`StoreError::Backend`] when cryptography is not available.
    pub(crate) fn of(
        group: &[Batch],
        mut rows: HashMap<Bytes, Found>,
        state: StoreState,
        authenticator: &Authenticator,
        retention: u64,
        limits: Limits,
    ) -> Result<Self, StoreError> {
        let (verdicts, size) = (Vec::with_capacity(group.len()), Limits { rows: 0, bytes: 0 });
        let mut plan =
            Plan { verdicts, rows: BTreeMap::new(), log: Vec::new(), prune: None, state, sealed: Vec::new(), size };
        for batch in group {
            let current = |key: &[u8]| -> Result<Option<Versioned>, StoreError> {
                rows.get(key).map(|row| row.read(authenticator, key)).transpose()
            };
            let verdict = match batch.clone().plan(current) {
                Ok(changes) if changes.is_empty() => Verdict::Unchanged,
                Ok(changes) => {
                    let set = Arc::new(ChangeSet { revision: plan.state.head.next(), changes });
                    let size = Limits::of(&set);
                    if limits.has_room(plan.size, size) {
                        plan.size = Limits { rows: plan.size.rows + size.rows, bytes: plan.size.bytes + size.bytes };
                        plan.apply(&set, &mut rows, authenticator)?;
                        Verdict::Written(set)
                    } else if plan.log.is_empty() {
                        Verdict::Refused(too_large(size, limits))
                    } else {
                        break;
                    }
                }
                Err(refused) => Verdict::Refused(refused),
            };
            plan.verdicts.push(verdict);
        }
        // In order, so that a large batch is not postponed for ever.
        plan.verdicts.resize_with(group.len(), || Verdict::Postponed);
        if !plan.log.is_empty() {
            plan.prune(retention);
            plan.seal(authenticator)?;
        }
        Ok(plan)
    }

    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    /// The size of the rows that are written.
    pub fn size(&self) -> usize {
        self.size.bytes
    }

    /// The change sets that are written.
    pub(crate) fn sets(&self) -> Vec<Arc<ChangeSet>> {
        self.verdicts.iter().filter_map(Verdict::set).cloned().collect()
    }

    fn apply(
        &mut self,
        set: &ChangeSet,
        rows: &mut HashMap<Bytes, Found>,
        authenticator: &Authenticator,
    ) -> Result<(), StoreError> {
        let mut scratch = Vec::new();
        for change in &set.changes {
            let row = match &change.value {
                Some(value) => {
                    let mut row = Vec::with_capacity(Authenticator::ROW_HEADER + value.len());
                    authenticator.encode_row(&mut row, &change.key, set.revision, value, &mut scratch)?;
                    Some(Bytes::from(row))
                }
                None => None,
            };
            let old = match &change.value {
                Some(value) => {
                    let known = Versioned { value: value.clone(), revision: set.revision };
                    rows.insert(change.key.clone(), Found::Known(known))
                }
                None => rows.remove(&change.key),
            };
            let old = old.map(|old| old.revision());
            self.state.change(authenticator, &change.key, old, row.is_some().then_some(set.revision));
            self.rows.insert(change.key.clone(), row);
        }
        self.state.head = set.revision;
        let mut entry = Vec::new();
        encode_log_entry(authenticator, &mut entry, set, &[], &mut scratch)?;
        self.log.push((set.revision, entry));
        Ok(())
    }

    /// Seals the state, and adds it to the last entry. Its nonce makes the entry different from every other: another server may
    /// write the same changes at the same revision, and a writer whose answer was lost must not take them for its own.
    fn seal(&mut self, authenticator: &Authenticator) -> Result<(), StoreError> {
        self.sealed = self.state.seal(authenticator)?;
        if let (Some((_, entry)), Some(set)) = (self.log.last_mut(), self.verdicts.iter().rev().find_map(Verdict::set))
        {
            encode_log_entry(authenticator, entry, set, &self.sealed, &mut Vec::new())?;
        }
        Ok(())
    }

    /// Removes the oldest change sets from the log, once there are enough of them.
    fn prune(&mut self, retention: u64) {
        let kept = self.state.head.number().saturating_sub(self.state.oldest.number());
        if kept >= retention.max(1) + PRUNE_STEP {
            let oldest = Revision::new(self.state.oldest.number() + PRUNE_STEP);
            (self.state.oldest, self.prune) = (oldest, Some(oldest));
        }
    }
}

fn too_large(size: Limits, limits: Limits) -> StoreError {
    StoreError::TooLarge(format!(
        "{} rows of {} bytes; at most {} rows of {} bytes are written together",
        size.rows, size.bytes, limits.rows, limits.bytes
    ))
}

#[cfg(test)]
mod tests {
    use bailiwick_seal::Keyring;

    use super::*;

    #[test]
    fn the_same_changes_of_two_servers_are_different_entries() {
        let authenticator = Authenticator::new(Keyring::generate(0).unwrap().row_key().unwrap().unwrap());
        let group = [put("a", 1), put("b", 1), Batch::default()];
        let plan = || {
            let (rows, state) = (HashMap::new(), StoreState::default());
            Plan::of(&group, rows, state, &authenticator, 10, Limits::NONE).unwrap()
        };
        let (one, other) = (plan(), plan());
        assert_eq!(one.sets(), other.sets());
        assert_ne!(one.log.last(), other.log.last());
        for ((revision, entry), set) in one.log.iter().zip(one.sets()) {
            let decoded = bailiwick_storage::decode_log_entry(&authenticator, *revision, entry).unwrap().0;
            assert_eq!(decoded, *set);
        }
    }

    fn put(key: &str, len: usize) -> Batch {
        Batch { put: vec![(Bytes::copy_from_slice(key.as_bytes()), vec![0; len].into())], ..Batch::default() }
    }

    #[test]
    fn what_has_no_room_waits_or_is_refused() {
        let check = |group: &[Batch], expected: &str| {
            let limits = Limits { rows: 3, bytes: 2000 };
            let (state, none) = (StoreState::default(), Authenticator::none());
            let plan = Plan::of(group, HashMap::new(), state, &none, 10, limits).unwrap();
            let found = plan.verdicts.iter().map(|verdict| match verdict {
                Verdict::Written(_) => 'w',
                Verdict::Unchanged => 'u',
                Verdict::Refused(StoreError::TooLarge(_)) => 'l',
                Verdict::Refused(_) => 'r',
                Verdict::Postponed => 'p',
            });
            assert_eq!(found.collect::<String>(), expected);
            assert_eq!(plan.log.len(), plan.sets().len());
        };
        check(&[put("a", 10), put("b", 10), put("c", 10)], "www");
        check(&[put("a", 10), put("b", 10), put("c", 10), put("d", 10), Batch::default()], "wwwpp");
        check(&[put("a", 2000), put("b", 10)], "lw");
        check(&[put("a", 10), put("b", 1900), put("c", 10)], "wpp");
        check(&[Batch::default(), put("", 1), put("a", 1000), put("a", 1000)], "urwp");
    }
}
