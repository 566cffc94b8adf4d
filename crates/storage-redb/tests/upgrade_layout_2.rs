//! A store of layout 2, whose state has fewer decisive kinds, is checked completely and counted again.

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

use bailiwick_seal::{MasterKey, WrappedKeyring};
use bailiwick_storage::{At, Authenticator, Revision, Scan, Store, StoreError, check, keys};
use bailiwick_storage_redb::{OpenError, Options, RedbFile, RedbStore};
use bytes::Bytes;
use common::disk::Disk;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

const STORE: &[u8] = include_bytes!("fixtures/layout-2/bailiwick.redb.gz");
const MASTER: &[u8] = include_bytes!("fixtures/layout-2/master.key");
const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
const ABOUT: TableDefinition<'_, &str, u32> = TableDefinition::new("about");

fn old_store() -> Vec<u8> {
    let mut image = Vec::new();
    flate2::read::GzDecoder::new(STORE).read_to_end(&mut image).expect("a compressed file");
    image
}

fn file(disk: &Disk) -> RedbFile {
    RedbFile::on(disk.clone(), &Options { cache_bytes: 1 << 20, ..Options::default() }).expect("a file")
}

fn authenticator(file: &RedbFile) -> Authenticator {
    let wrapped = file.keyring().expect("a file that reads").expect("a keyring");
    let master = MasterKey::parse(MASTER).expect("a key");
    let keyring = WrappedKeyring::from_bytes(wrapped.to_vec()).unwrap_with(&master);
    let keyring = keyring.map_err(|error| error.to_string()).expect("its master key");
    Authenticator::new(keyring.row_key().expect("a key").expect("a key of rows"))
}

fn start(disk: &Disk) -> Result<RedbStore, OpenError> {
    let file = file(disk);
    let authenticator = authenticator(&file);
    file.start(authenticator)
}

fn database(disk: &Disk) -> Database {
    Database::builder().create_with_backend(disk.clone()).expect("a file of redb")
}

/// The stored rows.
fn stored(disk: &Disk) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let database = database(disk);
    let txn = database.begin_read().expect("a transaction");
    let rows = txn.open_table(ROWS).expect("the table");
    let rows = rows.iter().expect("the rows").map(|row| row.expect("a row"));
    rows.map(|(key, row)| (key.value().to_vec(), row.value().to_vec())).collect()
}

fn layout(disk: &Disk) -> u32 {
    let database = database(disk);
    let txn = database.begin_read().expect("a transaction");
    txn.open_table(ABOUT).expect("a table").get("layout").expect("a row").expect("a layout").value()
}

/// Replaces or removes the stored form of a row, as a program that writes the file does.
fn tamper(disk: &Disk, key: &[u8], row: Option<&[u8]>) {
    let database = database(disk);
    let txn = database.begin_write().expect("a transaction");
    {
        let mut rows = txn.open_table(ROWS).expect("the rows");
        match row {
            Some(row) => drop(rows.insert(key, row).expect("a row")),
            None => drop(rows.remove(key).expect("a row").expect("the row was there")),
        }
    }
    txn.commit().expect("a commit");
}

async fn check_whole(store: &RedbStore, rows: usize) {
    let view = store.read(At::Latest).await.expect("a view");
    let findings = check(&*view).await.expect("a store that reads");
    assert!(findings.is_sound() && findings.rows == rows as u64, "{findings:?}");
    // Rows that were not decisive before are now.
    let mut tally = view.tally();
    for (key, revision) in view.revisions(Scan { prefix: b"", after: None, limit: usize::MAX }).await.expect("the keys")
    {
        if keys::is_decisive(&key) {
            tally.add(&key, revision);
        }
    }
    tally.finish().expect("every row");
}

#[tokio::test]
async fn a_store_of_layout_2_is_counted_again_once() {
    let disk = Disk::from_image(old_store());
    let old = stored(&disk);
    let kinds: BTreeSet<String> = old.keys().map(|key| format!("{:?}", keys::parse(key).expect("a key").1)).collect();
    for kind in [
        "MfaDevice",
        "MfaDeviceOwner",
        "MfaFailures",
        "Passkey",
        "PasskeyChallengeUse",
        "SignInFailures",
        "SignInAttempts",
    ] {
        assert!(kinds.contains(kind), "{kind}");
    }
    assert_eq!(layout(&disk), 2);
    let store = start(&disk).expect("a start");
    check_whole(&store, old.len()).await;
    let head = store.head().await.expect("a head");
    assert!(matches!(store.watch(Revision::ZERO).await.map(drop), Err(StoreError::Compacted { .. })));
    drop(store);
    assert_eq!((stored(&disk) == old, layout(&disk)), (true, 3));
    let store = start(&disk).expect("a start");
    check_whole(&store, old.len()).await;
    assert_eq!(store.head().await.expect("a head"), head);
    drop(store);
    // The sealed state decides whether rows are counted again, not the layout number.
    let file = database(&disk);
    let txn = file.begin_write().expect("a transaction");
    txn.open_table(ABOUT).expect("a table").insert("layout", 2).expect("a row");
    txn.commit().expect("a commit");
    drop(file);
    assert_eq!(start(&disk).expect("a start").head().await.expect("a head"), head);
}

/// A row that was removed before the upgrade is not accepted as missing, of whatever kind.
#[tokio::test]
async fn a_store_of_layout_2_with_a_missing_row_is_refused() {
    let whole = old_store();
    let rows = stored(&Disk::from_image(whole.clone()));
    let one_of_each_kind: BTreeMap<_, _> = rows.iter().map(|row| (row.0[keys::HEADER - 1], row)).collect();
    assert!(one_of_each_kind.len() > 20);
    let later = Bytes::from_static(&[0xff; 8]);
    for (key, row) in one_of_each_kind.into_values().filter(|(key, _)| ***key != *keys::keyring()) {
        let about = keys::describe(key);
        let moved = [&row[..16], &later, &row[24..]].concat();
        for stored in [None, Some(&moved[..])] {
            let disk = Disk::from_image(whole.clone());
            tamper(&disk, key, stored);
            let error = start(&disk).map(drop).expect_err(&about);
            assert!(matches!(error, OpenError::Store(StoreError::Incomplete { .. })), "{about}: {error}");
            assert_eq!(layout(&disk), 2, "{about}");
        }
        let disk = Disk::from_image(whole.clone());
        tamper(&disk, key, None);
        let damaged = file(&disk);
        let authenticator = authenticator(&damaged);
        check_whole(&damaged.start_accepting_damage(authenticator).expect("a start"), rows.len() - 1).await;
        assert_eq!(layout(&disk), 3, "{about}");
    }
}

/// The end of the log of a current store is removed, so that it ends with an entry of layout 2.
#[tokio::test]
async fn a_log_that_was_cut_does_not_end_with_a_state_of_layout_2() {
    let disk = Disk::from_image(old_store());
    drop(start(&disk).expect("a start"));
    let file = database(&disk);
    let txn = file.begin_write().expect("a transaction");
    {
        let mut log = txn.open_table(LOG).expect("the log");
        assert_eq!(log.iter().expect("entries").count(), 1, "the upgrade leaves no older entry");
        log.retain(|_, _| false).expect("entries");
    }
    txn.commit().expect("a commit");
    drop(file);
    assert!(matches!(start(&disk).map(drop), Err(OpenError::Corrupt(_))));
}

/// A power cut at any operation leaves a store that starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_while_rows_are_counted_leaves_the_old_or_the_new_store() {
    let image = old_store();
    let rows = stored(&Disk::from_image(image.clone())).len();
    let (mut before, mut after) = (0, 0);
    for at in 0.. {
        let disk = Disk::from_image(image.clone());
        disk.crash_at(1 + at * 3, at);
        drop(start(&disk));
        let over = !disk.crashed();
        let left = Disk::from_image(disk.image());
        match layout(&left) {
            2 => before += 1,
            _ => after += 1,
        }
        check_whole(&start(&left).expect("a start"), rows).await;
        if over {
            break;
        }
    }
    assert!(before > 2 && after > 0, "{before} {after}");
}
