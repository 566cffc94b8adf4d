use bailiwick_model::limits::Quotas;
use bailiwick_operation::Deployment;
use bailiwick_storage::MemoryStore;
use bailiwick_testing::{ManualClock, SeededRandom, deployment};
use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::Event;
use crate::Recorder;
use crate::disk::FileSystem;
use crate::queue::Put;
use crate::recorder::keyed;
use crate::segments::tests::{Failing, ids, lines, segment_files};
use crate::tests::{event, named, only, request, root};

/// A fixed time.
fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_second(1_767_323_045).unwrap()))
}

pub(crate) struct TestEnv {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) deployment: Deployment,
    pub(crate) folder: TempDir,
    pub(crate) segment_bytes: u64,
    pub(crate) retention: Retention,
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        TestEnv {
            store: Arc::new(MemoryStore::new()),
            random: Arc::new(SeededRandom::default()),
            clock: clock(),
            deployment: deployment(clock(), Quotas::default()),
            folder: TempDir::new().unwrap(),
            segment_bytes: 20_000,
            retention: Retention::default(),
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            segment_bytes: self.segment_bytes,
            outbox_rows: 40,
            retention: self.retention,
            ..Settings::in_folder(self.folder.path())
        }
    }

    pub(crate) async fn open(&self, disk: Arc<dyn Disk>) -> OpenWriter {
        let writer = Writer {
            store: Arc::clone(&self.store),
            sealer: Arc::clone(&self.deployment.sealer),
            deployment: self.deployment.cluster_id.clone(),
            random: Arc::clone(&self.random),
            clock: self.clock.clone(),
            queue: Arc::default(),
            limit: Arc::default(),
            stats: Arc::default(),
        };
        writer.open(disk, &self.settings()).await.unwrap()
    }

    async fn recorder(&self) -> Recorder {
        Recorder::start(Arc::clone(&self.store), &self.deployment, self.settings()).await.unwrap()
    }

    async fn tx(&self) -> Tx {
        Tx::begin(Arc::clone(&self.store), Arc::default(), At::Latest).await.unwrap()
    }

    /// Commits a change with its record, whose id ends in a number.
    pub(crate) async fn change(&self, number: u8) {
        let mut tx = self.tx().await;
        let request = request("cli");
        let (key, row) = keyed(
            Row::new(&Event { id: [number; 16], time: self.clock.now(), ..event(&request) }),
            self.random.as_ref(),
        );
        tx.append_outbox(&key, row, 1_000).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn waiting(&self) -> u64 {
        self.tx().await.outbox_len().await.unwrap()
    }
}

fn id(number: u8) -> String {
    let request = request("cli");
    only(&Event { id: [number; 16], ..event(&request) }).event_id
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[tokio::test]
async fn rows_of_the_outbox_move_to_segments() {
    let env = TestEnv::new();
    for number in 0..30 {
        env.change(number).await;
    }
    let mut ready = env.open(Arc::new(FileSystem)).await;
    while ready.flush(&mut false).await {}
    assert_eq!(sorted(ids(env.folder.path())), sorted((0..30).map(id).collect()));
    assert_eq!(env.waiting().await, 0);
}

/// After a crash, the rows of the outbox are in segments already. They are not written again if a write fails then.
#[tokio::test]
async fn a_failed_write_after_a_crash_repeats_no_record() {
    let env = TestEnv::new();
    for number in 0..10 {
        env.change(number).await;
    }
    let mut ready = env.open(Arc::new(FileSystem)).await;
    written_only(&mut ready).await;
    drop(ready);
    env.change(10).await;
    let disk = Failing::once(0);
    let mut ready = env.open(Arc::new(disk.clone())).await;
    ready.flush(&mut false).await;
    assert!(disk.has_failed());
    while ready.flush(&mut false).await {}
    assert_eq!(sorted(ids(env.folder.path())), sorted((0..11).map(id).collect()));
    assert_eq!(env.waiting().await, 0);
}

/// The crash points: before the write, in the middle of it, before the sync, after it and before the rows are removed,
/// and after that.
#[tokio::test]
async fn a_crash_neither_loses_nor_repeats_a_record() {
    for crash in 0..8 {
        let env = TestEnv::new();
        for number in 0..10 {
            env.change(number).await;
        }
        // A first batch without failure, so that there is a checkpoint.
        let mut ready = env.open(Arc::new(FileSystem)).await;
        ready.flush(&mut false).await;
        for number in 10..20 {
            env.change(number).await;
        }
        match crash {
            // The disk fails at the write, the sync, or cutting off; then the power.
            0..3 => {
                drop(ready);
                let disk = if crash == 2 { Failing::from(0) } else { Failing::once(crash) };
                let mut ready = env.open(Arc::new(disk.clone())).await;
                ready.flush(&mut false).await;
                assert!(disk.has_failed(), "crash {crash}");
            }
            // Written and synced, but the rows are still there.
            3 => written_only(&mut ready).await,
            // The same, with a torn last line, as if the sync did not complete.
            4..7 => {
                written_only(&mut ready).await;
                drop(ready);
                let path = newest(&env);
                let text = std::fs::read(&path).unwrap();
                let length = text.len() - [1, 100, text.len() / 3][crash - 4];
                std::fs::write(&path, &text[..length]).unwrap();
            }
            _ => {
                ready.flush(&mut false).await;
            }
        }
        let mut ready = env.open(Arc::new(FileSystem)).await;
        env.change(20).await;
        while ready.flush(&mut false).await {}
        assert_eq!(sorted(ids(env.folder.path())), sorted((0..=20).map(id).collect()), "crash {crash}");
        assert_eq!(env.waiting().await, 0, "crash {crash}");
    }
}

/// One round of the writer, up to the removal of rows.
async fn written_only(ready: &mut OpenWriter) {
    let waiting = ready.read_outbox().await.unwrap();
    let records = waiting.iter().flat_map(|(_, row)| Record::decode_row(row).unwrap()).collect();
    ready.append(records, Arc::default()).await.unwrap();
}

fn newest(env: &TestEnv) -> std::path::PathBuf {
    segment_files(env.folder.path()).pop().unwrap()
}

/// A store that is older than the segments, as after a restore from a backup: no record is written twice.
#[tokio::test]
async fn rows_of_a_restored_store_are_not_written_twice() {
    let env = TestEnv::new();
    for number in 0..5 {
        env.change(number).await;
    }
    let mut ready = env.open(Arc::new(FileSystem)).await;
    written_only(&mut ready).await;
    written_only(&mut env.open(Arc::new(FileSystem)).await.with_segments(ready)).await;
    let mut ready = env.open(Arc::new(FileSystem)).await;
    ready.flush(&mut false).await;
    assert_eq!(env.waiting().await, 0);
    assert_eq!(lines(env.folder.path()).len(), 10, "only what the test itself wrote twice");
}

impl OpenWriter {
    fn with_segments(mut self, other: OpenWriter) -> Self {
        self.segments = other.segments;
        self
    }
}

#[tokio::test]
async fn a_full_outbox_refuses_changes_only() {
    let env = TestEnv::new();
    let recorder = env.recorder().await;
    let request = request("cli");
    let mut tx = env.tx().await;
    for _ in 0..40 {
        recorder.write_into(&mut tx, &event(&request)).await.unwrap();
    }
    let refused = recorder.write_into(&mut tx, &event(&request)).await.unwrap_err();
    assert_eq!(refused.code().wire(), "ServiceUnavailable");
    recorder.enqueue(&event(&request)).await.unwrap();
    recorder.write_durable(&event(&request)).await.unwrap();
    recorder.close().await;
}

#[tokio::test]
async fn no_record_of_a_read_is_lost() {
    let env = TestEnv::new();
    let recorder = env.recorder().await;
    let request = request("cli");
    let (long, short) = (named(&"x".repeat(2_000)), named("x"));
    for number in 0..5_000u32 {
        let id = u128::from(number).to_be_bytes();
        let parameters = if number % 50 == 0 { &long } else { &short };
        recorder.enqueue(&Event { id, parameters, ..event(&request) }).await.unwrap();
    }
    recorder.close().await;
    let found = ids(env.folder.path());
    assert_eq!(found.len(), 5_000);
    assert_eq!(found.iter().collect::<HashSet<_>>().len(), 5_000);
    assert_eq!(env.waiting().await, 0, "reads do not grow the store");
}

#[tokio::test]
async fn a_refusal_is_durable_before_its_answer() {
    let env = TestEnv::new();
    let recorder = env.recorder().await;
    let request = request("cli");
    recorder.write_durable(&Event { id: [1; 16], ..event(&request) }).await.unwrap();
    assert_eq!(ids(env.folder.path()), [id(1)]);
    recorder.close().await;
    assert!(recorder.write_durable(&event(&request)).await.is_err(), "no answer without its record");
}

#[tokio::test]
async fn a_record_after_the_close_is_refused_and_counted() {
    let env = TestEnv::new();
    let recorder = env.recorder().await;
    let request = request("cli");
    recorder.close().await;
    for result in [
        recorder.enqueue(&event(&request)).await,
        recorder.enqueue_required(&event(&request)).await,
        recorder.write_durable(&event(&request)).await,
    ] {
        assert_eq!(result.unwrap_err().code().wire(), "ServiceUnavailable");
    }
    recorder.enqueue_limited(&event(&request));
    assert_eq!(recorder.stats().lost(), 4);
    assert_eq!(ids(env.folder.path()).len(), 0);
}

/// A user without permissions who sends many requests causes a bounded number of records; the rest are counted.
#[tokio::test]
async fn many_refusals_cost_few_records_and_are_counted() {
    let env = TestEnv::new();
    let recorder = env.recorder().await;
    let (request, root, huge) = (request("cli"), root(), named(&"x".repeat(30_000)));
    let denied = bailiwick_model::IamError::new(bailiwick_model::ErrorCode::AccessDenied, "no");
    let call = Event { caller: Some(&root), parameters: &huge, error: Some(&denied), ..event(&request) };
    for _ in 0..1_000 {
        recorder.write_durable(&call).await.unwrap();
    }
    recorder.close().await;
    let lines = lines(env.folder.path());
    let bytes: u64 = segment_files(env.folder.path()).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(bytes < 100_000, "{bytes}");
    let last = lines.last().unwrap();
    assert_eq!(
        (last["eventName"].as_str(), last["userIdentity"]["type"].as_str()),
        (Some("RecordsSuppressed"), Some("Root"))
    );
    let suppressed = last["additionalEventData"]["suppressed"].as_u64().unwrap();
    assert_eq!(lines.len() as u64 - 1 + suppressed, 1_000, "none vanishes");
}

/// While writing fails, reads continue, and lost records are counted.
#[tokio::test]
async fn a_full_disk_does_not_block_reads_and_lost_records_are_counted() {
    let env = TestEnv::new();
    let disk = Failing::from(0);
    let mut ready = env.open(Arc::new(disk.clone())).await;
    let (queue, request) = (Arc::clone(&ready.writer.queue), request("cli"));
    let long = named(&"x".repeat(20_000));
    for number in 0..400u32 {
        let id = u128::from(number).to_be_bytes();
        let _ = queue.put(&Event { id, parameters: &long, ..event(&request) }, None).await;
        if number % 50 == 0 {
            ready.flush(&mut false).await;
        }
    }
    assert!(ready.is_failing && ready.writer.stats.is_failing());
    let (waiter, mut written) = tokio::sync::oneshot::channel();
    let _ = queue.put(&event(&request), Some(waiter)).await;
    ready.flush(&mut false).await;
    assert_ne!(written.try_recv(), Ok(true), "a refusal whose record is not written is not answered");
    assert_eq!(queue.put(&event(&request), None).await, Put::Lost, "what was issued is not answered either");
    disk.recover();
    ready.flush(&mut false).await;
    assert!(!ready.is_failing);
    let lines = lines(env.folder.path());
    let lost = lines.iter().find(|line| line["eventName"] == "RecordsLost").unwrap();
    let lost = lost["additionalEventData"]["suppressed"].as_u64().unwrap();
    assert!(lost > 200, "{lost}");
    assert_eq!(lines.len() as u64 - 1 + lost, 402);
    assert_eq!((ready.writer.stats.lost(), ready.writer.stats.written()), (lost, lines.len() as u64));
}

/// A store that is older than the segments, of another history, or new.
#[tokio::test]
async fn a_store_behind_the_segments_is_found() {
    async fn ship(env: &TestEnv) -> bool {
        let mut ready = env.open(Arc::new(FileSystem)).await;
        while ready.flush(&mut false).await {}
        ready.writer.stats.is_store_behind()
    }
    let env = TestEnv::new();
    env.change(1).await;
    assert!(!ship(&env).await, "new");
    let old = env.tx().await.audit_checkpoint().await.unwrap().unwrap();
    assert!(!ship(&env).await, "the same");
    // Records that were shipped and whose rows still wait, as after a crash.
    env.change(2).await;
    let mut ready = env.open(Arc::new(FileSystem)).await;
    let rows = ready.read_outbox().await.unwrap();
    let mut records: Vec<Record> = rows.iter().flat_map(|(_, row)| Record::decode_row(row).unwrap()).collect();
    records.iter_mut().for_each(|record| record.committed = true);
    ready.append(records, Arc::default()).await.unwrap();
    // A record without a change, such as a refusal, is not in the store.
    let request = request("cli");
    ready.append(vec![only(&Event { id: [3; 16], ..event(&request) })], Arc::default()).await.unwrap();
    drop(ready);
    assert!(!ship(&env).await, "after a crash");
    let put = async |checkpoint: &Checkpoint| {
        let mut tx = env.tx().await;
        tx.put_audit_checkpoint(checkpoint.to_bytes());
        tx.commit().await.unwrap();
    };
    let current = Checkpoint::read(&env.tx().await.audit_checkpoint().await.unwrap().unwrap()).unwrap();
    put(&Checkpoint::read(&old).unwrap()).await;
    assert!(ship(&env).await, "older");
    put(&Checkpoint { hash: "0".repeat(64), ..current.clone() }).await;
    assert!(ship(&env).await, "of another history");
    put(&current).await;
    assert!(!ship(&env).await);
    let other = TestEnv { store: Arc::new(MemoryStore::new()), ..env };
    assert!(ship(&other).await, "a store without a checkpoint");
}

pub(crate) mod digests;
