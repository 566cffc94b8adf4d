use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bailiwick_model::{AccessKeyId, AccountId, ErrorCode, IamError, Partition};
use bailiwick_operation::{Caller, Credential, Principal, Random, RequestInfo};
use bailiwick_storage::{At, MemoryStore, Store, Tx};
use jiff::Timestamp;

use crate::record::UserIdentity;
use crate::row::Row;
use crate::{Event, Record, Recorder, Sender};

struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        buffer.copy_from_slice(&next[8 - buffer.len().min(8)..]);
    }
}

fn request(user_agent: &str) -> Arc<RequestInfo> {
    Arc::new(RequestInfo {
        id: "00000000-0000-4000-8000-000000000007".into(),
        source_ip: Some([192, 0, 2, 1].into()),
        secure_transport: true,
        user_agent: Some(user_agent.into()),
        region: None,
        host: None,
    })
}

fn root() -> Arc<Caller> {
    let credential = Credential::AccessKey(AccessKeyId::parse("AKIAEXAMPLEEXAMPLE00").unwrap());
    let account = AccountId::parse("111122223333").unwrap();
    Arc::new(Caller { principal: Principal::Root { account }, credential, session: None, mfa: None })
}

fn event(request: &Arc<RequestInfo>) -> Event<'_> {
    Event {
        id: [0; 16],
        request_id: 7u128.to_be_bytes(),
        service: "iam",
        operation: "CreateUser",
        read_only: false,
        time: Timestamp::UNIX_EPOCH,
        request,
        caller: None,
        partition: Partition::Aws,
        parameters: &[],
        response: &[],
        error: None,
        suppressed: 0,
    }
}

fn read(row: Row) -> Vec<Record> {
    Record::decode_row(&row.finish().1).unwrap()
}

fn only(event: &Event<'_>) -> Record {
    read(Row::new(event)).remove(0)
}

#[test]
fn a_record_comes_back_with_all_that_was_told() {
    let (request, root) = (request("cli\r\nforged: line"), root());
    let error = IamError::new(ErrorCode::NoSuchEntity, "what is told");
    let full = Event {
        id: [0xff; 16],
        read_only: true,
        time: Timestamp::from_microsecond(-1_700_000_000_000_001).unwrap(),
        caller: Some(&root),
        parameters: b"asked",
        response: b"answered",
        error: Some(&error),
        suppressed: 300,
        ..event(&request)
    };
    let expected = Record {
        event_id: "ffffffff-ffff-4fff-bfff-ffffffffffff".into(),
        event_time: -1_700_000_000_000_001,
        event_source: "iam".into(),
        event_name: "CreateUser".into(),
        request_id: request.id.clone(),
        sender: Sender {
            aws_region: String::new(),
            source_ip_address: "192.0.2.1".into(),
            user_agent: "cli\u{fffd}\u{fffd}forged: line".into(),
            secure_transport: true,
            user_identity: Some(UserIdentity {
                kind: "Root".into(),
                principal_id: "111122223333".into(),
                arn: "arn:aws:iam::111122223333:root".into(),
                account_id: "111122223333".into(),
                access_key_id: "AKIAEXAMPLEEXAMPLE00".into(),
                ..UserIdentity::default()
            }),
        },
        error_code: "NoSuchEntity".into(),
        error_message: "what is told".into(),
        read_only: true,
        request_parameters: "asked".into(),
        response_elements: "answered".into(),
        suppressed: 300,
        truncated: false,
    };
    assert_eq!(only(&full), expected);
    assert_eq!(only(&event(&request)).sender.user_identity, None);
}

#[test]
fn each_record_of_a_row_has_its_own_sender() {
    let (requests, callers): (Vec<_>, Vec<_>) = (0..40).map(|n| (request(&n.to_string()), root())).unzip();
    let order: Vec<usize> = (0..40).flat_map(|n: usize| [n, n, n / 2, n.saturating_sub(1)]).collect();
    let told: Vec<_> = order.iter().map(|n| Event { caller: Some(&callers[*n]), ..event(&requests[*n]) }).collect();
    let mut row = Row::new(&told[0]);
    assert!(told[1..].iter().all(|event| row.push(event)));
    let senders: Vec<usize> = read(row).into_iter().map(|record| record.sender.user_agent.parse().unwrap()).collect();
    assert_eq!(senders, order);
}

#[test]
fn a_sender_is_kept_once_in_a_row() {
    let (request, root) = (request(&"long ".repeat(100)), root());
    let mut row = Row::new(&Event { caller: Some(&root), ..event(&request) });
    for _ in 1..100 {
        assert!(row.push(&Event { caller: Some(&root), ..event(&request) }));
    }
    let records = read(Row::new(&Event { caller: Some(&root), ..event(&request) }));
    let (_, bytes) = row.finish();
    assert!(bytes.len() < 100 * 80 + 1_000, "{}", bytes.len());
    assert!(Record::decode_row(&bytes).unwrap().iter().all(|record| record.sender == records[0].sender));
}

#[test]
fn what_differs_makes_another_sender() {
    let (request, root) = (request("cli"), root());
    let base = Event { caller: Some(&root), ..event(&request) };
    let other = |change: fn(&mut RequestInfo)| {
        let mut other = RequestInfo::clone(&request);
        change(&mut other);
        Arc::new(other)
    };
    let others = [
        other(|request| request.source_ip = Some([192, 0, 2, 2].into())),
        other(|request| request.source_ip = None),
        other(|request| request.secure_transport = false),
        other(|request| request.user_agent = None),
        other(|request| request.region = Some(bailiwick_model::Region::parse("eu-central-1").unwrap())),
    ];
    for request in &others {
        let told = Event { request, ..base };
        let mut row = Row::new(&base);
        assert!(row.push(&told));
        assert_eq!(read(row)[1].sender, only(&told).sender, "{request:?}");
    }
    let mut row = Row::new(&base);
    assert!(row.push(&Event { caller: None, ..base }));
    assert_eq!(read(row)[1].sender.user_identity, None);
}

#[test]
fn a_row_that_is_full_takes_no_more_and_is_whole() {
    let (small, other) = (request("cli"), request("another"));
    let message = vec![b'x'; 10_000];
    let mut row = Row::new(&event(&small));
    let taken = (0..10).take_while(|_| row.push(&Event { parameters: &message, ..event(&other) })).count();
    assert_eq!(taken, 3);
    assert!(row.push(&event(&other)), "what is small still fits");
    let records = read(row);
    assert_eq!(records.len(), 5);
    assert!(records[1..].iter().all(|record| record.sender == only(&event(&other)).sender));
    // A sender whose record did not fit is not one of the row.
    let mut row = Row::new(&Event { parameters: &message, response: &message, ..event(&small) });
    let large = vec![b'x'; 20_000];
    assert!(!row.push(&Event { parameters: &large, ..event(&other) }));
    assert!(row.push(&event(&other)));
    assert_eq!(read(row)[1].sender, only(&event(&other)).sender);
}

#[test]
fn damaged_rows_are_refused() {
    let request = request("cli");
    let (_, row) = Row::new(&event(&request)).finish();
    assert_eq!(row[0], 2);
    let mut without = Row::new(&event(&request));
    assert!(without.push(&event(&request)));
    let (_, two) = without.finish();
    let alone = [&two[..1], &two[row.len()..]].concat();
    for damaged in [&[][..], &[1, 0], &row[..row.len() - 1], &row[..3], &[2, 255, 255, 255, 255], &alone] {
        assert!(Record::decode_row(damaged).is_err(), "{damaged:?}");
    }
}

#[test]
fn failures_tell_what_their_caller_was_told_and_no_more() {
    let request = request("cli");
    let failed = |error: IamError| only(&Event { error: Some(&error), ..event(&request) });
    let ours = failed(IamError::internal("what lies behind"));
    assert!(!format!("{ours:?}").contains("what lies behind"));
    let quoted = failed(IamError::new(ErrorCode::IncompleteSignature, "'a-secret' not a valid key=value pair"));
    assert_eq!((quoted.error_code.as_str(), quoted.error_message.as_str()), ("IncompleteSignature", ""));
}

#[test]
fn clients_cannot_flood_with_length() {
    let request = request(&"x".repeat(100_000));
    let error = IamError::new(ErrorCode::InvalidInput, "x".repeat(100_000));
    let long = vec![0; 32 * 1024 + 1];
    let record = only(&Event { error: Some(&error), parameters: &long, response: b"kept", ..event(&request) });
    assert_eq!((record.error_message.len(), record.sender.user_agent.len()), (1_024, 1_024));
    assert!(record.truncated && record.request_parameters.is_empty());
    assert_eq!(record.response_elements, "kept");
}

async fn stored(store: &Arc<dyn Store>) -> (usize, Vec<Record>) {
    let tx = Tx::begin(Arc::clone(store), Arc::default(), At::Latest).await.unwrap();
    let rows = tx.list_outbox(None, 10_000).await.unwrap();
    (rows.len(), rows.iter().flat_map(|row| Record::decode_row(&row.event).unwrap()).collect())
}

#[tokio::test]
async fn no_record_is_lost_and_those_that_nobody_waits_for_share_rows() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let recorder = Recorder::start(Arc::clone(&store), Arc::new(Counting(0.into())));
    let request = request("cli");
    let (long, short) = (vec![b'x'; 20_000], vec![b'x'; 100]);
    let told: Vec<_> = (0..20_000)
        .map(|i| Event {
            time: Timestamp::from_microsecond(i).unwrap(),
            parameters: if i % 50 == 0 { &long } else { &short },
            ..event(&request)
        })
        .collect();
    for event in &told {
        recorder.soon(event).await;
    }
    recorder.close().await;
    let (rows, records) = stored(&store).await;
    assert_eq!(records, told.iter().map(only).collect::<Vec<_>>());
    assert!(rows < 600, "{rows} rows");
}

#[tokio::test]
async fn who_waits_finds_the_record_written() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let recorder = Recorder::start(Arc::clone(&store), Arc::new(Counting(0.into())));
    let request = request("cli");
    recorder.soon(&event(&request)).await;
    recorder.before_answer(&event(&request)).await.unwrap();
    assert_eq!(stored(&store).await.1, [only(&event(&request)), only(&event(&request))]);
    recorder.close().await;
    assert!(recorder.before_answer(&event(&request)).await.is_err(), "no answer without its record");
}
