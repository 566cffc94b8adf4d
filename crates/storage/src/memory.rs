//! The backend that keeps everything in memory: for tests, and for programs that embed a store without a disk.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    change::{ChangeSet, Changes},
    error::StoreError,
    feed::{Feed, newer_than},
    store::{At, Batch, Entry, Revision, Scan, Store, Versioned, View},
};

/// How many change sets the log of a memory store reaches back.
const LOG: usize = 16 * 1024;
/// How many change sets a follower takes at once.
const CHUNK: usize = 256;

/// A store in memory: versions of each key, of which views see the ones that were there when they began.
#[derive(Debug)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: RwLock<State>,
    feed: Feed,
}

#[derive(Debug, Default)]
struct State {
    head: Revision,
    /// Per key its versions, oldest first; `None` is a removal.
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

    /// An empty store whose change log holds the latest `log` change sets.
    pub fn with_log(log: usize) -> Self {
        let shared = Shared { state: RwLock::default(), feed: Feed::new(Revision::ZERO, log, usize::MAX) };
        MemoryStore { shared: Arc::new(shared) }
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
        Ok(Arc::new(MemoryView { shared: self.shared.clone(), revision: head }))
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        let mut state = self.shared.write();
        let changes = batch.plan(|key| Ok(state.newest(key)))?;
        if changes.is_empty() {
            return Ok(state.head);
        }
        let revision = state.head.next();
        state.head = revision;
        for change in &changes {
            state.rows.entry(change.key.clone()).or_default().push((revision, change.value.clone()));
            state.stale.push_back((revision, change.key.clone()));
        }
        state.forget();
        // INVARIANT: published before the lock is released, so that the log has the order of the commits.
        self.shared.feed.publish([Arc::new(ChangeSet { revision, changes })]);
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
    // Every change to the state is complete before anything that can panic, so a poisoned lock is still whole.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn newest(&self, key: &[u8]) -> Option<Versioned> {
        self.rows.get(key).and_then(|versions| seen_at(versions, self.head))
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

fn seen_at(versions: &[(Revision, Option<Bytes>)], at: Revision) -> Option<Versioned> {
    let visible = versions.partition_point(|(revision, _)| *revision <= at);
    let (revision, value) = versions[..visible].last()?;
    Some(Versioned { value: value.clone()?, revision: *revision })
}

struct MemoryView {
    shared: Arc<Shared>,
    revision: Revision,
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
        Ok(self.shared.read().rows.get(key).and_then(|versions| seen_at(versions, self.revision)))
    }

    async fn scan(&self, scan: Scan<'_>) -> Result<Vec<Entry>, StoreError> {
        let from = match scan.after {
            Some(after) if after >= scan.prefix => Bound::Excluded(after),
            _ => Bound::Included(scan.prefix),
        };
        let state = self.shared.read();
        let rows = state.rows.range::<[u8], _>((from, Bound::Unbounded));
        let found = rows.take_while(|(key, _)| key.starts_with(scan.prefix)).filter_map(|(key, versions)| {
            let Versioned { value, revision } = seen_at(versions, self.revision)?;
            Some(Entry { key: key.clone(), value, revision })
        });
        Ok(found.take(scan.limit).collect())
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
