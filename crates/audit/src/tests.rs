use std::net::IpAddr;
use std::sync::Arc;

use bailiwick_api::options::Audit;
use bailiwick_api::{find_operation, iam};
use bailiwick_model::{
    AccessKeyId, AccountId, ErrorCode, IamError, IdKind, Partition, Path, RoleName, SessionName, UniqueId,
};
use bailiwick_operation::{Caller, Credential, DecidingStatement, DecisionRecord, Principal, RequestInfo};
use bytes::Bytes;
use jiff::Timestamp;
use prost::Message as _;

use crate::record::UserIdentity;
use crate::row::Row;
use crate::{CallOrigin, Event, EventKind, Record, Unroutable};

pub(crate) fn request_from(source: IpAddr) -> Arc<RequestInfo> {
    Arc::new(RequestInfo { source_ip: Some(source), ..RequestInfo::clone(&request("cli")) })
}

pub(crate) fn request(user_agent: &str) -> Arc<RequestInfo> {
    Arc::new(RequestInfo {
        id: "00000000-0000-4000-8000-000000000007".into(),
        source_ip: Some([192, 0, 2, 1].into()),
        secure_transport: true,
        user_agent: Some(user_agent.into()),
        region: None,
    })
}

pub(crate) fn root() -> Arc<Caller> {
    let credential = Credential::AccessKey(AccessKeyId::parse("AKIAEXAMPLEEXAMPLE00").unwrap());
    let account = AccountId::parse("111122223333").unwrap();
    Arc::new(Caller { principal: Principal::Root { account }, credential, session: None, mfa: None })
}

fn push(row: &mut Row, event: &Event<'_>) -> bool {
    row.push(event, &event.messages())
}

/// A session of one of many roles.
pub(crate) fn session(role: usize, name: &str) -> Arc<Caller> {
    let root = root();
    let principal = Principal::RoleSession {
        account: root.principal.account(),
        id: UniqueId::new(IdKind::Role, std::array::from_fn(|at| (role >> (5 * at.min(11)) & 31) as u8)),
        name: RoleName::parse("worker").unwrap(),
        path: Path::parse("/").unwrap(),
        session_name: SessionName::parse(name).unwrap(),
    };
    Arc::new(Caller { principal, ..(*root).clone() })
}

pub(crate) fn event(request: &Arc<RequestInfo>) -> Event<'_> {
    Event {
        id: [0; 16],
        request_id: 7u128.to_be_bytes(),
        kind: EventKind::Operation(find_operation("CreateUser").unwrap()),
        time: Timestamp::UNIX_EPOCH,
        request,
        caller: None,
        unsigned: None,
        partition: Partition::Aws,
        resource: None,
        parameters: &[],
        response: &[],
        changes_nothing: false,
        error: None,
        decision: None,
        authorization: None,
        documents: &[],
        suppressed: 0,
    }
}

/// The decision of a call by a statement of a managed policy.
pub(crate) fn decided() -> DecisionRecord {
    DecisionRecord {
        outcome: "ALLOW".into(),
        step: "IDENTITY_POLICY".into(),
        action: "iam:CreateUser".into(),
        resource: String::new(),
        policy_type: "IDENTITY_BASED_POLICY".into(),
        principal: String::new(),
        statement: Some(DecidingStatement {
            policy: "arn:aws:iam::111122223333:policy/Users".into(),
            attached_to: "arn:aws:iam::111122223333:group/Staff".into(),
            version: "v3".into(),
            sid: "Create".into(),
            index: 2,
        }),
        ..DecisionRecord::default()
    }
}

/// CreateUser's request for a name.
pub(crate) fn named(name: &str) -> Vec<u8> {
    iam::CreateUserRequest { user_name: Some(name.into()), ..Default::default() }.encode_to_vec()
}

fn read(row: Row) -> Vec<Record> {
    Record::decode_row(&row.finish().1).unwrap()
}

pub(crate) fn only(event: &Event<'_>) -> Record {
    read(Row::new(event)).remove(0)
}

#[test]
fn a_decoded_record_has_all_fields_of_the_event() {
    let (request, root) = (request("cli\r\nforged: line"), root());
    let error = IamError::new(ErrorCode::NoSuchEntity, "what the caller sees");
    let (asked, answered) = (named("asked"), iam::CreateUserResponse::default().encode_to_vec());
    let decided = decided();
    let full = Event {
        id: [0xff; 16],
        resource: Some("arn:aws:iam::111122223333:user/asked"),
        time: Timestamp::from_microsecond(-1_700_000_000_000_001).unwrap(),
        caller: Some(&root),
        parameters: &asked,
        response: &answered,
        error: Some(&error),
        suppressed: 300,
        decision: Some(&decided),
        authorization: Some("{\"a\":\"\u{2028}\"}"),
        ..event(&request)
    };
    let expected = Record {
        event_id: "ffffffff-ffff-4fff-bfff-ffffffffffff".into(),
        event_time: -1_700_000_000_000_001,
        event_source: "iam".into(),
        event_name: "CreateUser".into(),
        request_id: request.id.clone(),
        origin: Arc::new(CallOrigin {
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
        }),
        error_code: "NoSuchEntity".into(),
        error_message: "what the caller sees".into(),
        read_only: false,
        committed: false,
        request_parameters: asked.clone().into(),
        response_elements: Bytes::new(),
        suppressed: 300,
        truncated: false,
        category: Audit::Management,
        resource: "arn:aws:iam::111122223333:user/asked".into(),
        route: String::new(),
        decision: Some(decided.clone()),
        authorization: r#"{"a":"\u2028"}"#.into(),
    };
    assert_eq!(only(&full), expected);
    assert_eq!(only(&event(&request)).origin.user_identity, None);
}

#[test]
fn each_record_of_a_row_has_its_origin() {
    let (requests, callers): (Vec<_>, Vec<_>) = (0..40).map(|n| (request(&n.to_string()), root())).unzip();
    let order: Vec<usize> = (0..40).flat_map(|n: usize| [n, n, n / 2, n.saturating_sub(1)]).collect();
    let events: Vec<_> = order.iter().map(|n| Event { caller: Some(&callers[*n]), ..event(&requests[*n]) }).collect();
    let mut row = Row::new(&events[0]);
    assert!(events[1..].iter().all(|event| push(&mut row, event)));
    let origins: Vec<usize> = read(row).into_iter().map(|record| record.origin.user_agent.parse().unwrap()).collect();
    assert_eq!(origins, order);
}

#[test]
fn a_row_contains_each_origin_once() {
    let (request, root) = (request(&"long ".repeat(100)), root());
    let mut row = Row::new(&Event { caller: Some(&root), ..event(&request) });
    for _ in 1..100 {
        assert!(push(&mut row, &Event { caller: Some(&root), ..event(&request) }));
    }
    let records = read(Row::new(&Event { caller: Some(&root), ..event(&request) }));
    let (_, bytes) = row.finish();
    assert!(bytes.len() < 100 * 80 + 1_000, "{}", bytes.len());
    assert!(Record::decode_row(&bytes).unwrap().iter().all(|record| record.origin == records[0].origin));
}

#[test]
fn each_difference_makes_another_origin() {
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
        let event = Event { request, ..base };
        let mut row = Row::new(&base);
        assert!(push(&mut row, &event));
        assert_eq!(read(row)[1].origin, only(&event).origin, "{request:?}");
    }
    let mut row = Row::new(&base);
    assert!(push(&mut row, &Event { caller: None, ..base }));
    assert_eq!(read(row)[1].origin.user_identity, None);
}

#[test]
fn a_full_row_takes_no_more_records() {
    let (small, other) = (request("cli"), request("another"));
    let message = named(&"x".repeat(10_000));
    let mut row = Row::new(&event(&small));
    let taken = (0..10).take_while(|_| push(&mut row, &Event { parameters: &message, ..event(&other) })).count();
    assert_eq!(taken, 3);
    assert!(push(&mut row, &event(&other)), "what is small still fits");
    let records = read(row);
    assert_eq!(records.len(), 5);
    assert!(records[1..].iter().all(|record| record.origin == only(&event(&other)).origin));
    // The origin of a record that did not fit is not part of the row.
    let mut row = Row::new(&Event { parameters: &message, ..event(&small) });
    assert!(push(&mut row, &Event { parameters: &message, ..event(&small) }));
    let large = named(&"x".repeat(20_000));
    assert!(!push(&mut row, &Event { parameters: &large, ..event(&other) }));
    assert!(push(&mut row, &event(&other)));
    assert_eq!(row.count(), 3);
    assert_eq!(read(row)[2].origin, only(&event(&other)).origin);
}

#[test]
fn damaged_rows_are_refused() {
    let request = request("cli");
    let (_, row) = Row::new(&event(&request)).finish();
    assert_eq!(row[0], 2);
    let mut without = Row::new(&event(&request));
    assert!(push(&mut without, &event(&request)));
    let (_, two) = without.finish();
    let alone = [&two[..1], &two[row.len()..]].concat();
    for damaged in [&[][..], &[1, 0], &row[..row.len() - 1], &row[..3], &[2, 255, 255, 255, 255], &alone] {
        assert!(Record::decode_row(damaged).is_err(), "{damaged:?}");
    }
}

#[test]
fn a_failure_record_contains_only_what_its_caller_received() {
    let request = request("cli");
    let failed = |error: IamError| only(&Event { error: Some(&error), ..event(&request) });
    let ours = failed(IamError::internal("what lies behind"));
    assert!(!format!("{ours:?}").contains("what lies behind"));
    let record = failed(IamError::new(ErrorCode::NoSuchEntity, "no 9Rk2cFqLw+7YbN0tXhUe/3vGzSdA5mJpQ8oKiH1B here"));
    assert_eq!((record.error_code.as_str(), record.error_message.as_str()), ("NoSuchEntity", "no [masked] here"));
}

#[test]
fn a_request_without_operation_is_recorded_by_its_route() {
    let request = request("cli 9Rk2cFqLw+7YbN0tXhUe/3vGzSdA5mJpQ8oKiH1B");
    let kind =
        EventKind::Unroutable(Unroutable { method: "POST", path: "/x/9Rk2cFqLw+7YbN0tXhUe/3vGzSdA5mJpQ8oKiH1B" });
    let record = only(&Event { kind, ..event(&request) });
    assert_eq!((record.event_name.as_str(), record.route.as_str()), ("UnroutableRequest", "POST /x/[masked]"));
    assert_eq!(record.origin.user_agent, "cli [masked]");
}

#[test]
fn long_texts_of_clients_are_shortened() {
    let request = request(&"x".repeat(100_000));
    let error = IamError::new(ErrorCode::InvalidInput, "x".repeat(100_000));
    let long = named(&"x".repeat(100_000));
    let done = only(&Event { parameters: &long, ..event(&request) });
    assert!(done.truncated && (1_000..=32 * 1024).contains(&done.request_parameters.len()));
    let refused = only(&Event { error: Some(&error), parameters: &long, ..event(&request) });
    assert_eq!((refused.error_message.len(), refused.origin.user_agent.len()), (1_024, 1_024));
    assert!(refused.truncated && (1_000..=2 * 1024).contains(&refused.request_parameters.len()));
    let kept = iam::CreateUserRequest::decode(refused.request_parameters).unwrap();
    assert!(kept.user_name.unwrap().ends_with("x…[cut]"));
    let idle = only(&Event { changes_nothing: true, parameters: &long, ..event(&request) });
    assert!(idle.truncated && idle.request_parameters.len() <= 2 * 1024);
    let listed = vec!["x".repeat(1_000); 100];
    let asked = iam::SimulateCustomPolicyRequest { policy_input_list: listed, ..Default::default() }.encode_to_vec();
    let kind = EventKind::Operation(find_operation("SimulateCustomPolicy").unwrap());
    let read = only(&Event { kind, parameters: &asked, ..event(&request) });
    assert!(read.truncated && read.request_parameters.len() <= 2 * 1024, "a read");
}

/// The texts of a decision that callers and authors of policies choose are limited and masked like all others.
#[test]
fn the_texts_of_a_decision_are_bounded() {
    let request = request("cli");
    let long = "x".repeat(5_000);
    let statement = DecidingStatement { sid: long.clone(), ..decided().statement.unwrap() };
    let decision = DecisionRecord { resource: format!("\n{long}"), statement: Some(statement), ..decided() };
    let read = only(&Event { decision: Some(&decision), ..event(&request) }).decision.unwrap();
    assert_eq!((read.resource.len(), read.statement.unwrap().sid.len()), (1_024, 1_024));
    assert!(read.resource.starts_with("\u{fffd}x"));
}

/// A row that version 0.1 wrote, without decisions and details.
#[test]
fn rows_of_earlier_versions_are_read() {
    let row = data_encoding::HEXLOWER.decode(EARLIER.as_bytes()).unwrap();
    let records = Record::decode_row(&row).unwrap();
    assert_eq!((records.len(), &records[0].event_name[..]), (1, "CreateUser"));
    assert_eq!((records[0].decision.as_ref(), &*records[0].authorization), (None, ""));
}

const EARLIER: &str = "02000000ae0a10000000000000000000000000000000001a0369616d220a437265617465557365722a100000000000000000\
    0000000000000007326c12093139322e302e322e311a03636c6920012a580a04526f6f74120c313131313232323233333333\
    1a1e61726e3a6177733a69616d3a3a3131313132323232333333333a726f6f74220c3131313132323232333333332a14414b\
    49414558414d504c454558414d504c4530305a07120561736b65647801";
