//! Power cuts: acknowledged commits survive, and no commit survives partially.

mod common;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use bailiwick_storage::{Add, At, Authenticator, Batch, Revision, Scan, Store, counter_value};
use bailiwick_storage_redb::{OpenError, Options, RedbFile, RedbStore};
use bytes::Bytes;
use common::disk::{Disk, Rng};

fn options() -> Options {
    Options { cache_bytes: 1 << 20, ..Options::default() }
}

fn open(disk: &Disk, authenticator: &Authenticator) -> Result<RedbStore, OpenError> {
    RedbFile::on(disk.clone(), &options())?.start(authenticator.clone())
}

fn key(prefix: &str, n: u64) -> Bytes {
    format!("{prefix}/{n}").into()
}

/// Three rows and a counter: half of it would show.
fn batch(n: u64) -> Batch {
    // Some values span pages, so that trees grow and shrink.
    let value = Bytes::from(vec![n as u8; if n.is_multiple_of(7) { 6000 } else { 40 }]);
    Batch {
        put: vec![(key("a", n), value.clone()), (key("b", n), value.clone()), (key("c", n % 5), value)],
        add: vec![Add { key: "count".into(), delta: 1, max: None }],
        ..Batch::default()
    }
}

/// Checks a store after a crash: all commits in `answered` exist, all commits are complete, revisions have no gaps, and
/// the counter and the log are consistent. Returns the existing commits.
async fn check(store: &RedbStore, answered: &BTreeSet<u64>, tried: u64) -> BTreeSet<u64> {
    let view = store.read(At::Latest).await.expect("a view");
    let mut there = BTreeSet::new();
    let mut revisions = BTreeSet::new();
    for n in 0..tried {
        let a = view.get(&key("a", n)).await.expect("a read");
        let b = view.get(&key("b", n)).await.expect("a read");
        assert_eq!(a, b, "batch {n} is there by half");
        assert!(a.is_some() || !answered.contains(&n), "batch {n} was answered and is lost");
        if let Some(a) = a {
            assert!(a.value.iter().all(|byte| *byte == n as u8));
            there.insert(n);
            revisions.insert(a.revision.number());
        }
    }
    let head = view.revision();
    assert_eq!(revisions.into_iter().collect::<Vec<_>>(), (1..=head.number()).collect::<Vec<_>>());
    let count =
        view.get(b"count").await.expect("a read").map_or(0, |row| counter_value(&row.value).expect("a counter"));
    assert_eq!(count, there.len() as u64);
    let rows = view.scan(Scan { prefix: b"a/", after: None, limit: usize::MAX }).await.expect("a scan");
    assert_eq!(rows.len(), there.len());
    let mut log = store.watch(Revision::ZERO).await.expect("watch");
    for n in 1..=head.number() {
        assert_eq!(log.next().await.expect("a set").revision.number(), n);
    }
    there
}

/// Writes from four tasks until the power is cut, then continues on the remaining content; three cuts in a row.
async fn round(seed: u64) {
    let mut rng = Rng(seed);
    // The store is created under another name and renamed, so this test does not cut the power during creation.
    let (mut disk, authenticator) = (Disk::default(), common::authenticator());
    drop(open(&disk, &authenticator).expect("a store"));
    let mut answered = BTreeSet::new();
    let mut tried = 0;
    for _ in 0..3 {
        let mode = [0, 1, seed + 2][rng.below(3) as usize];
        disk.crash_at(1 + rng.below(150), mode);
        let store = open(&disk, &authenticator);
        let store = Arc::new(store.unwrap_or_else(|error| panic!("seed {seed}: {error:?}")));
        answered = check(&store, &answered, tried).await;
        let known = Arc::new(Mutex::new(answered.clone()));
        let tasks: Vec<_> = (0..4)
            .map(|task| {
                let (store, known, disk) = (store.clone(), known.clone(), disk.clone());
                let from = tried + task * 100;
                tokio::spawn(async move {
                    for n in from..from + 100 {
                        store.commit(batch(n)).await.expect("a disk that works");
                        // INVARIANT: checked before the answer is noted, so that answers after the cut do not count.
                        let mut known = known.lock().expect("no panics");
                        if disk.crashed() {
                            break;
                        }
                        known.insert(n);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a task");
        }
        tried += 400;
        answered = known.lock().expect("no panics").clone();
        disk = Disk::from_image(disk.image());
    }
    let store = open(&disk, &authenticator).expect("the store opens");
    check(&store, &answered, tried).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_cuts_lose_no_acknowledged_commit() {
    for seed in 0..80 {
        round(seed).await;
    }
}

/// After a cut at any moment the file opens as it is: the repair that walks all of it, and takes the longer the larger
/// it is, is never needed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recovery_does_not_read_the_whole_file() {
    for cut in 0..60 {
        let (disk, authenticator) = (Disk::default(), common::authenticator());
        let store = open(&disk, &authenticator).expect("a store");
        disk.crash_at(1 + cut * 3, cut);
        let mut n = 0;
        while !disk.crashed() {
            store.commit(batch(n)).await.expect("a disk that works");
            n += 1;
        }
        let mut builder = redb::Database::builder();
        builder.set_repair_callback(|repair| repair.abort());
        builder.create_with_backend(Disk::from_image(disk.image())).expect("no repair");
    }
}
