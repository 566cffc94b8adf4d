use std::collections::BTreeSet;
use std::path::Path;

use bailiwick_api::options::Audit;
use tempfile::TempDir;

use super::*;
use crate::Record;
use crate::disk::FileSystem;
use crate::query::{Position, PositionError};
use crate::record::{CallOrigin, UserIdentity};
use crate::segments::{Segments, segment_starts};

mod unreadable;

const OURS: &str = "111122223333";
const OTHER: &str = "444455556666";

fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

/// An event of a user of an account, or of an unknown caller.
pub(crate) fn record(id: u128, time: i64, account: &str, name: &str) -> Record {
    let identity = UserIdentity {
        kind: "IAMUser".into(),
        arn: format!("arn:aws:iam::{account}:user/{name}"),
        account_id: account.into(),
        access_key_id: format!("AKIA{name}"),
        user_name: name.into(),
        ..UserIdentity::default()
    };
    Record {
        event_id: bailiwick_operation::uuid(id.to_be_bytes()),
        event_time: time,
        event_source: "iam".into(),
        event_name: if id.is_multiple_of(3) { "GetUser".into() } else { "CreateUser".into() },
        origin: Arc::new(CallOrigin {
            source_ip_address: format!("192.0.2.{}", id % 5),
            user_identity: (!account.is_empty()).then_some(identity),
            ..CallOrigin::default()
        }),
        error_code: if id.is_multiple_of(7) { "AccessDenied".into() } else { String::new() },
        read_only: id.is_multiple_of(3),
        category: Audit::Management,
        resource: format!("arn:aws:iam::{account}:user/dir/r{}", id % 11),
        ..Record::default()
    }
}

/// Events of two accounts and of none, some written late, over several segments.
pub(crate) fn records() -> Vec<Record> {
    let accounts = [OURS, OURS, OTHER, OURS, ""];
    (0..300u128)
        .map(|id| {
            let late = if id.is_multiple_of(10) { 25 } else { 0 };
            let time = 1_000_000 * (i64::try_from(id).unwrap() / 2 - late);
            record(
                id,
                time,
                accounts[usize::try_from(id % 5).unwrap()],
                ["ann", "bob"][usize::from(id.is_multiple_of(2))],
            )
        })
        .collect()
}

pub(crate) fn segments(folder: &Path) -> Segments {
    Segments::open(folder, Arc::new(FileSystem), 10_000, None).unwrap()
}

/// Makes the index of each segment, as the task does.
fn make_indexes(look_up: &LookUp) {
    let (inner, end) = (&look_up.0, look_up.0.end.borrow().clone());
    inner.indexes.follow(&end).unwrap();
    inner.indexes.missing(&end).unwrap().into_iter().for_each(|first| inner.indexes.write(first).unwrap());
    assert_eq!(inner.indexes.missing(&end).unwrap(), [0; 0]);
}

/// The same events, with and without indexes.
pub(crate) fn both() -> impl Iterator<Item = (TempDir, (Segments, LookUp, Vec<Record>))> {
    [false, true].into_iter().map(|is_indexed| {
        let folder = TempDir::new().unwrap();
        let all = written(&folder);
        if is_indexed {
            make_indexes(&all.1);
        }
        (folder, all)
    })
}

pub(crate) fn written(folder: &TempDir) -> (Segments, LookUp, Vec<Record>) {
    let mut segments = segments(folder.path());
    let records = records();
    for batch in records.chunks(7) {
        segments.append(batch).unwrap();
    }
    let look_up = LookUp::new(folder.path().to_owned(), segments.follow_end());
    (segments, look_up, records)
}

/// The ids of all pages.
async fn pages(look_up: &LookUp, query: &Query) -> Vec<String> {
    let (mut ids, mut query) = (Vec::new(), query.clone());
    loop {
        let page = look_up.page("caller", &query).await.unwrap();
        assert!(page.events.len() <= query.limit);
        ids.extend(page.events.iter().map(|event| event.values(Attribute::EventId).remove(0)));
        query.after = page.next;
        if page.next.is_none() {
            return ids;
        }
    }
}

/// The ids of the records that a predicate finds, newest first.
fn expected(records: &[Record], is_wanted: impl Fn(&Record) -> bool) -> Vec<String> {
    let mut found: Vec<_> = records.iter().enumerate().filter(|(_, record)| is_wanted(record)).collect();
    found.sort_by_key(|(at, record)| std::cmp::Reverse((record.event_time, *at)));
    found.into_iter().map(|(_, record)| record.event_id.clone()).collect()
}

fn account_of(record: &Record) -> &str {
    record.origin.user_identity.as_ref().map_or("", |identity| &identity.account_id)
}

fn user_of(record: &Record) -> &str {
    record.origin.user_identity.as_ref().map_or("", |identity| &identity.user_name)
}

#[tokio::test]
async fn pages_are_complete_and_newest_first() {
    for (folder, (_segments, look_up, records)) in both() {
        assert!(segment_starts(folder.path()).unwrap().len() > 5);
        for limit in [13, 50, 1_000] {
            let query = Query { limit, ..Query::default() };
            assert_eq!(pages(&look_up, &query).await, expected(&records, |_| true), "{limit}");
            let query = Query { account: Some(account(OURS)), ..query };
            assert_eq!(pages(&look_up, &query).await, expected(&records, |r| account_of(r) == OURS));
            let query = Query { without_account: true, ..query };
            assert_eq!(pages(&look_up, &query).await, expected(&records, |r| account_of(r) != OTHER));
        }
    }
}

#[tokio::test]
async fn each_filter_finds_its_events() {
    for (_folder, (_segments, look_up, records)) in both() {
        type IsWanted = fn(&Record) -> bool;
        let cases: &[(&[(Attribute, &str)], IsWanted)] = &[
            (&[(Attribute::EventId, "00000000-0000-4000-8000-000000000007")], |r| r.event_id.ends_with("000007")),
            (&[(Attribute::EventId, "00000000000040008000000000000007")], |r| r.event_id.ends_with("000007")),
            (&[(Attribute::EventName, "GetUser")], |r| r.event_name == "GetUser"),
            (&[(Attribute::EventName, "getuser")], |_| false),
            (&[(Attribute::EventSource, "iam.amazonaws.com")], |_| true),
            (&[(Attribute::Username, "ann")], |r| user_of(r) == "ann"),
            (&[(Attribute::AccessKeyId, "AKIAbob")], |r| user_of(r) == "bob"),
            (&[(Attribute::ResourceName, "r3")], |r| r.resource.ends_with("/r3")),
            (&[(Attribute::ResourceName, "arn:aws:iam::111122223333:user/dir/r3")], |r| {
                r.resource == "arn:aws:iam::111122223333:user/dir/r3"
            }),
            (&[(Attribute::ResourceType, "AWS::IAM::User")], |_| true),
            (&[(Attribute::ResourceType, "AWS::IAM::Role")], |_| false),
            (&[(Attribute::ReadOnly, "true")], |r| r.read_only),
            (&[(Attribute::ErrorCode, "AccessDenied")], |r| !r.error_code.is_empty()),
            (&[(Attribute::PrincipalArn, "arn:aws:iam::111122223333:user/bob")], |r| {
                user_of(r) == "bob" && account_of(r) == OURS
            }),
            (&[(Attribute::SourceIpAddress, "192.0.2.3")], |r| r.origin.source_ip_address == "192.0.2.3"),
            (&[(Attribute::EventCategory, "Management")], |_| true),
            (&[(Attribute::EventCategory, "")], |_| false),
            (
                &[(Attribute::ReadOnly, "true"), (Attribute::Username, "ann"), (Attribute::ErrorCode, "AccessDenied")],
                |r| r.read_only && user_of(r) == "ann" && !r.error_code.is_empty(),
            ),
            (&[(Attribute::Username, "ann"), (Attribute::Username, "bob")], |_| false),
            (&[(Attribute::Username, "\"}{\u{0}")], |_| false),
        ];
        for (filters, is_wanted) in cases {
            let filters = filters.iter().map(|(attribute, value)| (*attribute, (*value).to_owned())).collect();
            let query = Query { filters, limit: 40, ..Query::default() };
            assert_eq!(pages(&look_up, &query).await, expected(&records, is_wanted), "{query:?}");
            let query = Query { account: Some(account(OURS)), ..query };
            let ours = expected(&records, |r| is_wanted(r) && account_of(r) == OURS);
            assert_eq!(pages(&look_up, &query).await, ours, "{query:?}");
        }
    }
}

#[tokio::test]
async fn waits_end_when_the_server_stops() {
    let folder = TempDir::new().unwrap();
    let (_writer, end) = watch::channel(Checkpoint::default());
    let look_up = LookUp::new(folder.path().into(), end);
    let wait = || {
        let look_up = look_up.clone();
        async move { look_up.wait("caller", &Query::default(), 0, std::time::Duration::from_secs(3_600)).await }
    };
    let waiting = tokio::spawn(wait());
    tokio::task::yield_now().await;
    look_up.stop_waiting();
    waiting.await.unwrap().unwrap();
    wait().await.unwrap();
}

#[tokio::test]
async fn times_are_inclusive() {
    for (_folder, (_segments, look_up, records)) in both() {
        for (from, to) in [(10, 20), (-30, 5), (149, 149), (200, 300), (20, 10)] {
            let second = |second| Some(jiff::Timestamp::from_second(second).unwrap());
            let query = Query { from: second(from), to: second(to), limit: 4, ..Query::default() };
            let (from, to) = (from * 1_000_000, to * 1_000_000);
            let wanted = expected(&records, |r| from <= r.event_time && r.event_time <= to);
            assert_eq!(pages(&look_up, &query).await, wanted);
        }
    }
}

#[tokio::test]
async fn an_event_is_found_by_its_id_in_its_account_only() {
    for (_folder, (_segments, look_up, records)) in both() {
        let id = records[1].event_id.replace('-', "");
        for (of, is_found) in [(Some(OURS), true), (Some(OTHER), false), (None, true)] {
            let found = look_up.event("caller", of.map(account), &id).await.unwrap();
            assert_eq!(found.is_some(), is_found, "{of:?}");
        }
    }
}

/// Pages go on behind their marker, whatever is written in the meantime.
#[tokio::test]
async fn pages_have_no_duplicates_while_writing_goes_on() {
    for (_folder, (mut segments, look_up, records)) in both() {
        let mut query = Query { limit: 10, ..Query::default() };
        let mut seen = BTreeSet::new();
        for id in 1_000.. {
            let page = look_up.page("caller", &query).await.unwrap();
            assert!(page.events.iter().all(|event| seen.insert(event.values(Attribute::EventId).remove(0))));
            segments.append(&[record(id, 1_000_000_000, OURS, "ann")]).unwrap();
            query.after = page.next;
            if page.next.is_none() {
                break;
            }
        }
        assert!(records.iter().all(|record| seen.contains(&record.event_id)));
    }
}

/// Look-ups were served in the order of arrival, so that those of one principal delayed everyone's.
#[tokio::test]
async fn principals_take_turns() {
    let folder = TempDir::new().unwrap();
    let (_segments, look_up, _) = written(&folder);
    let mut begun = Vec::new();
    for _ in 0..TURNS.at_once_of_one {
        begun.push(look_up.turn("flood").await.unwrap());
    }
    let flood: Vec<_> = (0..50)
        .map(|_| {
            let look_up = look_up.clone();
            tokio::spawn(async move { look_up.page("flood", &Query::default()).await })
        })
        .collect();
    tokio::task::yield_now().await;
    let page = look_up.page("other", &Query { limit: 1, ..Query::default() }).await.unwrap();
    assert_eq!(page.events.len(), 1, "half of the places are for others");
    assert!(flood.iter().all(|call| !call.is_finished()));
    drop(begun);
    for call in flood {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn too_many_waiting_look_ups_are_refused() {
    let folder = TempDir::new().unwrap();
    let (_segments, look_up, _) = written(&folder);
    let mut begun = Vec::new();
    for _ in 0..TURNS.at_once_of_one {
        begun.push(look_up.turn("flood").await.unwrap());
    }
    let waiting: Vec<_> = (0..TURNS.waiting_of_one)
        .map(|_| {
            let look_up = look_up.clone();
            tokio::spawn(async move { look_up.page("flood", &Query::default()).await })
        })
        .collect();
    tokio::task::yield_now().await;
    let refused = look_up.page("flood", &Query::default()).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Throttling);
    waiting.into_iter().for_each(|call| call.abort());
}

/// What was not reported as durable may be cut off again.
#[tokio::test]
async fn only_durable_lines_are_found() {
    let folder = TempDir::new().unwrap();
    let mut segments = segments(folder.path());
    segments.append(&[record(1, 1, OURS, "ann")]).unwrap();
    let look_up = LookUp::new(folder.path().to_owned(), segments.follow_end());
    let first = folder.path().join("audit-00000000000000000001.jsonl");
    let whole = std::fs::read(&first).unwrap();
    std::fs::write(&first, [&whole[..], &whole[..]].concat()).unwrap();
    std::fs::write(folder.path().join("audit-00000000000000000002.jsonl"), &whole).unwrap();
    let query = Query { limit: 9, ..Query::default() };
    assert_eq!(pages(&look_up, &query).await.len(), 1);
}

#[tokio::test]
async fn damaged_lines_are_skipped() {
    let folder = TempDir::new().unwrap();
    let (segments, _, records) = written(&folder);
    let first = folder.path().join("audit-00000000000000000001.jsonl");
    let mut text = std::fs::read(&first).unwrap();
    text[..5].copy_from_slice(b"\xff\xff{{{");
    text.extend_from_slice(&vec![b'x'; 3_000_000]);
    text.extend_from_slice(b"\n\n[]\n");
    std::fs::write(&first, text).unwrap();
    let look_up = LookUp::new(folder.path().to_owned(), segments.follow_end());
    let query = Query { limit: 50, ..Query::default() };
    assert_eq!(pages(&look_up, &query).await, expected(&records, |r| r.event_id != records[0].event_id));
}

#[test]
fn positions_are_read_as_they_are_written() {
    for (time, sequence) in [(0, 0), (-5, 7), (i64::MAX, u64::MAX), (i64::MIN, 1)] {
        let position = Position { time, sequence };
        assert_eq!(position.to_string().parse(), Ok(position));
    }
    for text in ["", "/", "1", "1/", "/1", "1/-1", "1/2/3", "x/1"] {
        assert_eq!(text.parse::<Position>(), Err(PositionError), "{text}");
    }
}

/// A damaged index is built again, and the page is complete nevertheless.
#[tokio::test]
async fn a_damaged_index_costs_time_only() {
    let (folder, (_segments, look_up, records)) = both().nth(1).unwrap();
    let query = Query { account: Some(account(OURS)), limit: 50, ..Query::default() };
    let ours = expected(&records, |r| account_of(r) == OURS);
    for first in segment_starts(folder.path()).unwrap() {
        let path = crate::index::index_path(folder.path(), first);
        let Ok(mut bytes) = std::fs::read(&path) else { continue };
        // The body, since the header is in memory.
        bytes[200..].fill(1);
        std::fs::write(&path, bytes).unwrap();
    }
    assert_eq!(pages(&look_up, &query).await, ours);
    make_indexes(&look_up);
    assert_eq!(pages(&look_up, &query).await, ours);
}

/// An index that was made for other lines does not show an account's events to another.
#[tokio::test]
async fn the_line_itself_says_whose_it_is() {
    let (folder, (_segments, look_up, records)) = both().nth(1).unwrap();
    for first in segment_starts(folder.path()).unwrap() {
        let path = folder.path().join(format!("audit-{first:020}.jsonl"));
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace(OURS, "999999999999")).unwrap();
    }
    let query = Query { account: Some(account(OURS)), limit: 7, ..Query::default() };
    assert_eq!(pages(&look_up, &query).await, [""; 0]);
    // All others are found, though the index says otherwise.
    let query = Query { limit: 7, ..Query::default() };
    assert_eq!(pages(&look_up, &query).await.len(), records.len());
}

/// The task follows the writer: complete segments have their index as a file, which is read after a restart.
#[tokio::test]
async fn the_task_makes_the_indexes_of_complete_segments() {
    let folder = TempDir::new().unwrap();
    let (segments, look_up, records) = written(&folder);
    let complete = segment_starts(folder.path()).unwrap().len() - 1;
    let task = tokio::spawn(look_up.clone().keep_indexes());
    drop(segments);
    task.await.unwrap();
    // It ended with the writer, before it had built all.
    make_indexes(&look_up);
    let is_index = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().path().extension().unwrap() == "index";
    let made = std::fs::read_dir(folder.path()).unwrap().map(is_index).filter(|is| *is).count();
    assert_eq!(made, complete);
    let again = self::segments(folder.path());
    let look_up = LookUp::new(folder.path().to_owned(), again.follow_end());
    let end = look_up.0.end.borrow().clone();
    assert_eq!(look_up.0.indexes.missing(&end).unwrap(), [0; 0]);
    let query = Query { limit: 50, ..Query::default() };
    assert_eq!(pages(&look_up, &query).await, expected(&records, |_| true));
}
