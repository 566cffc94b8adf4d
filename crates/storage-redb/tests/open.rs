//! Opening a store: private files, one process, and a one-line error if it cannot be opened.

mod common;

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use bailiwick_storage::{At, Authenticator, Batch, Store, StoreError};
use bailiwick_storage_redb::{Options, RedbStore};
use redb::{Database, TableDefinition};
use tempfile::TempDir;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    (folder, data)
}

fn open(data: &Path) -> Result<RedbStore, String> {
    RedbStore::open(data, &Options::default(), Authenticator::none()).map_err(|error| error.to_string())
}

fn refusal(data: &Path) -> String {
    let refusal = open(data).map(drop).expect_err("a refusal");
    assert!(!refusal.contains('\n'), "{refusal}");
    refusal
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

async fn write(store: &RedbStore) {
    let put = vec![("key".into(), "value".into())];
    store.commit(Batch { put, ..Batch::default() }).await.expect("a batch that holds");
}

#[tokio::test]
async fn a_new_store_is_private() {
    let (_folder, data) = folder();
    write(&open(&data).expect("a store")).await;
    assert_eq!(mode(&data), 0o700);
    for file in fs::read_dir(&data).expect("a folder") {
        let path = file.expect("a file").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn files_that_other_users_can_access_are_refused() {
    let (_folder, data) = folder();
    drop(open(&data).expect("a store"));
    for (path, bad, good) in [(data.clone(), 0o750, 0o700), (data.join("bailiwick.redb"), 0o604, 0o600)] {
        fs::set_permissions(&path, Permissions::from_mode(bad)).expect("chmod");
        let refusal = refusal(&data);
        assert!(
            refusal.contains("can be accessed by other users") && refusal.contains(&format!("{bad:03o}")),
            "{refusal}"
        );
        fs::set_permissions(&path, Permissions::from_mode(good)).expect("chmod");
    }
    open(&data).expect("all is well again");
}

#[tokio::test]
async fn a_store_is_locked_by_one_process() {
    let (_folder, data) = folder();
    let store = open(&data).expect("a store");
    assert!(refusal(&data).contains("in use by another process"));
    write(&store).await;
    drop(store);
    let store = open(&data).expect("it is free again");
    assert_eq!(store.head().await.expect("head").number(), 1);
}

#[tokio::test]
async fn calls_to_a_closed_store_fail() {
    let (_folder, data) = folder();
    let store = open(&data).expect("a store");
    write(&store).await;
    let mut log = store.watch(store.head().await.expect("head")).await.expect("watch");
    store.close().await;
    store.close().await;
    let refused = store.commit(Batch::default()).await;
    assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
    assert!(matches!(log.next().await, Err(StoreError::Closed)));
    let view = store.read(At::Latest).await.expect("a view");
    assert!(matches!(view.get(b"key").await, Err(StoreError::Closed) | Ok(Some(_))));
}

#[test]
fn a_store_of_a_newer_version_is_refused() {
    let (_folder, data) = folder();
    drop(open(&data).expect("a store"));
    let database = Database::open(data.join("bailiwick.redb")).expect("the file");
    let txn = database.begin_write().expect("a transaction");
    let about: TableDefinition<'_, &str, u32> = TableDefinition::new("about");
    txn.open_table(about).expect("the table").insert("layout", 4).expect("a row");
    txn.commit().expect("a commit");
    drop(database);
    assert!(refusal(&data).contains("newer version of Bailiwick"), "{}", refusal(&data));
}

#[test]
fn a_file_that_is_not_a_store_is_refused_and_unchanged() {
    for content in [Vec::new(), b"not a store".to_vec(), vec![0; 1 << 20]] {
        let (_folder, data) = folder();
        drop(open(&data).expect("a store"));
        let file = data.join("bailiwick.redb");
        fs::write(&file, &content).expect("a file");
        assert!(refusal(&data).contains("damaged"), "{}", refusal(&data));
        assert_eq!(fs::read(&file).expect("a file"), content);
    }
}

#[tokio::test]
async fn an_incomplete_store_is_created_again() {
    let (_folder, data) = folder();
    drop(open(&data).expect("a store"));
    fs::rename(data.join("bailiwick.redb"), data.join("bailiwick.new")).expect("a rename");
    fs::write(data.join("bailiwick.new"), "half").expect("a file");
    write(&open(&data).expect("a store")).await;
    assert!(!data.join("bailiwick.new").exists());
}

#[test]
fn the_error_names_a_folder_that_cannot_be_created() {
    let (_folder, data) = folder();
    let below = data.join("missing").join("data");
    assert!(refusal(&below).contains("cannot be used"), "{}", refusal(&below));
    fs::write(&data, "a file").expect("a file");
    fs::set_permissions(&data, Permissions::from_mode(0o600)).expect("chmod");
    assert!(refusal(&data).contains("cannot be used"), "{}", refusal(&data));
}
