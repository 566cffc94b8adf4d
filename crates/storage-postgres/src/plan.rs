//! What a group of batches writes: the batches are checked one after the other, each on what those before it write.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use bailiwick_storage::{
    Authenticator, Batch, ChangeSet, Revision, StoreError, StoreState, Versioned, encode_log_entry,
};
use bytes::Bytes;

use crate::{
    job::{Group, Reply},
    view::versioned,
};

/// How many change sets are pruned at once.
const PRUNE_STEP: u64 = 256;

/// The changes of the valid batches of a group.
pub(crate) struct Plan {
    /// The valid batches that change something.
    pub(crate) planned: Vec<(Arc<ChangeSet>, Reply)>,
    /// The valid batches that change nothing.
    pub(crate) unchanged: Vec<Reply>,
    /// Rows to write, with their stored form; `None` removes one.
    pub(crate) rows: BTreeMap<Bytes, Option<Bytes>>,
    /// Entries of the change log.
    pub(crate) log: Vec<(Revision, Vec<u8>)>,
    /// Entries to remove, up to this one.
    pub(crate) prune: Option<Revision>,
    /// The state after the group.
    pub(crate) state: StoreState,
}

/// The keys that a group of batches reads or writes.
pub(crate) fn keys(group: &Group) -> Vec<Bytes> {
    let mut keys: Vec<Bytes> = group.iter().flat_map(|(batch, _)| keys_of(batch).cloned()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn keys_of(batch: &Batch) -> impl Iterator<Item = &Bytes> {
    let expected = batch.expect.iter().map(|expect| &expect.key);
    let counters = batch.add.iter().map(|add| &add.key);
    expected.chain(counters).chain(batch.put.iter().map(|(key, _)| key)).chain(&batch.delete)
}

impl Plan {
    /// Checks a group and answers the batches that are refused. `stored` has the rows of its keys.
    ///
    /// # Errors
    /// [`StoreError::Backend`] when cryptography is not available.
    pub(crate) fn of(
        group: Group,
        mut stored: HashMap<Bytes, Bytes>,
        state: StoreState,
        authenticator: &Authenticator,
        retention: u64,
    ) -> Result<Self, StoreError> {
        let (planned, unchanged) = (Vec::new(), Vec::new());
        let mut plan = Plan { planned, unchanged, rows: BTreeMap::new(), log: Vec::new(), prune: None, state };
        for (batch, answer) in group {
            let current = |key: &[u8]| -> Result<Option<Versioned>, StoreError> {
                stored.get(key).map(|row| versioned(authenticator, key, row)).transpose()
            };
            match batch.plan(current) {
                Ok(changes) if changes.is_empty() => plan.unchanged.push(answer),
                Ok(changes) => {
                    let set = Arc::new(ChangeSet { revision: plan.state.head.next(), changes });
                    // Added to the list before anything can fail, so that the caller gets an answer.
                    plan.planned.push((set.clone(), answer));
                    plan.apply(&set, &mut stored, authenticator)?;
                }
                Err(refused) => {
                    // The caller may have been dropped.
                    let _ = answer.send(Err(refused));
                }
            }
        }
        if !plan.planned.is_empty() {
            plan.prune(retention);
        }
        Ok(plan)
    }

    fn apply(
        &mut self,
        set: &ChangeSet,
        stored: &mut HashMap<Bytes, Bytes>,
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
            let old = match &row {
                Some(row) => stored.insert(change.key.clone(), row.clone()),
                None => stored.remove(&change.key),
            };
            let old = old.map(|old| Authenticator::revision_of(&old));
            self.state.change(authenticator, &change.key, old, row.is_some().then_some(set.revision));
            self.rows.insert(change.key.clone(), row);
        }
        self.state.head = set.revision;
        let mut entry = Vec::new();
        // The state of the store is in the row of the head.
        encode_log_entry(authenticator, &mut entry, set, &[], &mut scratch)?;
        self.log.push((set.revision, entry));
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
