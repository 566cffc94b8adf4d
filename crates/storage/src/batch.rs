//! Batches: what a commit checks and changes, and how a writer applies it.

use bytes::Bytes;

use crate::{change::Change, error::StoreError, revision::Revision};

/// The longest key that a store takes.
pub const MAX_KEY: usize = 512;
/// The largest value that a store takes.
pub const MAX_VALUE: usize = 1 << 20;

/// A value and the revision that last changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// The bytes as they were put.
    pub value: Bytes,
    /// The revision of the batch that put them.
    pub revision: Revision,
}

/// A precondition of a batch: the expected revision of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// The key.
    pub key: Bytes,
    /// The revision that last changed it, or `None` if it must be absent.
    pub revision: Option<Revision>,
}

/// A change to a counter, checked and applied by the writer.
///
/// A counter is absent at zero and never negative; its value is read with [`counter_value`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Add {
    /// The counter.
    pub key: Bytes,
    /// The signed change.
    pub delta: i64,
    /// The maximum after the change; enforced only when `delta` is positive.
    pub max: Option<u64>,
}

/// Changes that are applied together if all preconditions hold.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The preconditions.
    pub expect: Vec<Expect>,
    /// Keys and their new values.
    pub put: Vec<(Bytes, Bytes)>,
    /// Keys to delete; a key that does not exist is ignored.
    pub delete: Vec<Bytes>,
    /// Counters to move.
    pub add: Vec<Add>,
}

impl Batch {
    /// Returns whether the batch changes nothing.
    pub fn is_empty(&self) -> bool {
        self.put.is_empty() && self.delete.is_empty() && self.add.is_empty()
    }

    /// Checks the batch and returns its changes, by the rules that all single-writer backends share.
    ///
    /// `current` returns the stored value of a key. A backend that writes exactly the returned changes, with no other
    /// write in between, has committed the batch.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] with all keys that differ, [`StoreError::Bound`], [`StoreError::Refused`], and the
    /// errors of `current`.
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

/// Reads a counter's stored value.
///
/// # Errors
/// [`StoreError::Corrupt`] if the value is not a counter's.
pub fn counter_value(value: &[u8]) -> Result<u64, StoreError> {
    let bytes = value.try_into().map_err(|_| StoreError::Corrupt("a counter of the wrong length".into()))?;
    Ok(u64::from_be_bytes(bytes))
}
