use std::io::Read as _;
use std::sync::Arc;

use bailiwick_operation::Clock as _;

use super::*;
use crate::disk::FileSystem;
use crate::segments::tests::{ids, lines};
use crate::verify::{Anchor, Expected, Report, verify};
use crate::writer::tests::TestEnv;
use crate::writer::tests::digests::round;

/// A trail of thirty records in some segments, an hour for each five, whose writer stopped.
async fn trail() -> TestEnv {
    let env = TestEnv { segment_bytes: 3_000, ..TestEnv::new() };
    let mut ready = env.open(Arc::new(FileSystem)).await;
    for number in 0..30 {
        env.change(number).await;
        round(&mut ready).await;
        if number % 5 == 4 {
            env.clock.advance(3_600);
        }
    }
    ready.end().await;
    env
}

fn task(env: &TestEnv, retention: Retention) -> Task {
    let folder = env.folder.path().to_owned();
    let open = *segment_starts(&folder).unwrap().last().unwrap();
    Task { folder, open, covered: u64::MAX, retention, now: env.clock.now() }
}

fn run(env: &TestEnv) {
    assert_eq!(task(env, Retention::default()).run(&AtomicBool::new(false)).unwrap(), []);
}

fn names(env: &TestEnv, ending: &str) -> Vec<String> {
    let entries =
        fs::read_dir(env.folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = entries.filter(|name| name.ends_with(ending)).collect();
    names.sort();
    names
}

async fn verified(env: &TestEnv) -> Report {
    let anchor = Anchor::read(Arc::clone(&env.store), env.deployment.cluster_id.clone()).await.unwrap();
    verify(env.folder.path(), &Expected { keys: Vec::new(), anchor: Some(anchor) }, &mut |_, _| {}).unwrap()
}

#[tokio::test]
async fn complete_segments_are_compressed() {
    let env = trail().await;
    let (before, starts) = (lines(env.folder.path()), segment_starts(env.folder.path()).unwrap());
    assert!(starts.len() > 3);
    run(&env);
    assert_eq!(names(&env, ".jsonl").len(), 2, "the last segment, and the digests");
    let packed = names(&env, ".jsonl.gz");
    assert_eq!(packed.len(), starts.len() - 1);
    assert_eq!(lines(env.folder.path()), before);
    assert_eq!(segment_starts(env.folder.path()).unwrap(), starts);
    let report = verified(&env).await;
    assert!(report.intact && report.records == 30 && report.notes.is_empty(), "{report:?}");
    let mut first = String::new();
    let file = std::fs::File::open(env.folder.path().join(&packed[0])).unwrap();
    MultiGzDecoder::new(BufReader::new(file)).read_to_string(&mut first).unwrap();
    assert!(first.starts_with("{\"eventVersion\"") && first.ends_with("}\n"));
    // The writer continues after it.
    env.change(30).await;
    let mut ready = env.open(Arc::new(FileSystem)).await;
    round(&mut ready).await;
    ready.end().await;
    assert_eq!(ids(env.folder.path()).len(), 31);
    assert!(verified(&env).await.intact);
}

#[tokio::test]
async fn what_no_digest_covers_is_not_compressed() {
    let env = trail().await;
    let starts = segment_starts(env.folder.path()).unwrap();
    let task = Task { covered: starts[2] - 2, ..task(&env, Retention::default()) };
    task.run(&AtomicBool::new(false)).unwrap();
    assert_eq!(names(&env, ".gz"), [format!("{}.gz", segment_name(starts[0]))]);
    let stopped = Task { covered: u64::MAX, ..task };
    stopped.run(&AtomicBool::new(true)).unwrap();
    assert_eq!(names(&env, ".gz").len(), 1);
}

/// What a crash leaves at each step is whole, and the next task completes it.
#[tokio::test]
async fn a_crash_leaves_a_whole_segment() {
    for crash in ["unfinished", "both"] {
        let env = trail().await;
        let folder = env.folder.path();
        let plain = folder.join(segment_name(1));
        let (text, packed) = (fs::read(&plain).unwrap(), packed_path(&plain));
        let mut whole = Vec::new();
        compress(text.as_slice(), &mut whole).unwrap();
        match crash {
            "unfinished" => fs::write(folder.join(".unfinished-x.gz"), &whole[..whole.len() / 2]).unwrap(),
            _ => fs::write(&packed, &whole).unwrap(),
        }
        let report = verified(&env).await;
        assert!(report.intact, "{crash}: {report:?}");
        assert_eq!(ids(folder).len(), 30);
        run(&env);
        assert!(names(&env, "x.gz").is_empty() && !plain.exists() && packed.exists(), "{crash}");
        assert!(verified(&env).await.intact);
    }
}

/// A compressed file with another text never replaces the segment, and is a fault.
#[tokio::test]
async fn another_text_is_not_trusted() {
    let env = trail().await;
    let plain = env.folder.path().join(segment_name(1));
    let mut other = Vec::new();
    compress(&b"{}\n"[..], &mut other).unwrap();
    fs::write(packed_path(&plain), other).unwrap();
    run(&env);
    assert!(plain.exists() && packed_path(&plain).exists());
    let report = verified(&env).await;
    assert!(report.faults[0].found.contains("has another text than the one beside it"), "{report:?}");
}

#[tokio::test]
async fn the_oldest_segments_are_removed_by_age_and_size() {
    let env = trail().await;
    run(&env);
    let starts = segment_starts(env.folder.path()).unwrap();
    let sizes: Vec<u64> = starts.iter().map(|first| stored_len(env.folder.path(), *first).unwrap()).collect();
    let all: u64 = sizes.iter().sum();
    let check = |retention: Retention, hours: i64, expected: usize| {
        let now = env.clock.now().checked_add(SignedDuration::from_hours(hours)).unwrap();
        let found = Task { now, ..task(&env, retention) }.run(&AtomicBool::new(false)).unwrap();
        let found: Vec<u64> = found.iter().map(|removed| removed.first_sequence).collect();
        assert_eq!(found, starts[..expected], "{retention:?}");
    };
    check(Retention::default(), 100_000, 0);
    check(Retention { days: Some(1), max_bytes: None }, 0, 0);
    check(Retention { days: Some(1), max_bytes: None }, 24 - 1, starts.len() - 1);
    check(Retention { days: Some(1), max_bytes: None }, 24 - 4, 1);
    check(Retention { days: None, max_bytes: Some(all) }, 0, 0);
    check(Retention { days: None, max_bytes: Some(all - 1) }, 0, 1);
    check(Retention { days: None, max_bytes: Some(all - sizes[0] - 1) }, 0, 2);
    check(Retention { days: None, max_bytes: Some(1) }, 0, starts.len() - 1);
    check(Retention { days: Some(u32::MAX), max_bytes: Some(u64::MAX) }, 0, 0);
}
