use std::fs;
use std::path::Path;

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    store: StoreOptions,
}

fn options(data_dir: &Path) -> StoreOptions {
    Line::parse_from([Path::new("serve"), Path::new("--data-dir"), data_dir]).store
}

#[track_caller]
fn refused(data_dir: &Path, init: bool, words: &[&str]) {
    let error = expect_store(&options(data_dir), init).unwrap_err().to_string();
    assert!(words.iter().all(|word| error.contains(word)), "{error}");
    assert!(!error.contains('\n'), "{error}");
}

#[track_caller]
fn taken(data_dir: &Path, init: bool, expected: Expected) {
    assert_eq!(expect_store(&options(data_dir), init).unwrap(), expected);
}

/// Data folders without a store.
#[test]
fn a_missing_store_is_noticed_by_its_other_files() {
    for make in [
        |_: &Path| (),
        |folder: &Path| fs::create_dir(folder.join("data")).unwrap(),
        |folder: &Path| {
            fs::create_dir(folder.join("data")).unwrap();
            fs::write(folder.join("data/lock"), "").unwrap();
            fs::write(folder.join("data/bailiwick.redb.bak"), "x").unwrap();
        },
    ] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        make(folder.path());
        taken(&data, false, Expected::New);
        taken(&data, true, Expected::New);

        fs::write(folder.path().join("data.key"), "x").unwrap();
        refused(&data, false, &["no store in", "data.key exists", "--init"]);
        taken(&data, true, Expected::New);

        fs::write(folder.path().join("data.root-credentials"), "x").unwrap();
        refused(&data, false, &["data.root-credentials", "never overwritten", "--init"]);
        refused(&data, true, &["data.root-credentials", "never overwritten"]);

        fs::remove_file(folder.path().join("data.key")).unwrap();
        refused(&data, false, &["data.root-credentials"]);
        fs::remove_file(folder.path().join("data.root-credentials")).unwrap();
        // A dangling link counts as a file.
        std::os::unix::fs::symlink("/no/such/file", folder.path().join("data.key")).unwrap();
        refused(&data, false, &["data.key exists"]);
    }
}

#[test]
fn files_beside_an_existing_store_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("bailiwick.redb"), "").unwrap();
    for name in ["data.key", "data.root-credentials"] {
        fs::write(folder.path().join(name), "x").unwrap();
        taken(&data, false, Expected::There);
        taken(&data, true, Expected::There);
    }
}

#[test]
fn a_path_that_can_hold_no_store_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    refused(&file, false, &["is a file", "--data-dir"]);
    refused(&file.join("data"), false, &["a part of this path is a file"]);
    refused(&folder.path().join("a/b"), false, &["does not exist", "create it first"]);
    refused(&folder.path().join("a/b"), true, &["does not exist", "create it first"]);
}
