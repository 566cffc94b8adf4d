use super::*;
use crate::tests::{event, request_from, root, session};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn source(n: u32) -> Arc<RequestInfo> {
    request_from(IpAddr::V4(n.into()))
}

/// The number of records for some failures at one time.
fn records(limit: &mut RecordRateLimit, failures: u64, event: &Event<'_>) -> u64 {
    (0..failures).filter(|_| limit.admit(event).is_some()).count() as u64
}

#[test]
fn suppressed_calls_are_counted_in_the_next_record() {
    let (mut limit, first, second) = (RecordRateLimit::default(), source(1), source(2));
    assert_eq!(records(&mut limit, 100, &Event { time: at(6000), ..event(&first) }), MAX_RECORDS);
    assert_eq!(limit.admit(&Event { time: at(6000), ..event(&second) }), Some(0), "another source is not affected");
    assert_eq!(limit.admit(&Event { time: at(6000 + WINDOW_SECONDS), ..event(&first) }), Some(100 - MAX_RECORDS));
    assert_eq!(limit.admit(&Event { time: at(6000 + WINDOW_SECONDS), ..event(&first) }), Some(0));
    assert!(limit.unreported(at(6000 + 2 * WINDOW_SECONDS)).is_empty(), "nothing is reported twice");
}

#[test]
fn suppressed_calls_without_a_next_record_get_one() {
    let (mut limit, from, root) = (RecordRateLimit::default(), source(1), root());
    let denied = Event { time: at(6000), caller: Some(&root), ..event(&from) };
    assert_eq!(records(&mut limit, 100, &denied), MAX_RECORDS);
    assert!(limit.unreported(at(6000)).is_empty(), "not before its window is over");
    let reported = limit.unreported(at(6000 + WINDOW_SECONDS));
    assert_eq!(
        reported.iter().map(|one| (one.suppressed, one.caller.is_some())).collect::<Vec<_>>(),
        [(100 - MAX_RECORDS, true)]
    );
    assert_eq!(records(&mut limit, 100, &Event { time: at(6000 + WINDOW_SECONDS), ..denied }), MAX_RECORDS);
    assert_eq!(limit.drain().len(), 1);
    assert!(limit.drain().is_empty() && limit.counts.is_empty());
}

#[test]
fn callers_and_sources_are_counted_separately() {
    let (mut limit, from, root) = (RecordRateLimit::default(), source(1), root());
    assert_eq!(records(&mut limit, 100, &event(&from)), MAX_RECORDS);
    assert_eq!(records(&mut limit, 100, &Event { caller: Some(&root), ..event(&from) }), MAX_RECORDS);
    let elsewhere = source(2);
    assert_eq!(records(&mut limit, 100, &Event { caller: Some(&root), ..event(&elsewhere) }), 0, "the same caller");
    let denied = bailiwick_model::IamError::new(bailiwick_model::ErrorCode::AccessDenied, "no");
    let failed = Event { caller: Some(&root), error: Some(&denied), ..event(&from) };
    assert_eq!(records(&mut limit, 100, &failed), MAX_RECORDS, "what succeeds hides no failure");
}

#[test]
fn all_sessions_of_a_role_are_one_caller() {
    let (mut limit, from) = (RecordRateLimit::default(), source(1));
    let denied = |limit: &mut RecordRateLimit, role, name: &str| {
        records(limit, 5, &Event { time: at(6000), caller: Some(&session(role, name)), ..event(&from) })
    };
    let written: u64 = (0..30).map(|n| denied(&mut limit, 1, &format!("session-{n}"))).sum();
    assert_eq!(written, MAX_RECORDS);
    assert_eq!(denied(&mut limit, 2, "session-0"), 5, "another role's session of that name");
}

#[test]
fn counts_of_many_callers_are_evicted_and_reported() {
    let (mut limit, from) = (RecordRateLimit::default(), source(1));
    let denied = |limit: &mut RecordRateLimit, n: usize, time| {
        limit.admit(&Event { time, caller: Some(&session(n, "one")), ..event(&from) })
    };
    for n in 0..MAX_KEYS {
        let admitted = (0..=MAX_RECORDS).filter(|_| denied(&mut limit, n, at(6000)).is_some()).count() as u64;
        assert_eq!(admitted, MAX_RECORDS);
    }
    assert_eq!(denied(&mut limit, MAX_KEYS, at(6000)), Some(0), "one more shares a count");
    assert_eq!(limit.counts.len(), MAX_KEYS + 1);
    assert_eq!(
        denied(&mut limit, MAX_KEYS, at(6000 + WINDOW_SECONDS)),
        Some(0),
        "and has its own when others are forgotten"
    );
    assert_eq!(limit.counts.len(), 1);
    let reported: u64 = limit.unreported(at(6000 + WINDOW_SECONDS)).iter().map(|one| one.suppressed).sum();
    assert_eq!(reported, MAX_KEYS as u64, "nothing is lost");
}

/// A client with a /48 network has 65,536 sources.
#[test]
fn all_sources_share_a_limit() {
    let (mut limit, root) = (RecordRateLimit::default(), root());
    let failed = |limit: &mut RecordRateLimit, n: u32, time| limit.admit(&Event { time, ..event(&source(n)) });
    let mut written = 0;
    for n in 0..3_000 {
        written += (0..MAX_RECORDS).filter(|_| failed(&mut limit, n, at(6000)).is_some()).count() as u64;
    }
    assert_eq!(written, MAX_SOURCE_RECORDS);
    assert_eq!(
        records(&mut limit, 100, &Event { time: at(6000), caller: Some(&root), ..event(&source(1)) }),
        MAX_RECORDS
    );
    assert!(limit.counts.len() as u64 <= MAX_SOURCE_RECORDS / MAX_RECORDS + 2, "the others share a count");
    let reported: u64 = limit.unreported(at(6000 + WINDOW_SECONDS)).iter().map(|one| one.suppressed).sum();
    assert_eq!(reported, 3_000 * MAX_RECORDS - MAX_SOURCE_RECORDS + 100 - MAX_RECORDS, "nothing is lost");
    assert_eq!(failed(&mut limit, 2_999, at(6000 + WINDOW_SECONDS)), Some(0), "and the next minute starts at zero");
}

#[test]
fn an_ipv6_network_is_one_source() {
    let mut limit = RecordRateLimit::default();
    let mut failed = |n: u128| {
        let address = Ipv6Addr::from_bits(0x2001_0db8 << 96 | n);
        limit.admit(&event(&request_from(address.into())))
    };
    assert_eq!((0..100).filter(|n| failed(*n).is_some()).count() as u64, MAX_RECORDS);
    assert_eq!(failed(1 << 64), Some(0), "the neighbour's is another");
}

/// Calls that wait until the next window before they end restart neither window.
#[test]
fn late_calls_of_the_window_before_count_in_the_current_one() {
    let (mut limit, from, root) = (RecordRateLimit::default(), source(1), root());
    for caller in [None, Some(&root)] {
        let call = |seconds| Event { time: at(seconds), caller, ..event(&from) };
        let mut written = 0;
        for _ in 0..100 {
            written += records(&mut limit, 1, &call(6000 + WINDOW_SECONDS));
            written += records(&mut limit, 1, &call(6000 + WINDOW_SECONDS - 1));
        }
        assert_eq!(written, MAX_RECORDS);
        assert_eq!(
            records(&mut limit, 100, &call(6000 - 10 * WINDOW_SECONDS)),
            MAX_RECORDS,
            "a clock that was set back"
        );
    }
}

#[test]
fn principals_of_identity_providers_have_a_limit_of_their_own() {
    use bailiwick_operation::{FederatedPrincipal, Federation};

    let (mut limit, from) = (RecordRateLimit::default(), source(1));
    let denied = bailiwick_model::IamError::new(bailiwick_model::ErrorCode::AccessDenied, "no");
    let principal = |id: &str| {
        UnsignedCaller::Federated(Arc::new(FederatedPrincipal {
            kind: Federation::WebIdentity,
            provider: "accounts.google.com".into(),
            issuer: "accounts.google.com".into(),
            id: id.into(),
            name: "heron".into(),
        }))
    };
    let anonymous = UnsignedCaller::Anonymous;
    let failed = |unsigned| Event { time: at(6000), unsigned, error: Some(&denied), ..event(&from) };
    assert_eq!(records(&mut limit, 100, &failed(Some(&anonymous))), MAX_RECORDS);
    assert_eq!(records(&mut limit, 1, &failed(None)), 0, "a network has one limit");
    for id in ["ponds:1", "ponds:2"] {
        let principal = principal(id);
        assert_eq!(
            records(&mut limit, 100, &Event { unsigned: Some(&principal), ..failed(None) }),
            MAX_RECORDS,
            "{id}"
        );
    }
    let named = limit.drain().into_iter().filter(|one| matches!(one.unsigned, Some(UnsignedCaller::Federated(_))));
    assert_eq!(named.count(), 2, "what got no record is reported with its caller");
}
