use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bailiwick_model::limits::Quotas;
use bailiwick_operation::Deployment;
use bailiwick_testing::{ManualClock, noon};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::*;
use crate::LookUp;
use crate::look_up::tests::{record, segments};
use crate::segments::{Segments, segment_name, segment_starts};

/// A receiver in memory: what it got, and what it does with the next attempts.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Received>>);

#[derive(Default)]
struct Received {
    batches: Vec<Batch>,
    /// What happens at the next attempts; then all succeed.
    plan: VecDeque<Fate>,
    attempts: Vec<tokio::time::Duration>,
    begin: Option<tokio::time::Instant>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// It gets the batch and says so.
    Acknowledged,
    /// It gets nothing.
    Refused,
    /// It gets the batch, and the acknowledgement is lost.
    Unheard,
    /// It never answers.
    Hangs,
    /// It asks for time.
    Later(u64),
}

#[async_trait::async_trait]
impl Deliver for Receiver {
    async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError> {
        let fate = {
            let mut received = self.0.lock().unwrap();
            let begin = *received.begin.get_or_insert_with(tokio::time::Instant::now);
            received.attempts.push(begin.elapsed());
            let fate = received.plan.pop_front().unwrap_or(Fate::Acknowledged);
            if matches!(fate, Fate::Acknowledged | Fate::Unheard) {
                received.batches.push(batch.clone());
            }
            fate
        };
        match fate {
            Fate::Acknowledged => Ok(()),
            Fate::Refused | Fate::Unheard => Err(DeliveryError::new("away")),
            Fate::Hangs => std::future::pending().await,
            Fate::Later(seconds) => {
                Err(DeliveryError { retry_after: Some(Duration::from_secs(seconds)), ..DeliveryError::new("busy") })
            }
        }
    }
}

impl Receiver {
    fn with(plan: &[Fate]) -> Self {
        let receiver = Receiver::default();
        receiver.0.lock().unwrap().plan.extend(plan);
        receiver
    }

    fn names(&self) -> Vec<String> {
        let received = self.0.lock().unwrap();
        received.batches.iter().flat_map(|batch| &batch.messages).map(|message| message.id.clone()).collect()
    }

    fn attempts(&self) -> Vec<u64> {
        self.0.lock().unwrap().attempts.iter().map(|at| at.as_secs()).collect()
    }
}

/// A trail and its writer.
struct Trail {
    folder: TempDir,
    segments: Segments,
    look_up: LookUp,
    written: u128,
}

impl Trail {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let segments = segments(folder.path());
        let look_up = LookUp::new(folder.path().to_owned(), segments.follow_end());
        Trail { folder, segments, look_up, written: 0 }
    }

    /// Writes records, each with a batch of its own.
    fn write(&mut self, count: u128) {
        for _ in 0..count {
            self.written += 1;
            self.segments.append(&[record(self.written, 1_000_000, "111122223333", "ann")]).unwrap();
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn sink(&self, settings: SinkSettings, receiver: &Receiver) -> Sink {
        Sink::open(&self.look_up, &owner(), settings, Box::new(receiver.clone())).unwrap()
    }

    /// Delivers all that is there and stops.
    async fn drain(&self, settings: SinkSettings, receiver: &Receiver) -> Arc<SinkStatus> {
        let sink = self.sink(settings, receiver);
        let status = sink.status();
        sink.run(watch::channel(true).1).await;
        status
    }
}

fn ids(range: std::ops::RangeInclusive<u128>) -> Vec<String> {
    range.map(|id| bailiwick_operation::uuid(id.to_be_bytes())).collect()
}

fn owner() -> Deployment {
    bailiwick_testing::deployment(Arc::new(ManualClock::new(noon())), Quotas::default())
}

fn from_start() -> SinkSettings {
    SinkSettings { start: SinkStart::Start, max_records: 7, ..SinkSettings::named("siem") }
}

fn start(sink: Sink) -> (watch::Sender<bool>, JoinHandle<()>) {
    let (stop, stopping) = watch::channel(false);
    (stop, tokio::spawn(sink.run(stopping)))
}

/// Runs other tasks, without a limit of time, until a condition holds.
async fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_new_sink_begins_where_its_settings_say_and_an_old_one_where_it_stopped() {
    let mut trail = Trail::new();
    trail.write(50);
    let (early, late) = (Receiver::default(), Receiver::default());
    trail.drain(from_start(), &early).await;
    trail.drain(SinkSettings::named("late"), &late).await;
    assert_eq!((early.names(), late.names()), (ids(1..=50), vec![]));
    trail.write(50);
    let status = trail.drain(from_start(), &early).await;
    trail.drain(SinkSettings::named("late"), &late).await;
    assert_eq!((early.names(), late.names()), (ids(1..=100), ids(51..=100)));
    assert!(segment_starts(trail.path()).unwrap().len() > 3);
    assert_eq!((status.delivered(), status.lag(), status.failures(), status.waits_since()), (50, 0, 0, None));
    let files = stored_sinks(trail.path()).unwrap();
    let files: Vec<_> = files.iter().map(|file| (file.sink.as_str(), file.sequence(), &file.failing)).collect();
    assert_eq!(files, [("late", 100, &None), ("siem", 100, &None)]);
    assert_eq!(last_record(trail.path()).unwrap(), 100);
}

#[tokio::test(start_paused = true)]
async fn records_arrive_in_order_while_the_trail_grows() {
    let mut trail = Trail::new();
    let receiver = Receiver::default();
    let (stop, task) = start(trail.sink(from_start(), &receiver));
    for round in 1..20 {
        trail.write(round % 9);
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    until(|| receiver.names().len() as u128 == trail.written).await;
    assert_eq!(receiver.names(), ids(1..=trail.written));
    let batches = receiver.0.lock().unwrap().batches.clone();
    assert!(batches.iter().all(|batch| (1..=7).contains(&batch.messages.len())));
    stop.send(true).unwrap();
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_failing_receiver_loses_nothing_and_gets_the_same_batch_again() {
    let mut trail = Trail::new();
    trail.write(20);
    let receiver =
        Receiver::with(&[Fate::Refused, Fate::Acknowledged, Fate::Unheard, Fate::Hangs, Fate::Refused, Fate::Unheard]);
    let (stop, task) = start(trail.sink(from_start(), &receiver));
    until(|| receiver.names().last() == ids(20..=20).last()).await;
    let batches = receiver.0.lock().unwrap().batches.clone();
    let numbers: Vec<_> = batches.iter().map(|batch| batch.id.rsplit('-').nth(1).unwrap().to_owned()).collect();
    assert_eq!(numbers, ["1", "8", "8", "8", "15"], "repeated only after a failure");
    assert_eq!(batches[1].messages, batches[2].messages);
    assert_eq!(batches[1].id, batches[3].id);
    stop.send(true).unwrap();
    task.await.unwrap();
    assert_eq!(stored_sinks(trail.path()).unwrap()[0].failing, None);
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_to_a_minute_and_respect_the_receiver() {
    let mut trail = Trail::new();
    trail.write(1);
    let mut plan = vec![Fate::Refused; 11];
    plan.extend([Fate::Later(58), Fate::Later(86_400)]);
    let receiver = Receiver::with(&plan);
    let sink = trail.sink(from_start(), &receiver);
    let status = sink.status();
    let (_stop, _task) = start(sink);
    until(|| !receiver.names().is_empty()).await;
    let attempts = receiver.attempts();
    let pauses: Vec<u64> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.iter().all(|pause| *pause <= 61), "{pauses:?}");
    assert!(pauses[..3].iter().all(|pause| *pause <= 3) && pauses[8..].iter().all(|pause| *pause >= 29), "{pauses:?}");
    assert!(pauses[11] >= 57, "{pauses:?}");
    assert_eq!((status.failures(), status.delivered()), (13, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failing_sink_says_so_and_does_not_delay_the_end() {
    let mut trail = Trail::new();
    trail.write(3);
    let receiver = Receiver::with(&[Fate::Refused; 9]);
    let sink = trail.sink(from_start(), &receiver);
    let status = sink.status();
    let (stop, task) = start(sink);
    until(|| status.failures() > 2).await;
    assert_eq!((status.lag(), status.waits_since().map(|time| time.as_second())), (3, Some(1)));
    stop.send(true).unwrap();
    task.await.unwrap();
    let file = stored_sinks(trail.path()).unwrap().remove(0);
    assert_eq!((file.sequence(), file.failing.unwrap().message.as_str()), (0, "away"));
    // The next start delivers.
    receiver.0.lock().unwrap().plan.clear();
    trail.drain(from_start(), &receiver).await;
    assert_eq!(receiver.names(), ids(1..=3));
}

#[tokio::test]
async fn after_a_crash_nothing_is_missing() {
    let mut trail = Trail::new();
    trail.write(30);
    for crash_after in 0..5 {
        let receiver = Receiver::default();
        let name = format!("crash{crash_after}");
        let settings = SinkSettings { name, ..from_start() };
        // The receiver stops acknowledging, and the task is dropped as by `kill -9`.
        let plan = [vec![Fate::Acknowledged; crash_after], vec![Fate::Hangs]].concat();
        receiver.0.lock().unwrap().plan.extend(plan);
        let (_stop, task) = start(trail.sink(settings.clone(), &receiver));
        until(|| receiver.attempts().len() > crash_after).await;
        task.abort();
        trail.drain(settings, &receiver).await;
        assert_eq!(receiver.names(), ids(1..=30), "{crash_after}");
    }
}

#[tokio::test]
async fn removed_and_damaged_records_are_reported_in_their_place() {
    let mut trail = Trail::new();
    trail.write(60);
    let receiver = Receiver::default();
    let sink = trail.sink(from_start(), &receiver);
    let starts = segment_starts(trail.path()).unwrap();
    // A damaged line in the first segment; the second one was removed.
    let first = trail.path().join(segment_name(1));
    let text =
        fs::read_to_string(&first).unwrap().replacen("\"eventID\":\"00000000-0000-4000-8000-000000000003\"", "", 1);
    fs::write(&first, text).unwrap();
    fs::remove_file(trail.path().join(segment_name(starts[1]))).unwrap();
    let status = sink.status();
    sink.run(watch::channel(true).1).await;
    let batches = receiver.0.lock().unwrap().batches.clone();
    let messages: Vec<Message> = batches.into_iter().flat_map(|batch| batch.messages).collect();
    let reported: Vec<(usize, serde_json::Value)> = messages
        .iter()
        .enumerate()
        .filter(|(_, message)| message.name == "RecordsNotDelivered")
        .map(|(at, message)| (at, serde_json::from_str(&message.body).unwrap()))
        .collect();
    let data = |at: usize| &reported[at].1["additionalEventData"];
    assert_eq!(reported.len(), 2);
    assert_eq!((reported[0].0, &data(0)["firstSequence"], &data(0)["lastSequence"]), (2, &3.into(), &3.into()));
    assert_eq!((&data(1)["firstSequence"], &data(1)["lastSequence"]), (&starts[1].into(), &(starts[2] - 1).into()));
    assert_eq!(data(1)["sink"], "siem");
    let removed = starts[2] - starts[1];
    assert_eq!(status.missing(), 1 + removed);
    assert_eq!(messages.len() as u64, 60 - 1 - removed + 2);
}

#[tokio::test]
async fn a_place_of_another_trail_is_not_used() {
    let mut trail = Trail::new();
    trail.write(20);
    let receiver = Receiver::default();
    trail.drain(from_start(), &receiver).await;
    let file = trail.path().join("sinks/siem.json");
    let stored = fs::read_to_string(&file).unwrap();
    let wrong: [&dyn Fn(&str) -> String; 4] = [
        &|stored| stored.replace("\"sequence\":20", "\"sequence\":19"),
        &|stored| stored.replace("\"sequence\":20", "\"sequence\":21"),
        &|stored| stored.replace("\"sha256\":\"", "\"sha256\":\"0"),
        &|_| "{".to_owned(),
    ];
    for change in wrong {
        let changed = change(&stored);
        assert_ne!(changed, stored);
        fs::write(&file, changed).unwrap();
        let again = Receiver::default();
        trail.drain(from_start(), &again).await;
        assert_eq!(again.names(), ids(1..=20));
    }
}

#[tokio::test]
async fn a_place_whose_segment_was_removed_is_of_the_own_deployment_only() {
    let mut trail = Trail::new();
    trail.write(3);
    trail.drain(from_start(), &Receiver::default()).await;
    trail.write(97);
    fs::remove_file(trail.path().join(segment_name(1))).unwrap();
    let rest = ids(u128::from(segment_starts(trail.path()).unwrap()[0])..=100);
    let file = trail.path().join("sinks/siem.json");
    let stored = fs::read_to_string(&file).unwrap();
    let own = Receiver::default();
    trail.drain(from_start(), &own).await;
    assert_eq!(own.names()[1..], rest, "after the report of the others");
    fs::write(&file, stored.replace(&owner().cluster_id, "00000000-0000-4000-8000-00000000ffff")).unwrap();
    let other = Receiver::default();
    trail.drain(from_start(), &other).await;
    assert_eq!(other.names(), rest);
}

#[tokio::test]
async fn the_memory_of_a_batch_is_bounded() {
    let mut trail = Trail::new();
    trail.write(200);
    let receiver = Receiver::default();
    let settings = SinkSettings { max_records: 1_000, max_bytes: 5_000, ..from_start() };
    trail.drain(settings, &receiver).await;
    let batches = receiver.0.lock().unwrap().batches.clone();
    let sizes: Vec<usize> = batches.iter().map(|batch| batch.messages.iter().map(|m| m.body.len()).sum()).collect();
    assert!(sizes.len() > 10 && sizes.iter().all(|size| *size < 6_500), "{sizes:?}");
    assert_eq!(receiver.names(), ids(1..=200));
}
