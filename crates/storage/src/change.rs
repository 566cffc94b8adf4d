//! Change sets: what a commit did, as followers of the log see it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    error::StoreError,
    store::{Batch, MAX_KEY, MAX_VALUE, Revision, Versioned, counter_value},
};

/// One key that a commit changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: Bytes,
    /// Its new value, or `None` if it was removed.
    pub value: Option<Bytes>,
}

/// Everything that one commit changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// The revision of the commit.
    pub revision: Revision,
    /// The changed keys; each once.
    pub changes: Vec<Change>,
}

impl ChangeSet {
    /// Bytes of its keys and values.
    pub fn size(&self) -> usize {
        self.changes.iter().map(|change| change.key.len() + change.value.as_ref().map_or(0, Bytes::len)).sum()
    }
}

/// A subscription to the change log.
#[async_trait]
pub trait Changes: Send {
    /// The next change set; waits for one. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] when the follower fell too far behind, [`StoreError::Closed`] when the store closed.
    async fn next(&mut self) -> Result<Arc<ChangeSet>, StoreError>;
}

impl Batch {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.put.is_empty() && self.delete.is_empty() && self.add.is_empty()
    }

    /// Turns the batch into changes, by the rules that every single-writer backend shares.
    ///
    /// `current` tells what is stored now. The result is complete or nothing: a backend that writes exactly these
    /// changes, with nobody writing in between, has committed the batch.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] with all keys that differ, [`StoreError::Bound`], [`StoreError::Refused`], and
    /// whatever `current` says.
    pub fn plan(
        self,
        mut current: impl FnMut(&[u8]) -> Result<Option<Versioned>, StoreError>,
    ) -> Result<Vec<Change>, StoreError> {
        self.refuse_unacceptable()?;
        let mut keys = Vec::new();
        for expect in self.expect {
            if current(&expect.key)?.map(|found| found.revision) != expect.revision {
                keys.push(expect.key);
            }
        }
        if !keys.is_empty() {
            return Err(StoreError::Conflict { keys });
        }
        let mut changes = Vec::with_capacity(self.put.len() + self.delete.len() + self.add.len());
        for add in self.add {
            let before = current(&add.key)?.map_or(Ok(0), |found| counter_value(&found.value))?;
            let after = before.checked_add_signed(add.delta);
            match after {
                Some(after) if add.delta <= 0 || add.max.is_none_or(|max| after <= max) => {
                    let value = (after != 0).then(|| Bytes::copy_from_slice(&after.to_be_bytes()));
                    if after != before {
                        changes.push(Change { key: add.key, value });
                    }
                }
                _ => return Err(StoreError::Bound { key: add.key }),
            }
        }
        changes.extend(self.put.into_iter().map(|(key, value)| Change { key, value: Some(value) }));
        changes.extend(self.delete.into_iter().map(|key| Change { key, value: None }));
        Ok(changes)
    }

    fn refuse_unacceptable(&self) -> Result<(), StoreError> {
        let written =
            self.put.iter().map(|(key, _)| key).chain(&self.delete).chain(self.add.iter().map(|add| &add.key));
        let mut keys: Vec<&Bytes> = written.collect();
        if keys.iter().any(|key| key.is_empty() || key.len() > MAX_KEY) {
            return Err(StoreError::Refused("a key is empty or too long"));
        }
        if self.put.iter().any(|(_, value)| value.len() > MAX_VALUE) {
            return Err(StoreError::Refused("a value is too large"));
        }
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(StoreError::Refused("a key is written twice"));
        }
        Ok(())
    }
}
