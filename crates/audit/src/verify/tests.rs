use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;

use super::digests::FILE;
use super::*;
use crate::Retention;
use crate::disk::FileSystem;
use crate::housekeeping::Task;
use crate::writer::tests::TestEnv;
use crate::writer::tests::digests::round;

mod edits;

/// The files of a trail, by name.
type Files = BTreeMap<String, Vec<u8>>;

/// A trail of several segments and digests, and what the store knows of it.
struct Trail {
    env: TestEnv,
    files: Files,
    expected: Expected,
}

impl Trail {
    /// A trail of four hours in two runs of a server, of which the second one stopped in order.
    async fn new() -> Self {
        let env = TestEnv { segment_bytes: 3_000, ..TestEnv::new() };
        for run in 0..2 {
            let mut ready = env.open(Arc::new(FileSystem)).await;
            for number in 0..8 {
                env.change(run * 8 + number).await;
                round(&mut ready).await;
                if number % 4 == 3 {
                    env.clock.advance(3_600);
                }
            }
            if run == 1 {
                ready.end().await;
            }
        }
        let expected = Expected { keys: Vec::new(), anchor: Some(anchor(&env).await) };
        let files = files(env.folder.path());
        assert_eq!(files.len(), 4, "three segments and the digests");
        Trail { env, files, expected }
    }
}

impl Trail {
    /// Compresses all segments but the last.
    fn compress(&mut self) {
        compress_all(self.env.folder.path());
        self.files = files(self.env.folder.path());
        assert_eq!(self.files.keys().filter(|name| name.ends_with(".gz")).count(), 2);
    }
}

fn compress_all(folder: &Path) {
    let open = *crate::segments::segment_starts(folder).unwrap().last().unwrap();
    let task = Task {
        folder: folder.to_owned(),
        open,
        covered: u64::MAX,
        retention: Retention::default(),
        now: Timestamp::MIN,
    };
    assert_eq!(task.run(&AtomicBool::new(false)).unwrap(), []);
}

async fn anchor(env: &TestEnv) -> Anchor {
    Anchor::read(Arc::clone(&env.store), env.deployment.cluster_id.clone()).await.unwrap()
}

fn files(folder: &Path) -> Files {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

fn check(folder: &Path, expected: &Expected) -> Report {
    verify(folder, expected, &mut |_, _| {}).unwrap()
}

fn faults(report: &Report) -> Vec<String> {
    report.faults.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn an_intact_trail_is_verified() {
    let trail = Trail::new().await;
    let folder = trail.env.folder.path();
    let report = check(folder, &trail.expected);
    assert_eq!(faults(&report), [] as [String; 0]);
    assert_eq!(report.notes, [] as [String; 0], "the store tells everything");
    assert_eq!((report.segments, report.records, report.trust), (3, 16, Trust::Store));
    assert_eq!((report.first_sequence, report.last_sequence, report.signed_sequence), (1, 16, 16));
    assert_eq!(report.digests, 5, "four hours and the full segments between");

    let keys = trail.expected.anchor.as_ref().unwrap().keys().to_vec();
    let report = check(folder, &Expected { keys, anchor: None });
    assert!(report.intact && report.trust == Trust::Given);
    assert_eq!(report.notes.len(), 1, "{:?}", report.notes);
    let report = check(folder, &Expected::default());
    assert!(report.intact && report.trust == Trust::Digests);
    assert!(report.notes[0].contains("no trusted public key was given"), "{:?}", report.notes);
}

#[tokio::test]
async fn the_trail_of_another_key_or_deployment_is_refused() {
    let (trail, other) = (Trail::new().await, Trail::new().await);
    let keys = other.expected.anchor.as_ref().unwrap().keys().to_vec();
    let report = check(trail.env.folder.path(), &Expected { keys: keys.clone(), anchor: None });
    assert!(report.faults[0].found.starts_with("the digest is signed by the key"), "{:?}", faults(&report));
    let own = trail.expected.anchor.as_ref().unwrap();
    let report = check(trail.env.folder.path(), &Expected { keys: [keys, own.keys().to_vec()].concat(), anchor: None });
    assert!(report.intact, "one of several keys");
    let anchor = Anchor::read(Arc::clone(&trail.env.store), "another".to_owned()).await.unwrap();
    let report = check(trail.env.folder.path(), &Expected { keys: Vec::new(), anchor: Some(anchor) });
    assert!(report.faults[0].found.starts_with("it is of the deployment"), "{:?}", faults(&report));
}

/// After a crash at any byte of the last writes, the trail is intact, and the notes say what is not proven.
#[tokio::test]
async fn a_trail_is_intact_after_a_crash() {
    let env = TestEnv::new();
    let mut ready = env.open(Arc::new(FileSystem)).await;
    for number in 0..10 {
        env.change(number).await;
        round(&mut ready).await;
    }
    env.clock.advance(3_600);
    round(&mut ready).await;
    env.change(10).await;
    round(&mut ready).await;
    let kept = files(env.folder.path());
    // Records that the store does not know yet.
    let request = crate::tests::request("cli");
    for id in 20..23 {
        ready
            .append(
                vec![crate::tests::only(&crate::Event { id: [id; 16], ..crate::tests::event(&request) })],
                Arc::default(),
            )
            .await
            .unwrap();
    }
    drop(ready);
    let expected = Expected { keys: Vec::new(), anchor: Some(anchor(&env).await) };
    let (name, before) = kept.first_key_value().unwrap();
    let path = env.folder.path().join(name);
    let text = fs::read(&path).unwrap();
    for length in (before.len()..=text.len()).rev().step_by(7) {
        fs::write(&path, &text[..length]).unwrap();
        let report = check(env.folder.path(), &expected);
        assert_eq!(faults(&report), [] as [String; 0], "{length} bytes");
        assert!(report.notes.iter().any(|note| note.contains("did not stop in order")), "{:?}", report.notes);
    }
    // What the store knows is missed.
    fs::write(&path, &before[..before.len() - 1]).unwrap();
    let report = check(env.folder.path(), &expected);
    assert!(report.faults[0].expected.contains("which the store says were written"), "{:?}", faults(&report));
}

#[tokio::test]
async fn several_faults_are_all_reported() {
    let trail = Trail::new().await;
    let folder = trail.env.folder.path();
    for (name, text) in &trail.files {
        let line = text.iter().position(|byte| *byte == b'\n').unwrap();
        fs::write(folder.join(name), [&text[..line / 2], &text[line / 2 + 1..]].concat()).unwrap();
    }
    let report = check(folder, &trail.expected);
    for name in trail.files.keys() {
        assert!(report.faults.iter().any(|fault| fault.file == *name), "{name}: {:?}", faults(&report));
    }
    assert!(!report.intact && report.fault_count == report.faults.len() as u64);
}

#[tokio::test]
async fn other_files_are_faults_without_a_panic() {
    let folder = tempfile::TempDir::new().unwrap();
    let empty = check(folder.path(), &Expected::default());
    assert!(empty.intact && empty.records == 0, "{empty:?}");
    let hash = "0".repeat(64);
    for (name, text) in [
        ("audit-00000000000000000000.jsonl", "\n".to_owned()),
        (
            "audit-18446744073709551615.jsonl",
            format!("{{\"eventID\":\"\",\"sequence\":18446744073709551615,\"previousSha256\":\"{hash}\"}}\n"),
        ),
        ("audit-99999999999999999999.jsonl", String::new()),
        ("audit-1.jsonl", "{}\n".to_owned()),
        ("audit-00000000000000000001.jsonl", "\u{0}\n{}\n[]\nnull\n".to_owned()),
        (FILE, "{}\n,\"signature\":\"\"}\n".to_owned()),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
        let report = check(folder.path(), &Expected::default());
        assert!(report.faults.iter().any(|fault| fault.file == name), "{name}: {:?}", faults(&report));
    }
}
