//! Every input in `fuzz/corpus` passes its fuzz target, and every target has a corpus and a program in `fuzz/`.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bailiwick_testing::fuzz::TARGETS;

/// The targets of the server, which is not a library. `net/fuzz_targets.rs` and `backup/fuzz_targets.rs` in it replay their corpora.
const OF_THE_SERVER: [&str; 3] = ["backup_file", "forwarded", "proxy_protocol"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    entries.map(|entry| stem(entry.unwrap().path())).collect()
}

#[test]
fn every_input_of_the_corpora_passes() {
    for (name, target) in TARGETS {
        let inputs: Vec<PathBuf> =
            fs::read_dir(folder().join("corpus").join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!inputs.is_empty(), "no corpus of {name}");
        for input in inputs {
            // The name of the input is in the output of a failing test.
            println!("{}", input.display());
            target(&fs::read(&input).unwrap());
        }
    }
}

#[test]
fn every_target_has_a_program_and_a_corpus() {
    let expected: BTreeSet<String> =
        TARGETS.iter().map(|(name, _)| *name).chain(OF_THE_SERVER).map(str::to_owned).collect();
    assert_eq!(names(&folder().join("fuzz_targets")), expected);
    assert_eq!(names(&folder().join("corpus")), expected);
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for name in &expected {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in fuzz/Cargo.toml");
    }
}
