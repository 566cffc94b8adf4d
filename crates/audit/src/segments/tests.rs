use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::disk::{FileSystem, SegmentFile};

/// A disk that fails, or crashes, at a given operation; before or after half of its work.
#[derive(Clone)]
pub(crate) struct Failing {
    left: Arc<AtomicUsize>,
    for_good: bool,
}

impl Failing {
    /// The operation numbered `at`, counted from 0, fails; all others succeed.
    pub(crate) fn once(at: usize) -> Self {
        Failing { left: Arc::new(AtomicUsize::new(at + 1)), for_good: false }
    }

    /// Every operation from this one on fails, until the disk recovers.
    pub(crate) fn from(at: usize) -> Self {
        Failing { for_good: true, ..Self::once(at) }
    }

    pub(crate) fn recover(&self) {
        self.left.store(usize::MAX, Ordering::SeqCst);
    }

    /// Whether the failure has happened.
    pub(crate) fn has_failed(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }

    fn step(&self) -> io::Result<()> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left == Ok(1) || left == Err(0) && self.for_good {
            Err(io::Error::new(io::ErrorKind::StorageFull, "no space"))
        } else {
            Ok(())
        }
    }
}

impl Disk for Failing {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        FileSystem.create_folder(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        FileSystem.list(folder)
    }
    fn len(&self, path: &Path) -> io::Result<u64> {
        FileSystem.len(path)
    }
    fn read(&self, path: &Path, from: u64) -> io::Result<Vec<u8>> {
        FileSystem.read(path, from)
    }
    fn read_part(&self, path: &Path, from: u64, bytes: u64) -> io::Result<Vec<u8>> {
        FileSystem.read_part(path, from, bytes)
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        self.step()?;
        let inner = FileSystem.create(path)?;
        Ok(Box::new(FailingFile { inner, disk: self.clone() }))
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        let inner = FileSystem.open(path)?;
        Ok(Box::new(FailingFile { inner, disk: self.clone() }))
    }
}

struct FailingFile {
    inner: Box<dyn SegmentFile>,
    disk: Failing,
}

impl SegmentFile for FailingFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.disk.step() {
            // Half of it got there.
            Err(error) => self.inner.append(&bytes[..bytes.len() / 2]).and(Err(error)),
            Ok(()) => self.inner.append(bytes),
        }
    }
    fn sync(&mut self) -> io::Result<()> {
        self.disk.step()?;
        self.inner.sync()
    }
    fn truncate(&mut self, bytes: u64) -> io::Result<()> {
        self.disk.step()?;
        self.inner.truncate(bytes)
    }
}

fn record(id: u32) -> Record {
    Record { event_id: id.to_string(), event_name: "CreateUser".into(), ..Record::default() }
}

fn open(folder: &TempDir, max_bytes: u64, checkpoint: Option<&Checkpoint>) -> Segments {
    Segments::open(folder.path(), Arc::new(FileSystem), max_bytes, checkpoint).unwrap()
}

/// The paths of the segments in a folder, in order.
pub(crate) fn segment_files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = paths
        .filter(|path| {
            let path = path.to_str().unwrap();
            path.contains("/audit-") && path.ends_with(".jsonl")
        })
        .collect();
    names.sort();
    names
}

/// Every line of a folder in order, once the chain is found whole.
pub(crate) fn lines(folder: &Path) -> Vec<Value> {
    let text = segment_starts(folder).unwrap().into_iter().flat_map(|first| {
        let mut text = SegmentText::open(folder, first).unwrap();
        let len = text.len();
        text.read(0..len).unwrap()
    });
    let text = String::from_utf8(text.collect()).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "whole lines");
    let (mut previous, mut number) = (FIRST_HASH.to_owned(), 0);
    let read = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        number += 1;
        assert_eq!(
            (&value["sequence"], &value["previousSha256"]),
            (&number.into(), &previous.as_str().into()),
            "{line}"
        );
        previous = hash::of(line.as_bytes());
        value
    };
    text.lines().map(read).collect()
}

/// The ids in a folder whose chain is whole.
pub(crate) fn ids(folder: &Path) -> Vec<String> {
    lines(folder).iter().map(|line| line["eventID"].as_str().unwrap().to_owned()).collect()
}

fn expected(ids: impl IntoIterator<Item = u32>) -> Vec<String> {
    ids.into_iter().map(|id| id.to_string()).collect()
}

#[test]
fn the_hash_chain_spans_segments_and_restarts() {
    let folder = TempDir::new().unwrap();
    for start in (0..30).step_by(3) {
        let mut segments = open(&folder, 2_000, None);
        segments.append(&[record(start), record(start + 1)]).unwrap();
        segments.append(&[record(start + 2)]).unwrap();
    }
    assert_eq!(ids(folder.path()), expected(0..30));
    assert!(fs::read_dir(folder.path()).unwrap().count() > 3, "several segments");
}

#[test]
fn only_the_owner_can_read_segments() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = TempDir::new().unwrap();
    let folder = root.path().join("audit");
    Segments::open(&folder, Arc::new(FileSystem), 1_000, None).unwrap().append(&[record(1)]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("audit-00000000000000000001.jsonl")), 0o600);
}

/// A crash may keep any part of the last write.
#[test]
fn incomplete_data_of_a_crash_is_truncated() {
    let whole = TempDir::new().unwrap();
    let name = "audit-00000000000000000001.jsonl";
    let kept = open(&whole, 1 << 20, None).append(&[record(1), record(2)]).unwrap().bytes as usize;
    open(&whole, 1 << 20, None).append(&[record(3), record(4)]).unwrap();
    let text = fs::read(whole.path().join(name)).unwrap();
    let third = kept + text[kept..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let ends = [0, 1, kept - 1, kept, kept + 1, third - 1, third, third + 1, text.len() - 1];
    for length in ends.into_iter().chain((1..text.len()).step_by(29)) {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join(name), &text[..length]).unwrap();
        open(&folder, 1 << 20, None).append(&[record(9)]).unwrap();
        let found = ids(folder.path());
        assert_eq!(found.last().map(String::as_str), Some("9"));
        if length >= kept {
            assert_eq!(found[..2], expected([1, 2]), "what was answered stays, {length}");
            assert_eq!(found.len(), if length >= third { 4 } else { 3 }, "{length}");
        }
    }
}

/// Whichever operation fails, no record is written twice or partially.
#[test]
fn records_that_could_not_be_written_are_written_once_later() {
    let mut failures = 0;
    for at in 0..40 {
        let (folder, disk) = (TempDir::new().unwrap(), Failing::once(at));
        let mut segments = Segments::open(folder.path(), Arc::new(disk.clone()), 1_500, None).unwrap();
        for batch in 0..10 {
            let records = [record(2 * batch), record(2 * batch + 1)];
            while let Err(error) = segments.append(&records) {
                assert_eq!(error.kind(), io::ErrorKind::StorageFull);
                failures += 1;
            }
        }
        assert_eq!(ids(folder.path()), expected(0..20), "failure {at}");
    }
    assert!(failures > 20, "{failures}");
}

/// A batch is written in parts, and kept or removed as a whole; so is its share of the hash that digests sign.
#[test]
fn a_batch_of_several_parts_is_kept_as_a_whole() {
    let records: Vec<_> = (2..1_000).map(record).collect();
    let mut failures = 0;
    for at in 0..12 {
        let (folder, disk) = (TempDir::new().unwrap(), Failing::once(at));
        let mut segments = Segments::open(folder.path(), Arc::new(disk.clone()), 1 << 24, None).unwrap();
        while segments.append(&[record(0), record(1)]).is_err() {}
        segments.spans(0).unwrap();
        while segments.append(&records).is_err() {
            failures += 1;
            assert_eq!(ids(folder.path()), expected(0..2), "failure {at}");
        }
        assert_eq!(ids(folder.path()), expected(0..1_000), "failure {at}");
        let text = fs::read(&segment_files(folder.path())[0]).unwrap();
        assert!(text.len() > 3 * PART, "{}", text.len());
        let spans = segments.spans(0).unwrap();
        assert_eq!(spans[0].sha256, hash::of(&text), "failure {at}");
    }
    assert!(failures > 3, "{failures}");
}

#[test]
fn the_records_after_a_checkpoint_are_found() {
    let folder = TempDir::new().unwrap();
    let mut segments = open(&folder, 1_500, None);
    let mut checkpoints = vec![None];
    for id in 0..12 {
        checkpoints.push(Some(segments.append(&[record(id)]).unwrap()));
    }
    for (number, checkpoint) in checkpoints.iter().enumerate() {
        let after = open(&folder, 1_500, checkpoint.as_ref()).ids_after(checkpoint.as_ref()).unwrap();
        let wanted: HashSet<String> = expected(number as u32..12).into_iter().collect();
        assert_eq!(after, wanted, "{checkpoint:?}");
    }
}

/// If segments were moved away or lost, numbering continues.
#[test]
fn numbering_continues_after_missing_segments() {
    let folder = TempDir::new().unwrap();
    let checkpoint = open(&folder, 1 << 20, None).append(&[record(1), record(2)]).unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let after = open(&folder, 1 << 20, Some(&checkpoint)).append(&[record(3)]).unwrap();
    assert_eq!((after.sequence, after.first), (3, 3));
    let line = fs::read_to_string(folder.path().join("audit-00000000000000000003.jsonl")).unwrap();
    assert!(line.contains(&checkpoint.hash), "the missing line is named");
}

#[test]
fn a_damaged_last_line_starts_a_new_segment() {
    let folder = TempDir::new().unwrap();
    open(&folder, 1 << 20, None).append(&[record(1)]).unwrap();
    let name = folder.path().join("audit-00000000000000000001.jsonl");
    let damaged = [fs::read(&name).unwrap(), b"rubbish\n".to_vec()].concat();
    fs::write(&name, &damaged).unwrap();
    open(&folder, 1 << 20, None).append(&[record(2)]).unwrap();
    assert_eq!(fs::read(&name).unwrap(), damaged);
    assert!(
        fs::read_to_string(folder.path().join("audit-00000000000000000004.jsonl")).unwrap().contains("\"sequence\":4")
    );
}

mod ends;
