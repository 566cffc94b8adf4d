//! Rows that were read or written lately, each with the revisions at which it is known.
//!
//! Every change set of the feed is applied, so that a key without an entry is known not to have changed since a certain revision.
//! What was read at an older revision than that is left out, since the row may have changed meanwhile.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bailiwick_storage::{ChangeSet, Revision, Versioned};
use bytes::Bytes;

/// About how much memory the rows of one half take; then the older half is dropped.
const HALF: usize = 32 << 20;
/// About how many bytes an entry takes beside its key and its values, with one version.
const ENTRY: usize = 192;
/// Larger values are read each time.
const LARGEST: usize = 64 << 10;
/// How many versions of a row are kept, for views that were opened before the last changes.
const VERSIONS: usize = 4;

/// Rows that were read or written lately.
pub(crate) struct RowCache {
    rows: Mutex<Rows>,
    half: usize,
}

/// A row at some revision; none if it does not exist.
pub(crate) type Row = Option<Versioned>;

#[derive(Default)]
struct Rows {
    /// The number of the feed whose change sets are applied; none while there is none.
    generation: Option<u64>,
    /// Every change set up to this revision has been applied.
    applied: Revision,
    /// Every key that was changed after this revision, by a change set that was applied, has an entry.
    complete_after: Revision,
    young: Half,
    old: Half,
}

#[derive(Default)]
struct Half {
    entries: HashMap<Box<[u8]>, Entry>,
    bytes: usize,
    /// No version of an entry begins after this revision.
    newest: Revision,
}

/// The versions of a row, in ascending order; the last one is current as far as change sets have been applied.
#[derive(Default)]
struct Entry(Vec<Version>);

struct Version {
    since: Revision,
    /// The revision that changed it; none if it is current.
    until: Option<Revision>,
    /// The row, unless it is too large.
    row: Option<Row>,
}

impl fmt::Debug for RowCache {
    /// Without the rows, which have hashes of passwords and sealed secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowCache").field("half", &self.half).finish_non_exhaustive()
    }
}

impl RowCache {
    /// Begins with the first feed.
    pub(crate) fn new(generation: u64, position: Revision) -> Self {
        let cache = RowCache { rows: Mutex::default(), half: HALF };
        cache.begin(generation, position);
        cache
    }

    /// Forgets all rows, and begins with another feed.
    pub(crate) fn begin(&self, generation: u64, position: Revision) {
        let generation = Some(generation);
        *self.lock() = Rows { generation, applied: position, complete_after: position, ..Rows::default() };
    }

    /// Forgets all rows, until another feed begins.
    pub(crate) fn end(&self) {
        *self.lock() = Rows::default();
    }

    /// Applies change sets of the feed, in order and without gaps.
    pub(crate) fn apply(&self, sets: &[Arc<ChangeSet>]) {
        let Some(first) = sets.first() else { return };
        let mut rows = self.lock();
        for set in sets {
            for change in &set.changes {
                let row = change.value.clone().map(|value| Versioned { value, revision: set.revision });
                rows.change(&change.key, first.revision, set.revision, &row);
            }
            rows.applied = set.revision;
        }
        rows.make_room(self.half);
    }

    /// Returns a row at a revision, if it is known. The feed must be the one in which the view of that revision was opened.
    pub(crate) fn get(&self, generation: u64, key: &[u8], at: Revision) -> Option<Row> {
        let mut rows = self.lock();
        if rows.generation != Some(generation) || at > rows.applied {
            return None;
        }
        let found = rows.entry(key)?.at(at)?.row.clone();
        rows.make_room(self.half);
        found
    }

    /// Returns those of some keys whose rows are known at the newest revision that was applied, with that revision; none while
    /// there is no feed.
    pub(crate) fn newest(&self, keys: &[Bytes]) -> Option<(Revision, HashMap<Bytes, Row>)> {
        let mut rows = self.lock();
        rows.generation?;
        let at = rows.applied;
        let known = keys.iter().filter_map(|key| Some((key.clone(), rows.entry(key)?.at(at)?.row.clone()?))).collect();
        rows.make_room(self.half);
        Some((at, known))
    }

    /// Keeps a row that was read at a revision, if nothing is known to have changed it since.
    pub(crate) fn keep(&self, generation: u64, key: &[u8], at: Revision, row: &Row) {
        let mut rows = self.lock();
        if rows.generation != Some(generation) {
            return;
        }
        let (applied, complete_after) = (rows.applied, rows.complete_after);
        let since = match row {
            Some(row) => row.revision,
            // Change sets up to `at` that have not been applied may have put it and removed it again.
            None if at > applied => at,
            None => complete_after.min(at),
        };
        if at >= complete_after && rows.entry(key).is_none() {
            rows.insert(key, Version::current(since, row));
        }
        rows.make_room(self.half);
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        // Only a failed allocation can panic while the lock is held, and the entries are consistent at every step.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    /// Returns the entry of a key, which stays longer than those that are not asked for.
    fn entry(&mut self, key: &[u8]) -> Option<&mut Entry> {
        if let Some((key, entry)) = self.old.entries.remove_entry(key) {
            let bytes = entry.bytes(&key);
            self.old.bytes -= bytes;
            self.young.bytes += bytes;
            self.young.newest = self.young.newest.max(entry.newest());
            self.young.entries.insert(key, entry);
        }
        self.young.entries.get_mut(key)
    }

    fn insert(&mut self, key: &[u8], version: Version) {
        let entry = Entry(vec![version]);
        self.young.bytes += entry.bytes(key);
        self.young.newest = self.young.newest.max(entry.newest());
        self.young.entries.insert(key.into(), entry);
    }

    /// Changes a row at a revision. Versions in between change sets that come together, from `first` on, are never read.
    fn change(&mut self, key: &[u8], first: Revision, at: Revision, row: &Row) {
        let version = Version::current(at, row);
        let Some(entry) = self.entry(key) else { return self.insert(key, version) };
        if entry.newest() >= at {
            // It was read after this change.
            return;
        }
        let before = entry.bytes(key);
        entry.push(first, version);
        let after = entry.bytes(key);
        self.young.bytes = self.young.bytes + after - before;
        self.young.newest = self.young.newest.max(at);
    }

    fn make_room(&mut self, half: usize) {
        if self.young.bytes > half {
            let dropped = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
            self.complete_after = self.complete_after.max(dropped.newest);
        }
    }
}

impl Entry {
    fn newest(&self) -> Revision {
        self.0.last().map_or(Revision::ZERO, |version| version.since)
    }

    fn at(&self, at: Revision) -> Option<&Version> {
        self.0.iter().find(|version| version.since <= at && version.until.is_none_or(|until| at < until))
    }

    fn push(&mut self, first: Revision, version: Version) {
        match self.0.last_mut() {
            Some(last) if last.since >= first => *last = version,
            last => {
                if let Some(last) = last {
                    last.until = Some(version.since);
                }
                if self.0.len() == VERSIONS {
                    self.0.remove(0);
                }
                self.0.push(version);
            }
        }
    }

    fn bytes(&self, key: &[u8]) -> usize {
        let values = self.0.iter().filter_map(|version| version.row.as_ref()?.as_ref());
        ENTRY + key.len() + values.map(|row| row.value.len() + ENTRY / 2).sum::<usize>()
    }
}

impl Version {
    fn current(since: Revision, row: &Row) -> Self {
        Version { since, until: None, row: Version::kept(row) }
    }

    /// A copy, since the bytes may be a part of a large answer.
    fn kept(row: &Row) -> Option<Row> {
        match row {
            Some(row) if row.value.len() > LARGEST => None,
            Some(row) => {
                let (value, revision) = (Bytes::copy_from_slice(&row.value), row.revision);
                Some(Some(Versioned { value, revision }))
            }
            None => Some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, VecDeque};

    use bailiwick_storage::Change;

    use super::*;

    /// Numbers that look random.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % limit
        }
    }

    /// A store with all its revisions.
    struct History(Vec<BTreeMap<Bytes, Versioned>>);

    impl History {
        fn head(&self) -> u64 {
            self.0.len() as u64 - 1
        }

        fn row(&self, key: &Bytes, at: u64) -> Row {
            self.0[at as usize].get(key).cloned()
        }

        fn commit(&mut self, keys: Vec<Bytes>, numbers: &mut Numbers) -> Arc<ChangeSet> {
            let revision = Revision::new(self.head() + 1);
            let mut rows = self.0.last().expect("a revision").clone();
            let changes = keys.into_iter().map(|key| {
                let size = if numbers.below(20) == 0 { LARGEST + 1 } else { 40 };
                let value = (numbers.below(3) > 0).then(|| Bytes::from(vec![b'v'; size]));
                match &value {
                    Some(value) => rows.insert(key.clone(), Versioned { value: value.clone(), revision }),
                    None => rows.remove(&key),
                };
                Change { key, value }
            });
            let set = Arc::new(ChangeSet { revision, changes: changes.collect() });
            self.0.push(rows);
            set
        }
    }

    /// Commits, views, reads that take their time, and a feed that is behind and is replaced, in any order: what the cache
    /// returns is what the store had.
    #[test]
    fn what_is_found_is_what_the_store_had() {
        let mut found = [0; 2];
        for seed in 0..200 {
            let mut numbers = Numbers(seed);
            let mut history = History(vec![BTreeMap::new()]);
            let mut cache = RowCache::new(1, Revision::ZERO);
            cache.half = [600, 3_000, HALF][seed as usize % 3];
            let keys: Vec<Bytes> = (0..12).map(|key| Bytes::from(format!("key {key}"))).collect();
            let (mut generation, mut waiting, mut reads) = (1, VecDeque::new(), Vec::<(u64, Bytes, u64)>::new());
            for _ in 0..1_000 {
                match numbers.below(8) {
                    0 => {
                        let keys: Vec<Bytes> = keys.iter().filter(|_| numbers.below(6) == 0).cloned().collect();
                        waiting.push_back(history.commit(keys, &mut Numbers(numbers.below(u64::MAX))));
                    }
                    1 => {
                        let count = (numbers.below(4) as usize).min(waiting.len());
                        cache.apply(&waiting.drain(..count).collect::<Vec<_>>());
                    }
                    2 if numbers.below(20) == 0 => {
                        cache.end();
                        generation += 1;
                        waiting.clear();
                        cache.begin(generation, Revision::new(history.head()));
                    }
                    3 | 4 => {
                        // The read of a view that was opened a while ago ends.
                        if !reads.is_empty() {
                            let (of, key, at) = reads.swap_remove(numbers.below(reads.len() as u64) as usize);
                            cache.keep(of, &key, Revision::new(at), &history.row(&key, at));
                        }
                    }
                    _ => {
                        let at = history.head() - numbers.below(6).min(history.head());
                        let key = keys[numbers.below(12) as usize].clone();
                        match cache.get(generation, &key, Revision::new(at)) {
                            Some(row) => {
                                assert_eq!(row, history.row(&key, at), "seed {seed}: {key:?} at {at}");
                                found[0] += 1;
                            }
                            None => {
                                reads.truncate(4);
                                reads.push((generation, key, at));
                                found[1] += 1;
                            }
                        }
                    }
                }
            }
        }
        let [hits, misses] = found;
        assert!(hits > 10_000 && misses > 10_000, "{hits} of {}", hits + misses);
    }

    #[test]
    fn memory_is_bounded() {
        let mut cache = RowCache::new(1, Revision::ZERO);
        cache.half = 10_000;
        for number in 1..2_000_u64 {
            let revision = Revision::new(number);
            let change = Change { key: format!("{number}").into(), value: Some(vec![0; 100].into()) };
            cache.apply(&[Arc::new(ChangeSet { revision, changes: vec![change] })]);
            cache.keep(1, format!("absent {number}").as_bytes(), revision, &None);
            let rows = cache.lock();
            let all =
                [&rows.young, &rows.old].map(|half| half.entries.iter().map(|(key, entry)| entry.bytes(key)).sum());
            assert_eq!([rows.young.bytes, rows.old.bytes], all);
            assert!(all.iter().sum::<usize>() <= 21_000);
        }
    }

    #[test]
    fn rows_of_another_feed_are_not_found() {
        let cache = RowCache::new(1, Revision::new(5));
        let row = Some(Versioned { value: "value".into(), revision: Revision::new(3) });
        cache.keep(1, b"key", Revision::new(5), &row);
        assert_eq!(cache.get(1, b"key", Revision::new(5)), Some(row.clone()));
        assert_eq!(cache.get(2, b"key", Revision::new(5)), None);
        cache.begin(2, Revision::new(5));
        assert_eq!(cache.get(1, b"key", Revision::new(5)), None);
        cache.keep(1, b"key", Revision::new(5), &row);
        assert_eq!(cache.get(2, b"key", Revision::new(5)), None);
        cache.end();
        cache.keep(2, b"key", Revision::new(5), &row);
        assert_eq!(cache.get(2, b"key", Revision::new(5)), None);
    }
}
