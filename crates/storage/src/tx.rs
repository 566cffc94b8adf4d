//! Transactions: a consistent view, pending writes on top of it, and the set of keys that were read.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    ops::Bound,
    sync::Arc,
};

use bailiwick_model::{
    IamError, Result,
    limits::{DROPPED_PER_PAGE, Quotas},
};
use bytes::Bytes;

use crate::{
    batch::{Add, Batch, Expect, Versioned, counter_value},
    codec::Record,
    no_rows::NoRows,
    revision::Revision,
    server_id::ServerId,
    store::{At, Scan, Store, View},
    store_copy::StoreCopy,
};

/// How many rows a filtered scan requests from the backend at once.
pub(crate) const CHUNK: usize = 256;

/// Why a transaction did not take place.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A key that the transaction read or counted has changed. The caller must retry with a new transaction.
    #[error("a key that the transaction read has changed")]
    Conflict,
    /// The store failed.
    #[error(transparent)]
    Failed(#[from] IamError),
}

/// A unit of work over the store.
///
/// The commit succeeds only if the keys read through `Tx` are unchanged, except for lists: a change that relies on a
/// list must read the record, or the counter, that every writer of the list changes, as the methods here do. Nothing is
/// written before [`Tx::commit`]; dropping a `Tx` discards it.
pub struct Tx {
    store: Arc<dyn Store>,
    view: Arc<dyn View>,
    quotas: Arc<Quotas>,
    reads: HashMap<Bytes, Option<Versioned>>,
    writes: BTreeMap<Bytes, Option<Bytes>>,
    adds: BTreeMap<Bytes, PendingAdd>,
    kept_if_refused: bool,
    names: Names,
}

/// How a transaction finds out whether a new name is free.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// By a read.
    Read,
    /// It presumes that a name is free whose row only another machine has; the commit finds out.
    Presumed,
    /// As before, and it has done so.
    HasPresumed,
}

#[derive(Clone, Copy)]
struct PendingAdd {
    delta: i64,
    max: Option<u64>,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// The `after` of the next page, if there is one.
    pub next: Option<String>,
}

impl Tx {
    /// Begins on a view of the store.
    ///
    /// # Errors
    /// `ServiceUnavailable` when the store has not reached the requested revision, `ServiceFailure` when it fails.
    pub async fn begin(store: Arc<dyn Store>, quotas: Arc<Quotas>, at: At) -> Result<Tx> {
        let view = store.read(at).await?;
        Ok(Self::on(store, quotas, view))
    }

    /// Begins a transaction that reads no rows, for what is decided on a snapshot alone: it does not ask the store, which may
    /// be on another machine. A read fails with `ServiceFailure`.
    pub fn without_rows(store: Arc<dyn Store>, quotas: Arc<Quotas>, snapshot: Revision) -> Tx {
        Self::on(store, quotas, Arc::new(NoRows(snapshot)))
    }

    fn on(store: Arc<dyn Store>, quotas: Arc<Quotas>, view: Arc<dyn View>) -> Tx {
        let (reads, writes, adds) = (HashMap::new(), BTreeMap::new(), BTreeMap::new());
        Tx { store, view, quotas, reads, writes, adds, kept_if_refused: false, names: Names::Read }
    }

    /// The revision that this transaction reads at.
    pub fn revision(&self) -> Revision {
        self.view.revision()
    }

    /// This server, if others may use the store at the same time.
    pub(crate) fn server(&self) -> Option<ServerId> {
        self.store.server()
    }

    /// A copy of the store at the revision of this transaction, without what it writes.
    pub fn copy(&self) -> StoreCopy {
        StoreCopy::of(self.view.clone())
    }

    /// The quotas that creations are checked against.
    pub fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// Returns whether the transaction writes nothing.
    pub fn is_read_only(&self) -> bool {
        self.writes.is_empty() && self.adds.is_empty()
    }

    /// Keeps what was written although the operation ends in an error, such as a count of wrong codes. Only changes that
    /// belong to the refusal may have been written.
    pub fn keep_if_refused(&mut self) {
        self.kept_if_refused = true;
    }

    /// Whether what was written is committed although the operation ends in an error.
    pub fn is_kept_if_refused(&self) -> bool {
        self.kept_if_refused
    }

    /// Presumes that new names are free, without a read that asks another machine. The commit fails with a conflict if one is not, as
    /// it does if one is taken after a read; then, and after an error for which [`Tx::has_presumed`], the caller must retry with a new
    /// transaction that reads them.
    pub fn presume_names(&mut self) {
        self.names = Names::Presumed;
    }

    /// Whether a name was presumed to be free without a read: an error of the handler may be another one than that of the name.
    pub fn has_presumed(&self) -> bool {
        self.names == Names::HasPresumed
    }

    /// Makes the commit depend on a key: it fails if the key changes after this transaction's view.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn guard(&mut self, key: Bytes) -> Result<()> {
        self.read_key(key).await.map(drop)
    }

    /// Takes a key for absent that was not read, such as that of a new random id; the commit fails with a conflict if it exists.
    pub(crate) fn expect_absent(&mut self, key: Bytes) {
        self.reads.entry(key).or_insert(None);
    }

    /// Whether a new name is free, whose row has this key.
    pub(crate) async fn is_name_free(&mut self, key: Bytes) -> Result<bool> {
        let is_unread = !self.writes.contains_key(&key) && !self.reads.contains_key(&key);
        if self.names != Names::Read && is_unread && self.view.is_elsewhere(&key) {
            self.names = Names::HasPresumed;
            self.expect_absent(key);
            return Ok(true);
        }
        Ok(self.look_at(key).await?.is_none())
    }

    /// Like [`Self::guard`], also for a key that this transaction writes without having read it.
    pub(crate) async fn expect_unchanged(&mut self, key: Bytes) -> Result<()> {
        if let Entry::Vacant(unknown) = self.reads.entry(key) {
            let found = self.view.get(unknown.key()).await?;
            unknown.insert(found);
        }
        Ok(())
    }

    /// Like [`Self::guard`], for a key that must exist: `missing` is the error if it does not.
    pub(crate) async fn require(&mut self, key: Bytes, missing: impl FnOnce() -> IamError) -> Result<()> {
        self.read_key(key).await?.map(drop).ok_or_else(missing)
    }

    /// Writes all changes, or none; returns the revision at which they become visible.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when a concurrent commit changed what this transaction read: nothing was written.
    pub async fn commit(self) -> Result<Revision, CommitError> {
        if self.is_read_only() {
            return Ok(self.view.revision());
        }
        let mut batch = Batch::default();
        for (key, found) in self.reads {
            batch.expect.push(Expect { key, revision: found.map(|found| found.revision) });
        }
        for (key, value) in self.writes {
            match value {
                Some(value) => batch.put.push((key, value)),
                None => batch.delete.push(key),
            }
        }
        for (key, PendingAdd { delta, max }) in self.adds {
            if delta != 0 {
                batch.add.push(Add { key, delta, max });
            }
        }
        self.store.commit(batch).await.map_err(|error| match error {
            // The bound held when the handler checked it, so a concurrent commit moved the counter.
            error if error.is_conflict() => CommitError::Conflict,
            error => CommitError::Failed(error.into()),
        })
    }

    /// The value under a key; the commit will depend on it.
    pub(crate) async fn read_key(&mut self, key: Bytes) -> Result<Option<Bytes>> {
        Ok(self.look_at(key).await?.cloned())
    }

    /// Like [`Self::read_key`], but borrows the value.
    pub(crate) async fn look_at(&mut self, key: Bytes) -> Result<Option<&Bytes>> {
        if self.writes.contains_key(&key) {
            return Ok(self.writes.get(&key).and_then(Option::as_ref));
        }
        let found = match self.reads.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let found = self.view.get(unknown.key()).await?;
                unknown.insert(found)
            }
        };
        Ok(found.as_ref().map(|found| &found.value))
    }

    /// The revision of the value that was read under a key. None if it was not read, is missing, or is written.
    pub(crate) fn revision_read(&self, key: &Bytes) -> Option<Revision> {
        if self.writes.contains_key(key) {
            return None;
        }
        self.reads.get(key)?.as_ref().map(|found| found.revision)
    }

    /// The value under a key, on which the commit will not depend.
    pub(crate) async fn peek_key(&self, key: &[u8]) -> Result<Option<Bytes>> {
        if let Some(written) = self.writes.get(key) {
            return Ok(written.clone());
        }
        Ok(self.view.get(key).await?.map(|found| found.value))
    }

    /// A record; the commit will depend on it.
    pub(crate) async fn read<R: Record>(&mut self, key: Bytes) -> Result<Option<R>> {
        let value = self.look_at(key).await?;
        Ok(value.map(|value| R::decode(value)).transpose()?)
    }

    /// A record, on which the commit will not depend.
    pub(crate) async fn peek<R: Record>(&self, key: &[u8]) -> Result<Option<R>> {
        let value = self.peek_key(key).await?;
        Ok(value.map(|value| R::decode(&value)).transpose()?)
    }

    pub(crate) fn put(&mut self, key: Bytes, value: Bytes) {
        self.writes.insert(key, Some(value));
    }

    pub(crate) fn put_record<R: Record>(&mut self, key: Bytes, record: &R) {
        self.put(key, record.encode());
    }

    pub(crate) fn delete_key(&mut self, key: Bytes) {
        self.writes.insert(key, None);
    }

    /// A counter's value, own changes included; the commit will depend on it.
    pub(crate) async fn read_count(&mut self, key: Bytes) -> Result<u64> {
        let pending = self.adds.get(&key).map_or(0, |add| add.delta);
        let stored = self.read_key(key).await?.map_or(Ok(0), |value| counter_value(&value))?;
        Ok(stored.saturating_add_signed(pending))
    }

    /// A counter's value, own changes included, on which the commit will not depend.
    pub(crate) async fn peek_count(&self, key: &[u8]) -> Result<u64> {
        let pending = self.adds.get(key).map_or(0, |add| add.delta);
        let stored = self.view.get(key).await?.map_or(Ok(0), |found| counter_value(&found.value))?;
        Ok(stored.saturating_add_signed(pending))
    }

    /// Moves a counter. Concurrent moves do not conflict.
    pub(crate) fn add(&mut self, key: Bytes, delta: i64) {
        self.adds.entry(key).or_insert(PendingAdd { delta: 0, max: None }).delta += delta;
    }

    /// Moves a counter within a bound: `exceeded` is the error if the bound does not hold.
    pub(crate) async fn add_within(
        &mut self,
        key: Bytes,
        delta: i64,
        max: u64,
        exceeded: impl FnOnce() -> IamError,
    ) -> Result<()> {
        let now = self.peek_count(&key).await?;
        if delta > 0 && now.saturating_add_signed(delta) > max {
            return Err(exceeded());
        }
        let pending = self.adds.entry(key).or_insert(PendingAdd { delta: 0, max: None });
        pending.delta += delta;
        pending.max = Some(max);
        Ok(())
    }

    /// Rows under a prefix after a key, own writes included; the commit will not depend on them.
    pub(crate) async fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<(Bytes, Bytes)>> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let own = self.writes.range::<[u8], _>((from, Bound::Unbounded));
        let own: Vec<_> = own.take_while(|(key, _)| key.starts_with(prefix)).collect();
        // Each pending write can hide at most one stored row.
        let stored = self.view.scan(Scan { prefix, after, limit: limit.saturating_add(own.len()) }).await?;
        let stored = stored.into_iter().map(|entry| (entry.key, entry.value));
        if own.is_empty() {
            return Ok(stored.collect());
        }
        let mut rows: BTreeMap<Bytes, Bytes> = stored.collect();
        for (key, value) in own {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        Ok(rows.into_iter().take(limit).collect())
    }

    /// A page of the records that the rows under a prefix contain or refer to, mapped and filtered by `keep`. A page for
    /// which `keep` dropped [`DROPPED_PER_PAGE`] records ends there, so that its cost does not depend on their number.
    ///
    /// `after` and `next` are keys without that prefix.
    pub(crate) async fn page<R: Record, T>(
        &self,
        prefix: &[u8],
        after: Option<&str>,
        limit: usize,
        locate: impl Fn(&[u8], &[u8]) -> Located,
        keep: impl Fn(R) -> Option<T>,
    ) -> Result<Page<T>> {
        let mut items = Vec::new();
        let mut last = after.map(|after| [prefix, after.as_bytes()].concat());
        let (mut next, mut dropped) = (None, 0);
        loop {
            let missing = limit.saturating_sub(items.len()).saturating_add(1).clamp(2, CHUNK);
            let wanted = if dropped == 0 { missing } else { CHUNK };
            let rows = self.scan(prefix, last.as_deref(), wanted).await?;
            let exhausted = rows.len() < wanted;
            for (key, value) in rows {
                let rest = &key[prefix.len()..];
                let record = match locate(rest, &value) {
                    Located::Here => Some(R::decode(&value)?),
                    Located::At(key) => self.peek::<R>(&key).await?,
                };
                if let Some(item) = record.and_then(&keep) {
                    if items.len() >= limit {
                        return Ok(Page { items, next });
                    }
                    next = Some(String::from_utf8_lossy(rest).into_owned());
                    items.push(item);
                } else {
                    dropped += 1;
                    if dropped == DROPPED_PER_PAGE {
                        return Ok(Page { items, next: Some(String::from_utf8_lossy(rest).into_owned()) });
                    }
                }
                last = Some(key.to_vec());
            }
            if exhausted {
                return Ok(Page { items, next: None });
            }
        }
    }
}

impl<T> Page<T> {
    /// A page of a list that is small enough to sort for each request; `name` is the sort key.
    pub(crate) fn of_all(all: Vec<T>, after: Option<&str>, limit: usize, name: impl Fn(&T) -> String) -> Self {
        let mut named: Vec<(String, T)> = all.into_iter().map(|item| (name(&item), item)).collect();
        named.retain(|(name, _)| after.is_none_or(|after| name.as_str() > after));
        named.sort_by(|a, b| a.0.cmp(&b.0));
        let more = named.len() > limit;
        named.truncate(limit);
        let next = named.last().filter(|_| more).map(|(name, _)| name.clone());
        Page { items: named.into_iter().map(|(_, item)| item).collect(), next }
    }
}

/// Where the record of a row is.
pub(crate) enum Located {
    /// It is the row's value.
    Here,
    /// Under this key.
    At(Bytes),
}
