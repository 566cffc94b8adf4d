//! Disk failures, at each operation of a run, in each way, followed by a recovery. Acknowledged commits exist, refused
//! ones do not, unknown ones exist completely or not at all; reads never fail, and changes are accepted again.

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bailiwick_storage::{
    Add, At, Authenticator, Batch, Change, Changes, OutageReason, Revision, Scan, Store, StoreError, View,
    counter_value,
};
use bailiwick_storage_redb::{Options, RedbFile, RedbStore};
use bytes::Bytes;
use common::disk::{Disk, Fault};

/// The number of batches in a run; one of them makes the file grow.
const BATCHES: u64 = 5;

fn open(disk: &Disk, authenticator: &Authenticator) -> RedbStore {
    // A small cache, so that pages are also written before the commit.
    let options = Options { cache_bytes: 1 << 15, retry: Duration::from_millis(3), ..Options::default() };
    let file = RedbFile::on(disk.clone(), &options).expect("a file");
    file.start(authenticator.clone()).expect("a store")
}

fn key(prefix: &str, n: u64) -> Bytes {
    format!("{prefix}/{n}").into()
}

fn batch(n: u64) -> Batch {
    let value = Bytes::from(vec![n as u8; if n == 2 { 400_000 } else { 40 }]);
    Batch {
        put: vec![(key("a", n), value.clone()), (key("b", n), value)],
        delete: vec![key("a", n.wrapping_sub(3))],
        add: vec![Add { key: "count".into(), delta: 1, max: None }],
        ..Batch::default()
    }
}

/// The known outcomes of batches.
#[derive(Default)]
struct Known {
    there: BTreeSet<u64>,
    absent: BTreeSet<u64>,
}

impl Known {
    /// Checks the rows of a view, by key and by scan; returns which batches it contains.
    async fn check(&self, view: &dyn View, tried: u64) -> BTreeSet<u64> {
        let mut found = BTreeSet::new();
        for n in 0..tried {
            if let Some(row) = view.get(&key("b", n)).await.expect("reads work") {
                assert!(row.value.iter().all(|byte| *byte == n as u8));
                found.insert(n);
            }
        }
        assert!(self.there.is_subset(&found), "answered and lost: {:?} of {found:?}", self.there);
        assert!(self.absent.is_disjoint(&found), "refused and there: {:?} of {found:?}", self.absent);
        for n in 0..tried {
            let there = view.get(&key("a", n)).await.expect("reads work").is_some();
            assert_eq!(there, found.contains(&n) && !found.contains(&(n + 3)), "{n} is there by half");
        }
        let rows = view.scan(Scan { prefix: b"b/", after: None, limit: usize::MAX }).await.expect("reads work");
        assert_eq!(rows.len(), found.len());
        let count = view
            .get(b"count")
            .await
            .expect("reads work")
            .map_or(0, |row| counter_value(&row.value).expect("a counter"));
        assert_eq!(count, found.len() as u64);
        assert_eq!(view.revision().number(), found.len() as u64, "revisions have no gaps and none comes twice");
        let mut tally = view.tally();
        for row in view.inspect(Scan { prefix: b"", after: None, limit: usize::MAX }).await.expect("reads work") {
            tally.add(&row.key, row.revision);
        }
        tally.finish_whole().expect("no row is missing");
        found
    }
}

async fn view(store: &RedbStore) -> Arc<dyn View> {
    store.read(At::Latest).await.expect("reads work")
}

/// The change sets that followers received, by revision.
async fn follow(log: &mut Box<dyn Changes>, to: Revision, seen: &mut BTreeMap<Revision, Vec<Change>>) {
    while (seen.len() as u64) < to.number() {
        let set = log.next().await.expect("following goes on");
        assert_eq!(set.revision.number(), seen.len() as u64 + 1, "nothing is missed");
        seen.insert(set.revision, set.changes.clone());
    }
}

/// The result of a run.
struct Run {
    failed: bool,
    grown: bool,
    /// Whether the outcome of a batch was unknown, and the actual outcome.
    unknown: Option<bool>,
}

/// Runs batches on a disk on which every operation from the `at`-th on fails, until it recovers.
async fn run(at: u64, fault: Fault) -> Run {
    let (disk, authenticator) = (Disk::default(), common::authenticator());
    let store = open(&disk, &authenticator);
    let size = disk.live().len();
    let mut unknown = None;
    let mut log = store.watch(Revision::ZERO).await.expect("watch");
    let mut reported = BTreeMap::new();
    disk.fail_from(at, fault);
    let mut known = Known::default();
    let mut held: Option<(Arc<dyn View>, BTreeSet<u64>)> = None;
    for n in 0..BATCHES {
        match store.commit(batch(n)).await {
            Ok(_) => {
                assert!(held.is_none(), "a disk that fails takes nothing");
                known.there.insert(n);
            }
            Err(StoreError::ReadOnly(why)) => {
                assert!([OutageReason::DiskFull, OutageReason::Disk].contains(&why.reason), "{why}");
                known.absent.insert(n);
            }
            Err(StoreError::Unknown(_)) => unknown = Some(n),
            Err(error) => panic!("{at} {fault:?}: {error}"),
        }
        let view = view(&store).await;
        let found = known.check(&*view, n + 1).await;
        assert_eq!(found, known.there, "what is not certain is not shown");
        if known.there.len() as u64 != n + 1 {
            held.get_or_insert((view, found));
        }
        follow(&mut log, store.head().await.expect("a head"), &mut reported).await;
    }
    let refuses = store.health().refuses_changes;
    assert_eq!(refuses.is_some(), held.is_some(), "{refuses:?}");
    // A batch without changes is not refused.
    store.commit(Batch::default()).await.expect("nothing to write");
    let failed = disk.heal();
    assert!(failed || held.is_none());

    let mut tried = BATCHES;
    let healed = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            match store.commit(batch(tried)).await {
                Ok(_) => return,
                Err(StoreError::ReadOnly(_)) => known.absent.insert(tried),
                Err(error) => panic!("{at} {fault:?}: {error}"),
            };
            tokio::time::sleep(Duration::from_millis(1)).await;
            tried += 1;
        }
    });
    healed.await.expect("a disk that works is written to");
    known.there.insert(tried);
    assert_eq!(store.health().refuses_changes, None);
    let newest = known.check(&*view(&store).await, tried + 1).await;
    follow(&mut log, store.head().await.expect("a head"), &mut reported).await;
    if let Some((held, found)) = held {
        // The earlier view may be stale if an unknown batch took effect; it never shows other rows.
        match held.get(b"count").await {
            Ok(row) => {
                assert_eq!(row.map_or(0, |row| counter_value(&row.value).expect("a counter")), found.len() as u64)
            }
            Err(error) => assert!(matches!(error, StoreError::StaleView) && newest.len() > found.len() + 1, "{error}"),
        }
    }
    // A change set that was delivered stays valid.
    let mut again = store.watch(Revision::ZERO).await.expect("watch");
    for (revision, changes) in &reported {
        let set = again.next().await.expect("a set");
        assert_eq!((set.revision, &set.changes), (*revision, changes));
    }
    drop((store, log, again));
    for image in [disk.live(), disk.image()] {
        let store = open(&Disk::from_image(image), &authenticator);
        assert_eq!(known.check(&*view(&store).await, tried + 1).await, newest);
    }
    Run { failed, grown: disk.live().len() > size, unknown: unknown.map(|n| newest.contains(&n)) }
}

async fn every_operation(fault: Fault) {
    let (mut failures, mut there, mut absent) = (0, 0u64, 0u64);
    for at in 1.. {
        let run = run(at, fault).await;
        there += u64::from(run.unknown == Some(true));
        absent += u64::from(run.unknown == Some(false));
        if !run.failed {
            assert!(run.grown, "the run makes the file grow");
            break;
        }
        failures += 1;
    }
    println!("{failures} operations failed; of the unknown outcomes {there} took place and {absent} did not");
    assert!(failures > 30, "the run has more operations than {failures}");
    // Only the last write and sync of each commit leave the outcome unknown.
    assert_eq!(there + absent, 2 * BATCHES);
    assert!(fault != Fault::Sync || (there > 0 && absent > 0), "a failed sync may have done its work");
}

#[tokio::test]
async fn the_store_survives_a_full_disk_at_every_operation() {
    every_operation(Fault::NoSpace).await;
}

#[tokio::test]
async fn the_store_survives_an_error_at_every_operation() {
    every_operation(Fault::Error).await;
}

#[tokio::test]
async fn the_store_survives_a_partial_write_at_every_operation() {
    every_operation(Fault::Short).await;
}

#[tokio::test]
async fn the_store_survives_a_failed_sync_at_every_operation() {
    every_operation(Fault::Sync).await;
}

/// It was: a few free pages in the file let the store be opened for changes and closed again, every second.
#[tokio::test]
async fn a_file_that_cannot_grow_keeps_refusing_changes() {
    let (disk, authenticator) = (Disk::default(), common::authenticator());
    let store = open(&disk, &authenticator);
    let put = |n: u64, len: usize| Batch { put: vec![(key("k", n), vec![7; len].into())], ..Batch::default() };
    disk.fail_from(0, Fault::Growth);
    // Large values leave free space for small ones.
    let (mut n, mut last) = (0, disk.failures());
    while disk.failures() < last + 10 {
        if store.commit(put(n, 200_000)).await.is_ok() {
            (n, last) = (n + 1, disk.failures());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let failures = disk.failures();
    while disk.failures() < failures + 10 {
        let refused = store.commit(put(n, 100)).await;
        assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
        assert!(store.health().refuses_changes.is_some());
        store.read(At::Latest).await.expect("a view").get(&key("k", 0)).await.expect("reads work").expect("a row");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    disk.heal();
    while let Err(refused) = store.commit(put(n, 100)).await {
        assert!(matches!(refused, StoreError::ReadOnly(_)), "{refused:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(store.health().refuses_changes.is_none());
}
