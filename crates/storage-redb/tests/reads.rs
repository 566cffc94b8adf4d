//! Reads that fail: some of them, or all of one part of the file.

mod common;

use std::time::Duration;

use bailiwick_storage::{At, Authenticator, Batch, Scan, Store, StoreError};
use bailiwick_storage_redb::{Options, RedbFile, RedbStore};
use bytes::Bytes;
use common::disk::Disk;

const ROWS: usize = 2_000;
const PAGE: usize = 4096;

fn key(n: usize) -> Bytes {
    format!("row/{n:04}").into()
}

fn value(n: usize) -> Bytes {
    (n as u32).to_be_bytes().repeat(25).into()
}

fn open(disk: &Disk, authenticator: &Authenticator, retry: Duration) -> RedbStore {
    // The cache has room for a part of the rows.
    let options = Options { cache_bytes: 1 << 16, retry, ..Options::default() };
    let file = RedbFile::on(disk.clone(), &options).expect("a file");
    file.start(authenticator.clone()).expect("a store")
}

/// Creates a store with rows on many pages, most of which are not in its cache.
async fn filled(retry: Duration) -> (Disk, RedbStore) {
    let (disk, authenticator) = (Disk::default(), common::authenticator());
    let store = open(&disk, &authenticator, retry);
    let put = (0..ROWS).map(|n| (key(n), value(n))).collect();
    store.commit(Batch { put, ..Batch::default() }).await.expect("a commit");
    drop(store);
    let store = open(&disk, &authenticator, retry);
    (disk, store)
}

/// Returns which rows can be read. A row that can be read has its value.
async fn readable(store: &RedbStore) -> Vec<bool> {
    let mut readable = Vec::new();
    for n in 0..ROWS {
        // Views of earlier handles are stale.
        let view = store.read(At::Latest).await.expect("a view");
        match view.get(&key(n)).await {
            Ok(row) => {
                assert_eq!(row.expect("no row is missing").value, value(n));
                readable.push(true);
            }
            Err(error) => {
                assert!(matches!(error, StoreError::Backend(_)), "{error}");
                readable.push(false);
            }
        }
    }
    readable
}

/// Waits until the store accepts changes. It refuses them while it opens the file again.
async fn accepts_changes(store: &RedbStore) {
    let batch = || Batch { put: vec![(Bytes::from("z"), value(0))], ..Batch::default() };
    let accepted = tokio::time::timeout(Duration::from_secs(30), async {
        while let Err(refused) = store.commit(batch()).await {
            assert!(matches!(refused, StoreError::ReadOnly(_)), "{refused}");
            tokio::task::yield_now().await;
        }
    });
    accepted.await.expect("a commit");
    assert_eq!(store.health().refuses_changes, None);
}

/// It was: redb cached the zeros that it received for a page that could not be read once, and answered that the store is
/// damaged until the server was restarted.
#[tokio::test]
async fn a_read_that_fails_once_is_repeated() {
    // Each number of failures reaches another step of reading and of opening the file again.
    for failures in 1..=8 {
        let (disk, store) = filled(Duration::from_millis(1)).await;
        let view = store.read(At::Latest).await.expect("a view");
        disk.fail_reads(failures);
        let during = readable(&store).await;
        assert_eq!(disk.failed_reads(), failures);
        assert!(failures > 1 || during == [true; ROWS], "one failure is not noticed");
        assert_eq!(readable(&store).await, [true; ROWS], "{failures}");
        let rows = view.scan(Scan { prefix: b"row/", after: None, limit: usize::MAX }).await.expect("reads work");
        assert_eq!(rows.len(), ROWS);
        accepts_changes(&store).await;
    }
}

#[tokio::test]
async fn a_part_that_cannot_be_read_affects_only_its_rows_and_prevents_changes() {
    let (disk, store) = filled(Duration::from_millis(1)).await;
    // The revision before the value distinguishes the row from the entry of the change log.
    let row = [&1u64.to_be_bytes()[..], &value(ROWS / 2)].concat();
    let at = disk.live().windows(row.len()).position(|part| part == row).expect("the row is in the file");
    disk.break_part(at / PAGE * PAGE..at / PAGE * PAGE + PAGE);
    let (first, again) = (readable(&store).await, readable(&store).await);
    assert_eq!(first, again);
    let lost = first.iter().filter(|there| !**there).count();
    assert!(!first[ROWS / 2] && (1..100).contains(&lost), "{lost} rows cannot be read");
    // A page next to it could be merged with zeros, and the rows of the part lost.
    let refused = store.commit(Batch { put: vec![(Bytes::from("z"), value(0))], ..Batch::default() }).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
    // Nothing has to be restarted when it can be read.
    disk.break_part(0..0);
    assert_eq!(readable(&store).await, [true; ROWS]);
    accepts_changes(&store).await;
}
