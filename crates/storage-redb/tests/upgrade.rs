//! A store of layout 1 is upgraded completely, or stays unchanged.

mod common;

use std::{collections::BTreeMap, io::Read};

use bailiwick_seal::{Keyring, MasterKey, WrappedKeyring};
use bailiwick_storage::{At, Authenticator, Batch, Revision, Scan, Store, StoreError, check, keys};
use bailiwick_storage_redb::{OpenError, Options, RedbFile, RedbStore};
use bytes::Bytes;
use common::disk::{Disk, Fault};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

const STORE: &[u8] = include_bytes!("fixtures/layout-1/bailiwick.redb.gz");
const MASTER: &[u8] = include_bytes!("fixtures/layout-1/master.key");
const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
const ABOUT: TableDefinition<'_, &str, u32> = TableDefinition::new("about");

type Rows = BTreeMap<Bytes, (Revision, Bytes)>;

fn old_store() -> Vec<u8> {
    let mut image = Vec::new();
    flate2::read::GzDecoder::new(STORE).read_to_end(&mut image).expect("a compressed file");
    image
}

fn options() -> Options {
    Options { cache_bytes: 1 << 20, ..Options::default() }
}

fn file(disk: &Disk) -> RedbFile {
    RedbFile::on(disk.clone(), &options()).expect("a file")
}

/// The rows of layout 1, with the keys that they get.
fn old_rows(image: Vec<u8>) -> Rows {
    let database = Database::builder().create_with_backend(Disk::from_image(image)).expect("a file of redb");
    let txn = database.begin_read().expect("a transaction");
    let rows = txn.open_table(ROWS).expect("the table");
    let row = |row: Result<_, redb::StorageError>| {
        let (key, value): (redb::AccessGuard<'_, &[u8]>, redb::AccessGuard<'_, &[u8]>) = row.expect("a row");
        let (revision, value) = value.value().split_first_chunk::<8>().expect("a revision");
        let revision = Revision::new(u64::from_be_bytes(*revision));
        (keys::from_layout_1(key.value()), (revision, Bytes::copy_from_slice(value)))
    };
    rows.iter().expect("the rows").map(row).collect()
}

async fn rows(store: &RedbStore) -> Rows {
    let view = store.read(At::Latest).await.expect("a view");
    let rows = view.scan(Scan { prefix: b"", after: None, limit: usize::MAX }).await.expect("all rows");
    rows.into_iter().map(|row| (row.key, (row.revision, row.value))).collect()
}

fn keyring(file: &RedbFile) -> Keyring {
    let wrapped = file.keyring().expect("a file that reads").expect("a keyring");
    let master = MasterKey::parse(MASTER).expect("a key");
    WrappedKeyring::from_bytes(wrapped.to_vec())
        .unwrap_with(&master)
        .map_err(|error| error.to_string())
        .expect("its master key")
}

fn authenticator(keyring: &Keyring) -> Option<Authenticator> {
    keyring.row_key().expect("a key").map(Authenticator::new)
}

/// Opens a file as a server does: starts it, or upgrades it if its keyring has no key for rows.
fn start(file: RedbFile) -> Result<RedbStore, OpenError> {
    let keyring = keyring(&file);
    match authenticator(&keyring) {
        Some(known) => file.start(known),
        None => {
            let new = keyring.complete(7).expect("keys");
            let master = MasterKey::parse(MASTER).expect("a key");
            let wrapped = WrappedKeyring::wrap(&new, &master).expect("a wrapped keyring");
            file.upgrade(authenticator(&new).expect("a key of rows"), wrapped.as_bytes())
        }
    }
}

async fn check_whole(store: &RedbStore, old: &Rows) {
    let view = store.read(At::Latest).await.expect("a view");
    let findings = check(&*view).await.expect("a store that reads");
    assert!(findings.is_sound() && findings.rows == old.len() as u64, "{findings:?}");
    let new = rows(store).await;
    for (key, old) in old {
        if *key != keys::keyring() {
            assert_eq!(new.get(key), Some(old), "{}", keys::describe(key));
        }
        assert!(keys::parse(key).is_some(), "{}", keys::describe(key));
    }
}

#[tokio::test]
async fn an_upgrade_keeps_every_row_under_its_new_key() {
    let disk = Disk::from_image(old_store());
    let old = old_rows(old_store());
    assert!(old.len() > 150);
    let head = old.values().map(|row| row.0).max().expect("rows");
    let store = start(file(&disk)).expect("an upgrade");
    check_whole(&store, &old).await;
    let upgraded = store.head().await.expect("a head");
    assert!(upgraded > head);
    assert!(matches!(store.watch(Revision::ZERO).await.map(drop), Err(StoreError::Compacted { .. })));
    let mut log = store.watch(upgraded).await.expect("watch");
    let put = vec![("key".into(), "value".into())];
    let next = store.commit(Batch { put, ..Batch::default() }).await.expect("a commit");
    assert_eq!((log.next().await.expect("a set").revision, next), (next, upgraded.next()));
    drop((store, log));
    let again = file(&disk);
    assert!(keyring(&again).is_complete());
    let store = start(again).expect("a start");
    assert_eq!(rows(&store).await.len(), old.len() + 1);
    assert_eq!(store.head().await.expect("a head"), next);
}

#[tokio::test]
async fn the_layout_number_of_the_file_decides_nothing() {
    let (old, new) = (Disk::from_image(old_store()), Disk::from_image(old_store()));
    drop(start(file(&new)).expect("an upgrade"));
    let complete = keyring(&file(&new));
    let known = || authenticator(&complete).expect("a key of rows");
    let refused = |result: Result<RedbStore, OpenError>| matches!(result.map(drop), Err(OpenError::Corrupt(_)));
    assert!(refused(file(&old).start(known())), "an old file is not believed with a new keyring");
    assert!(refused(file(&old).start_accepting_damage(known())));
    assert!(refused(file(&new).upgrade(known(), b"keyring")), "a new file is not upgraded");
    // An attacker rewrites a row and the layout number.
    let database = Database::builder().create_with_backend(new.clone()).expect("a file of redb");
    let txn = database.begin_write().expect("a transaction");
    txn.open_table(ABOUT).expect("a table").insert("layout", 1).expect("a row");
    txn.commit().expect("a commit");
    drop(database);
    let again = file(&new);
    // A file of layout 1 has no keyring under this key.
    assert!(again.keyring().expect("a file that reads").is_none());
    assert!(refused(again.start(known())));
}

/// A power cut at any operation leaves the old store or the new one, and both can be started.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_during_an_upgrade_leaves_the_old_or_the_new_store() {
    let (image, old) = (old_store(), old_rows(old_store()));
    let (mut before, mut after) = (0, 0);
    for at in 0.. {
        let disk = Disk::from_image(image.clone());
        disk.crash_at(1 + at * 7, at);
        drop(start(file(&disk)));
        let over = !disk.crashed();
        let left = file(&Disk::from_image(disk.image()));
        match keyring(&left).is_complete() {
            true => after += 1,
            false => before += 1,
        }
        check_whole(&start(left).expect("a start"), &old).await;
        if over {
            break;
        }
    }
    assert!(before > 3 && after > 0, "{before} {after}");
}

/// A disk without space leaves the old store, and the reason.
#[tokio::test]
async fn a_full_disk_during_an_upgrade_leaves_the_old_store() {
    let old = old_rows(old_store());
    for (at, fault) in [(5, Fault::NoSpace), (20, Fault::Error), (9, Fault::Sync)] {
        let disk = Disk::from_image(old_store());
        let opened = file(&disk);
        disk.fail_from(at, fault);
        let error = start(opened).map(drop).expect_err("a disk that fails").to_string();
        assert!(["no space left on device", "input/output error"].contains(&&*error), "{error}");
        disk.heal();
        check_whole(&start(file(&disk)).expect("an upgrade"), &old).await;
    }
}
