//! Lines are indexed as they are written.

use std::sync::Arc;

use bailiwick_api::options::Audit;
use tempfile::TempDir;

use super::*;
use crate::Record;
use crate::look_up::live::LiveIndex;
use crate::look_up::tests::{records, segments};
use crate::query::{Attribute, EventLine};
use crate::record::{CallOrigin, UserIdentity};

fn indexes(folder: &TempDir) -> Arc<Indexes> {
    Arc::new(Indexes::new(folder.path().to_owned(), Arc::default()))
}

/// The index of a segment as reading its text makes it.
fn read(folder: &TempDir, first: u64) -> Vec<u8> {
    let mut text = SegmentText::open(folder.path(), first).unwrap();
    let (mut builder, end) = (Builder::new(first), text.len());
    builder.catch_up(&mut text, end).unwrap();
    builder.to_bytes()
}

/// Records whose lines have other members than those of users.
fn other_records() -> Vec<Record> {
    let of = |user_identity: UserIdentity| Record {
        origin: Arc::new(CallOrigin { user_identity: Some(user_identity), ..CallOrigin::default() }),
        event_time: 1,
        ..Record::default()
    };
    let session = UserIdentity {
        kind: "AssumedRole".into(),
        principal_id: "AROAEXAMPLE:\"name\" \\ \u{e9}\n".into(),
        arn: "arn:aws:sts::111122223333:assumed-role/web/name".into(),
        account_id: "111122223333".into(),
        access_key_id: "ASIAEXAMPLE".into(),
        user_name: "web".into(),
        session_issuer_arn: "arn:aws:iam::111122223333:role/web".into(),
        session_creation: 7,
        ..UserIdentity::default()
    };
    let anonymous =
        UserIdentity { kind: "AWSAccount".into(), account_id: "ANONYMOUS_PRINCIPAL".into(), ..UserIdentity::default() };
    let root = UserIdentity { kind: "Root".into(), account_id: "111122223333".into(), ..UserIdentity::default() };
    let provider = UserIdentity { kind: "SAMLUser".into(), user_name: "ann\t".into(), ..UserIdentity::default() };
    let unissued = UserIdentity { session_creation: 0, ..session.clone() };
    let mut records: Vec<_> = [session, anonymous, root, provider, unissued].map(of).into();
    let resource = |arn: &str| Record { resource: arn.into(), event_source: "sts".into(), ..Record::default() };
    records.extend(["*", "", "arn:aws:sts::111122223333:assumed-role/web/name"].map(resource));
    records.push(Record { event_time: i64::MAX, event_id: "not an event".into(), ..Record::default() });
    records.push(Record { category: Audit::Decision, event_source: "bailiwick".into(), ..Record::default() });
    records.push(Record { category: Audit::Data, error_code: "Throttling".into(), ..Record::default() });
    records
}

#[test]
fn a_record_has_the_attributes_of_its_line() {
    for record in records().iter().chain(&other_records()) {
        let mut line = String::new();
        crate::json::line(&mut line, record, 1, "");
        let (parsed, taken) = (EventLine::parse(line.as_bytes()).unwrap(), EventLine::of(record));
        assert_eq!(EventLine::time_of(record), parsed.time(), "{line}");
        assert_eq!(taken.account(), parsed.account(), "{line}");
        for attribute in Attribute::ALL {
            let values = |line: &EventLine<'_>| {
                let mut values = Vec::new();
                line.values(attribute, &mut |value| values.push(value.to_owned()));
                values
            };
            assert_eq!(values(&taken), values(&parsed), "{attribute:?} of {line}");
        }
    }
}

#[test]
fn lines_are_indexed_from_their_records_as_from_their_text() {
    let (folder, records) = (TempDir::new().unwrap(), [records(), other_records(), records()].concat());
    let (mut segments, indexes) = (segments(folder.path()), indexes(&folder));
    segments.show_lines(Box::new(LiveIndex::new(Arc::clone(&indexes))));
    for batch in records.chunks(7) {
        segments.append(batch).unwrap();
    }
    let growing = lock(&indexes.growing);
    assert_eq!(growing.keys().copied().collect::<Vec<_>>(), segment_starts(folder.path()).unwrap());
    assert!(growing.len() > 10);
    for (first, builder) in growing.iter() {
        assert_eq!(lock_builder(builder, *first).to_bytes(), read(&folder, *first), "{first}");
    }
}

/// Lines that cannot be added while a look-up uses the index are read later, and so are those before the start.
#[test]
fn lines_that_were_not_indexed_are_read() {
    let (folder, records) = (TempDir::new().unwrap(), records());
    let (mut segments, indexes) = (segments(folder.path()), indexes(&folder));
    segments.append(&records[..3]).unwrap();
    segments.show_lines(Box::new(LiveIndex::new(Arc::clone(&indexes))));
    let end = segments.append(&records[3..5]).unwrap();
    assert!(lock(&indexes.growing).is_empty());
    indexes.follow(&end).unwrap();
    let builder = Arc::clone(&lock(&indexes.growing)[&1]);
    assert_eq!(lock_builder(&builder, 1).to_bytes(), read(&folder, 1));
    let used = lock_builder(&builder, 1);
    let end = segments.append(&records[5..7]).unwrap();
    drop(used);
    assert_ne!(lock_builder(&builder, 1).to_bytes(), read(&folder, 1));
    indexes.follow(&end).unwrap();
    assert_eq!(lock_builder(&builder, 1).to_bytes(), read(&folder, 1));
    segments.append(&records[7..9]).unwrap();
    assert_eq!(lock_builder(&builder, 1).to_bytes(), read(&folder, 1));
}

/// The writer may begin a segment before the end of the one before it is followed.
#[test]
fn a_segment_that_began_after_the_end_is_not_complete() {
    let (folder, records) = (TempDir::new().unwrap(), records());
    let (mut segments, indexes) = (segments(folder.path()), indexes(&folder));
    segments.show_lines(Box::new(LiveIndex::new(Arc::clone(&indexes))));
    let end = segments.append(&records).unwrap();
    let begun = segments.append(&records[..1]).unwrap();
    assert_eq!((end.first, begun.first), (1, 301));
    indexes.follow(&end).unwrap();
    assert!(!index_path(folder.path(), 301).exists());
    indexes.follow(&begun).unwrap();
    assert!(index_path(folder.path(), 1).exists());
    assert_eq!(lock(&indexes.growing).keys().copied().collect::<Vec<_>>(), [301]);
}
