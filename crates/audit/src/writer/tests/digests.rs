use std::fs;
use std::path::PathBuf;

use super::*;
use crate::digest::{FILE, FIRST_HASH, Reason, Signed};
use crate::hash;
use crate::index::index_path;
use crate::query::{Attribute, Query};
use crate::segments::{segment_name, segment_starts};
use crate::verify::{Anchor, Expected, verify};

impl TestEnv {
    fn digest_file(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    /// Every digest, once their chain, their signatures and the text that they name are found right.
    fn digests(&self) -> Vec<Signed> {
        let text = fs::read(self.digest_file()).unwrap_or_default();
        assert!(text.is_empty() || text.ends_with(b"\n"), "whole lines");
        let (mut previous, mut next) = (FIRST_HASH.to_owned(), 1);
        let mut found = Vec::new();
        for (at, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let signed = Signed::parse(&line[..line.len() - 1]).unwrap();
            let digest = &signed.digest;
            assert!(signed.is_genuine());
            assert_eq!((digest.number, &digest.previous_sha256), (at as u64 + 1, &previous));
            assert_eq!((digest.first_sequence, &*digest.deployment), (next, &*self.deployment.cluster_id));
            for span in &digest.segments {
                let text = fs::read(self.folder.path().join(&span.name)).unwrap();
                assert_eq!(hash::of(&text[..span.bytes as usize]), span.sha256, "{}", span.name);
            }
            (previous, next) = (signed.sha256.clone(), digest.last_sequence + 1);
            found.push(signed);
        }
        found
    }

    /// The reason of each digest and the records that it covers.
    fn covered(&self) -> Vec<(Reason, u64, u64)> {
        let digests = self.digests();
        digests.iter().map(|of| (of.digest.reason, of.digest.first_sequence, of.digest.last_sequence)).collect()
    }

    async fn checkpoint(&self) -> Checkpoint {
        Checkpoint::read(&self.tx().await.audit_checkpoint().await.unwrap().unwrap()).unwrap()
    }
}

/// One round of the writer.
pub(crate) async fn round(ready: &mut OpenWriter) {
    while ready.flush(&mut false).await {}
    if let Some(reason) = ready.due_digest() {
        ready.add_digest(reason).await;
    }
}

#[tokio::test]
async fn a_digest_covers_each_hour_with_records_and_the_stop() {
    let env = TestEnv::new();
    let mut ready = env.open(Arc::new(FileSystem)).await;
    env.change(1).await;
    round(&mut ready).await;
    assert_eq!(env.covered(), [], "the hour has not ended");
    env.clock.advance(3_600);
    env.change(2).await;
    round(&mut ready).await;
    assert_eq!(env.covered(), [(Reason::Hour, 1, 2)]);
    // Hours without records.
    env.clock.advance(5 * 3_600);
    round(&mut ready).await;
    env.change(3).await;
    round(&mut ready).await;
    assert_eq!(env.covered().len(), 1);
    ready.end().await;
    assert_eq!(env.covered(), [(Reason::Hour, 1, 2), (Reason::Stop, 3, 3)]);
    let (checkpoint, last) = (env.checkpoint().await, env.digests().pop().unwrap());
    assert!(checkpoint.is_closed);
    assert_eq!((checkpoint.sequence, checkpoint.digest), (3, Some(last.end())));
    // Without records, a stop needs no digest.
    let mut ready = env.open(Arc::new(FileSystem)).await;
    round(&mut ready).await;
    assert!(!env.checkpoint().await.is_closed, "while the server runs");
    ready.end().await;
    assert_eq!(env.covered().len(), 2);
    assert!(env.checkpoint().await.is_closed);
}

#[tokio::test]
async fn a_digest_covers_each_full_segment() {
    let env = TestEnv { segment_bytes: 6_000, ..TestEnv::new() };
    let mut ready = env.open(Arc::new(FileSystem)).await;
    for number in 0..60 {
        env.change(number).await;
        round(&mut ready).await;
    }
    let (digests, segments) = (env.digests(), segment_files(env.folder.path()));
    assert!(segments.len() > 2);
    assert_eq!(digests.len(), segments.len() - 1);
    for (signed, path) in digests.iter().zip(&segments) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let spans: Vec<_> = signed.digest.segments.iter().map(|span| (span.name.as_str(), span.bytes)).collect();
        assert_eq!(spans, [(name, path.metadata().unwrap().len())], "the whole segment");
        assert_eq!(signed.digest.reason, Reason::Rotation);
    }
}

/// After a crash, the first digest covers what the last run left.
#[tokio::test]
async fn a_digest_covers_what_a_crash_left() {
    let env = TestEnv::new();
    let mut ready = env.open(Arc::new(FileSystem)).await;
    for number in 0..50 {
        env.change(number).await;
        while ready.flush(&mut false).await {}
    }
    assert!(segment_files(env.folder.path()).len() > 1, "no digest although a segment is full");
    drop(ready);
    let mut ready = env.open(Arc::new(FileSystem)).await;
    round(&mut ready).await;
    assert_eq!(env.covered(), [(Reason::Start, 1, 50)]);
    assert_eq!(env.digests()[0].digest.segments.len(), segment_files(env.folder.path()).len());
}

/// Whichever operation of the disk fails, and wherever the line of a digest ends after a crash.
#[tokio::test]
async fn a_digest_that_is_not_whole_is_made_again() {
    for at in 0..4 {
        let (env, disk) = (TestEnv::new(), Failing::once(at));
        let mut ready = env.open(Arc::new(disk.clone())).await;
        env.change(1).await;
        for _ in 0..2 {
            round(&mut ready).await;
            env.clock.advance(3_600);
        }
        round(&mut ready).await;
        assert!(disk.has_failed(), "failure {at}");
        assert_eq!(env.covered(), [(Reason::Hour, 1, 1)], "failure {at}");
    }
    for kept in [0, 1, 100] {
        let env = TestEnv::new();
        let mut ready = env.open(Arc::new(FileSystem)).await;
        env.change(1).await;
        round(&mut ready).await;
        ready.end().await;
        let (whole, before) = (fs::read(env.digest_file()).unwrap(), env.tx().await.audit_checkpoint().await.unwrap());
        env.change(2).await;
        let mut ready = env.open(Arc::new(FileSystem)).await;
        round(&mut ready).await;
        ready.end().await;
        // The store does not know the digest, whose line is torn.
        let text = fs::read(env.digest_file()).unwrap();
        fs::write(env.digest_file(), &text[..whole.len() + kept]).unwrap();
        let mut tx = env.tx().await;
        tx.put_audit_checkpoint(before.unwrap());
        tx.commit().await.unwrap();
        let mut ready = env.open(Arc::new(FileSystem)).await;
        round(&mut ready).await;
        assert_eq!(env.covered(), [(Reason::Stop, 1, 1), (Reason::Start, 2, 2)], "{kept} bytes kept");
    }
}

/// Digests that were removed are missed: numbering continues.
#[tokio::test]
async fn removed_digests_leave_a_gap() {
    let env = TestEnv::new();
    let mut ready = env.open(Arc::new(FileSystem)).await;
    env.change(1).await;
    round(&mut ready).await;
    ready.end().await;
    let removed = env.digests().pop().unwrap();
    fs::remove_file(env.digest_file()).unwrap();
    env.change(2).await;
    let mut ready = env.open(Arc::new(FileSystem)).await;
    round(&mut ready).await;
    ready.end().await;
    let text = fs::read(env.digest_file()).unwrap();
    let found = Signed::parse(text.strip_suffix(b"\n").unwrap()).unwrap().digest;
    assert_eq!((found.number, found.previous_sha256, found.first_sequence), (2, removed.sha256, 2));
}

/// The private key is sealed, and the same one signs after a restart.
#[tokio::test]
async fn one_key_signs_and_is_stored_sealed() {
    let env = TestEnv::new();
    for number in 1..3 {
        env.change(number).await;
        let mut ready = env.open(Arc::new(FileSystem)).await;
        round(&mut ready).await;
        ready.end().await;
    }
    let digests = env.digests();
    assert_eq!(digests.len(), 2);
    assert_eq!(digests[0].key, digests[1].key);
    let stored = env.tx().await.audit_keys().await.unwrap().unwrap();
    let keys = crate::digest::stored::StoredKeys::read(&stored).unwrap();
    let private = keys.signer(&env.deployment.sealer).unwrap().unwrap().to_pkcs8().unwrap();
    assert_eq!(keys.public(), [digests[0].key]);
    assert!(
        !stored
            .windows(32)
            .any(|part| private.windows(32).any(|of_key| of_key == part && part != digests[0].key.bytes()))
    );
}

/// Segments are compressed and removed beside the writing; a digest says what was removed, before it is.
#[tokio::test]
async fn old_segments_are_compressed_and_removed() {
    let mut env = TestEnv { segment_bytes: 3_000, ..TestEnv::new() };
    let mut ready = env.open(Arc::new(FileSystem)).await;
    for number in 0..30 {
        env.change(number).await;
        round(&mut ready).await;
    }
    ready.keep_house().await;
    ready.finish_housekeeping().await;
    ready.end().await;
    // As many compressed segments as there are now may stay; the next record completes another one.
    let names = fs::read_dir(env.folder.path()).unwrap().map(|entry| entry.unwrap());
    let segments = names.filter(|entry| entry.file_name().to_str().unwrap().starts_with("audit-"));
    let mut sizes: Vec<_> = segments.map(|entry| (entry.file_name(), entry.metadata().unwrap().len())).collect();
    sizes.sort();
    assert!(sizes[..sizes.len() - 1].iter().all(|(name, _)| name.to_str().unwrap().ends_with(".gz")), "{sizes:?}");
    let max_bytes = sizes[..sizes.len() - 1].iter().map(|(_, bytes)| bytes).sum();
    env.retention = Retention { days: None, max_bytes: Some(max_bytes) };
    crate::LookUp::of_folder(env.folder.path()).build_indexes().await.unwrap();
    assert!(index_path(env.folder.path(), 1).exists());
    env.change(30).await;
    let mut ready = env.open(Arc::new(FileSystem)).await;
    round(&mut ready).await;
    ready.keep_house().await;
    ready.finish_housekeeping().await;
    let removal = ready.own[0].records().remove(0);
    assert_eq!((ready.own.len(), &*removal.event_name), (1, "RemoveAuditRecords"));
    ready.end().await;
    let starts = segment_starts(env.folder.path()).unwrap();
    let last =
        Signed::parse(fs::read(env.digest_file()).unwrap().split(|byte| *byte == b'\n').nth_back(1).unwrap()).unwrap();
    assert_eq!(last.digest.reason, Reason::Removal);
    let removed = last.digest.removed;
    assert_eq!((removed[0].first_sequence, removed.last().unwrap().last_sequence + 1), (1, starts[0]));
    for segment in &removed {
        assert!(!index_path(env.folder.path(), segment.first_sequence).exists(), "{segment:?}");
    }
    assert!(starts.len() > 1 && removed.len() >= 2, "{starts:?}, {removed:?}");
    let verified = async || {
        let anchor = Anchor::read(Arc::clone(&env.store), env.deployment.cluster_id.clone()).await.unwrap();
        verify(env.folder.path(), &Expected { keys: Vec::new(), anchor: Some(anchor) }, &mut |_, _| {}).unwrap()
    };
    let report = verified().await;
    assert!(report.intact && report.first_sequence == starts[0] && report.last_sequence == 32, "{report:?}");
    // A segment that no digest names as removed is missed.
    let next = env.folder.path().join(format!("{}.gz", segment_name(starts[0])));
    let (content, shown) = (fs::read(&next).unwrap(), segment_name(starts[0]));
    fs::remove_file(&next).unwrap();
    let report = verified().await;
    assert!(
        report.faults.iter().any(|fault| fault.file == shown && fault.found == "the segment is missing"),
        "{report:?}"
    );
    fs::write(&next, content).unwrap();
    assert!(verified().await.intact);
    // A new run continues, and the next removal follows.
    env.change(31).await;
    let mut ready = env.open(Arc::new(FileSystem)).await;
    round(&mut ready).await;
    ready.end().await;
    assert!(verified().await.intact);
    // Other settings of retention are on record once, at the first start with them.
    let found = names_in(env.folder.path(), "ChangeAuditRetention").await;
    assert_eq!(found.len(), 1);
    let record: serde_json::Value = serde_json::from_str(&found[0]).unwrap();
    assert_eq!(record["requestParameters"], serde_json::json!({ "maxBytes": max_bytes }));
    assert_eq!(record["responseElements"], serde_json::Value::Null, "there were no limits before");
}

/// The records of an event in a folder.
async fn names_in(folder: &std::path::Path, name: &str) -> Vec<String> {
    let query = Query { limit: 10, ..Query::default() }.filter(Attribute::EventName, Some(name.to_owned()));
    let page = crate::LookUp::of_folder(folder).page("test", &query).await.unwrap();
    page.events.into_iter().map(|event| event.line).collect()
}
