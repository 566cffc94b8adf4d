//! Stores whose log lost its end, and whose remaining rows are accepted as complete.

mod common;

use bailiwick_storage::{At, Authenticator, Batch, Revision, Store};
use bailiwick_storage_redb::{Options, RedbFile, RedbStore};
use common::disk::Disk;
use redb::{ReadableTable, TableDefinition};

const ROWS: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("rows");
const LOG: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("log");

fn file(disk: &Disk) -> RedbFile {
    RedbFile::on(disk.clone(), &Options::default()).expect("a file")
}

async fn put(store: &RedbStore, key: &'static str) -> Revision {
    store.commit(Batch { put: vec![(key.into(), "value".into())], ..Batch::default() }).await.expect("a commit")
}

/// Removes the last commits from the file, with their rows.
fn remove_commits_after(disk: &Disk, last: u64, keys: &[&str]) {
    let database = redb::Database::builder().create_with_backend(disk.clone()).expect("a database");
    let txn = database.begin_write().expect("a transaction");
    {
        let mut log = txn.open_table(LOG).expect("the log");
        log.retain(|revision, _| revision <= last).expect("entries");
        assert_eq!(log.last().expect("an entry").expect("an entry").0.value(), last);
        let mut rows = txn.open_table(ROWS).expect("the rows");
        for key in keys {
            rows.remove(key.as_bytes()).expect("a row").expect("the row was there");
        }
    }
    txn.commit().expect("a commit");
}

/// It was: the next commit had a revision that was used before, so a row of the lost commit was authentic again.
#[tokio::test]
async fn revisions_are_not_used_again_after_the_end_of_the_log_was_lost() {
    let (disk, authenticator) = (Disk::default(), common::authenticator());
    let start = |accept: bool, authenticator: &Authenticator| match accept {
        true => file(&disk).start_accepting_damage(authenticator.clone()).expect("a store"),
        false => file(&disk).start(authenticator.clone()).expect("a store"),
    };
    let store = start(false, &authenticator);
    let kept = put(&store, "a").await;
    put(&store, "b").await;
    let newest = put(&store, "c").await;
    drop(store);
    remove_commits_after(&disk, kept.number(), &["b", "c"]);
    let store = start(true, &authenticator);
    let head = store.head().await.expect("a head");
    assert!(head > newest, "{head:?} after {newest:?}");
    let view = store.read(At::Latest).await.expect("a view");
    assert_eq!(view.get(b"a").await.expect("reads work").expect("the row is left").revision, kept);
    // The log starts there: followers that know an older revision read everything again.
    assert!(store.watch(newest).await.is_err());
    let mut log = store.watch(head).await.expect("the log");
    let next = put(&store, "c").await;
    assert_eq!((next, log.next().await.expect("a set").revision), (head.next(), next));
    drop((store, log));
    assert_eq!(start(false, &authenticator).head().await.expect("a head"), next);
}
