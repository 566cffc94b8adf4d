//! The in-memory backend: for tests, and for programs that embed a store without a disk.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    authenticator::Authenticator,
    batch::{Batch, Versioned},
    change::{ChangeSet, Changes},
    error::StoreError,
    feed::{Feed, newer_than},
    revision::Revision,
    store::{At, Inspected, Scan, Store, View},
    store_state::{StoreState, Tally},
};

/// The number of change sets in the log of a memory store.
const LOG: usize = 16 * 1024;
/// How many change sets a follower takes at once.
const CHUNK: usize = 256;

/// A store in memory. It keeps several versions of each key, so that views do not change.
#[derive(Debug)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    authenticator: Authenticator,
    state: RwLock<State>,
    feed: Feed,
}

#[derive(Debug, Default)]
struct State {
    head: Revision,
    /// The state of the store at the head.
    store_state: StoreState,
    /// Per key its versions as they are stored, oldest first; `None` is a removal.
    rows: BTreeMap<Bytes, Vec<(Revision, Option<Bytes>)>>,
    /// How many views exist at each revision.
    views: BTreeMap<Revision, usize>,
    /// Keys with a version that can go once no view is older than the revision that replaced it.
    stale: VecDeque<(Revision, Bytes)>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::with_log(LOG)
    }

    /// Creates an empty store whose change log holds the latest `log` change sets.
    pub fn with_log(log: usize) -> Self {
        Self::authenticated(log, Authenticator::none())
    }

    /// Creates an empty store whose rows are authenticated.
    pub fn authenticated(log: usize, authenticator: Authenticator) -> Self {
        let feed = Feed::new(Revision::ZERO, log, usize::MAX);
        MemoryStore { shared: Arc::new(Shared { authenticator, state: RwLock::default(), feed }) }
    }

    /// Returns the stored form of a row, for tests that tamper with it.
    pub fn stored(&self, key: &[u8]) -> Option<Bytes> {
        let state = self.shared.read();
        state.rows.get(key).and_then(|versions| stored_at(versions, state.head))
    }

    /// Replaces or removes the stored form of a row without a commit, for tests.
    pub fn tamper(&self, key: Bytes, stored: Option<Bytes>) {
        let mut state = self.shared.write();
        let head = state.head;
        state.rows.insert(key, vec![(head, stored)]);
    }
}

impl Drop for MemoryStore {
    fn drop(&mut self) {
        self.shared.feed.close();
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn read(&self, at: At) -> Result<Arc<dyn View>, StoreError> {
        let mut state = self.shared.write();
        let head = state.head;
        if let At::AtLeast(asked) = at
            && asked > head
        {
            return Err(StoreError::Ahead { asked, head });
        }
        *state.views.entry(head).or_insert(0) += 1;
        let store_state = state.store_state;
        Ok(Arc::new(MemoryView { shared: self.shared.clone(), revision: head, store_state }))
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        let authenticator = &self.shared.authenticator;
        let mut state = self.shared.write();
        let changes = batch.plan(|key| state.newest(authenticator, key))?;
        if changes.is_empty() {
            return Ok(state.head);
        }
        let revision = state.head.next();
        let set = ChangeSet { revision, changes };
        let mut store_state = state.store_state;
        store_state.apply(authenticator, &set, |key| {
            let stored = state.rows.get(key).and_then(|versions| stored_at(versions, state.head));
            stored.map(|stored| Authenticator::revision_of(&stored))
        });
        let mut scratch = Vec::new();
        let mut stored = Vec::with_capacity(set.changes.len());
        for change in &set.changes {
            let mut row = Vec::new();
            if let Some(value) = &change.value {
                authenticator.encode_row(&mut row, &change.key, revision, value, &mut scratch)?;
            }
            stored.push(change.value.as_ref().map(|_| Bytes::from(row)));
        }
        (state.head, state.store_state) = (revision, store_state);
        for (change, stored) in set.changes.iter().zip(stored) {
            state.rows.entry(change.key.clone()).or_default().push((revision, stored));
            state.stale.push_back((revision, change.key.clone()));
        }
        state.forget();
        // INVARIANT: published before the lock is released, so that the log is in commit order.
        self.shared.feed.publish([Arc::new(set)]);
        Ok(revision)
    }

    async fn watch(&self, after: Revision) -> Result<Box<dyn Changes>, StoreError> {
        let head = self.shared.read().head;
        if after > head {
            return Err(StoreError::Ahead { asked: after, head });
        }
        let oldest = self.shared.feed.complete_after();
        if after < oldest {
            return Err(StoreError::Compacted { oldest });
        }
        let news = self.shared.feed.subscribe();
        Ok(Box::new(MemoryChanges { shared: self.shared.clone(), after, news, ready: VecDeque::new() }))
    }

    async fn head(&self) -> Result<Revision, StoreError> {
        Ok(self.shared.read().head)
    }
}

impl Shared {
    // Every change to the state is complete before code that can panic, so a poisoned lock is consistent.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn newest(&self, authenticator: &Authenticator, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        let stored = self.rows.get(key).and_then(|versions| stored_at(versions, self.head));
        stored.map(|stored| versioned(authenticator, key, &stored)).transpose()
    }

    /// Drops the versions that no view can see any more.
    fn forget(&mut self) {
        let oldest_view = self.views.keys().next().copied().unwrap_or(self.head);
        while let Some((replaced_at, _)) = self.stale.front()
            && *replaced_at <= oldest_view
        {
            let Some((_, key)) = self.stale.pop_front() else { break };
            let Some(versions) = self.rows.get_mut(&key) else { continue };
            let visible = versions.partition_point(|(revision, _)| *revision <= oldest_view);
            versions.drain(..visible.saturating_sub(1));
            if versions.len() == 1 && versions[0].1.is_none() {
                self.rows.remove(&key);
            }
        }
    }
}

fn stored_at(versions: &[(Revision, Option<Bytes>)], at: Revision) -> Option<Bytes> {
    let visible = versions.partition_point(|(revision, _)| *revision <= at);
    versions[..visible].last()?.1.clone()
}

fn versioned(authenticator: &Authenticator, key: &[u8], stored: &Bytes) -> Result<Versioned, StoreError> {
    let Inspected { key, revision, value } = inspected(authenticator, Bytes::copy_from_slice(key), stored)?;
    value.map(|value| Versioned { value, revision }).ok_or(StoreError::Damaged { key })
}

fn inspected(authenticator: &Authenticator, key: Bytes, stored: &Bytes) -> Result<Inspected, StoreError> {
    let opened = authenticator.open_row(&key, stored, &mut Vec::new())?;
    Ok(Inspected { revision: opened.revision, value: opened.value.map(|value| stored.slice_ref(value)), key })
}

struct MemoryView {
    shared: Arc<Shared>,
    revision: Revision,
    store_state: StoreState,
}

impl Drop for MemoryView {
    fn drop(&mut self) {
        let mut state = self.shared.write();
        if let Some(count) = state.views.get_mut(&self.revision) {
            *count -= 1;
            if *count == 0 {
                state.views.remove(&self.revision);
            }
        }
    }
}

#[async_trait]
impl View for MemoryView {
    fn revision(&self) -> Revision {
        self.revision
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        let stored = self.shared.read().rows.get(key).and_then(|versions| stored_at(versions, self.revision));
        stored.map(|stored| versioned(&self.shared.authenticator, key, &stored)).transpose()
    }

    async fn inspect(&self, scan: Scan<'_>) -> Result<Vec<Inspected>, StoreError> {
        let from = match scan.after {
            Some(after) if after >= scan.prefix => Bound::Excluded(after),
            _ => Bound::Included(scan.prefix),
        };
        let state = self.shared.read();
        let rows = state.rows.range::<[u8], _>((from, Bound::Unbounded));
        let found = rows
            .take_while(|(key, _)| key.starts_with(scan.prefix))
            .filter_map(|(key, versions)| Some((key.clone(), stored_at(versions, self.revision)?)));
        found.take(scan.limit).map(|(key, stored)| inspected(&self.shared.authenticator, key, &stored)).collect()
    }

    fn tally(&self) -> Tally {
        Tally::of(self.shared.authenticator.clone(), self.store_state)
    }
}

struct MemoryChanges {
    shared: Arc<Shared>,
    after: Revision,
    news: watch::Receiver<Option<Revision>>,
    ready: VecDeque<Arc<ChangeSet>>,
}

#[async_trait]
impl Changes for MemoryChanges {
    async fn next(&mut self) -> Result<Arc<ChangeSet>, StoreError> {
        loop {
            if let Some(set) = self.ready.pop_front() {
                self.after = set.revision;
                return Ok(set);
            }
            match self.shared.feed.after(self.after, CHUNK) {
                Some(sets) if sets.is_empty() => newer_than(&mut self.news, self.after).await?,
                Some(sets) => self.ready = sets.into(),
                None => return Err(StoreError::Compacted { oldest: self.shared.feed.complete_after() }),
            }
        }
    }
}
