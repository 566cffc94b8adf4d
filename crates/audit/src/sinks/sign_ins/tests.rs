use serde_json::json;

use super::*;

const THRESHOLD: SignInThreshold = SignInThreshold { failures: 3, seconds: 60 };

fn failed(user: &str, source: &str) -> Value {
    let mut record = json!({ "eventName": "SignIn", "errorCode": "AccessDenied", "sourceIPAddress": source });
    if !user.is_empty() {
        record["userIdentity"] = json!({ "arn": format!("arn:aws:iam::111122223333:user/{user}") });
    }
    record
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn many_failures_of_one_user_or_source_are_one_alert() {
    let mut sign_ins = FailedSignIns::new(THRESHOLD);
    let mut noted = |user: &str, source: &str, second| sign_ins.note(&failed(user, source), at(second));
    // Of one user, from many sources.
    let found: Vec<_> = (0..50).map(|n| noted("ann", &format!("192.0.2.{n}"), n)).collect();
    assert_eq!(found.iter().flatten().collect::<Vec<_>>(), [&3]);
    assert_eq!(found[2], Some(3));
    // Of one source, with many names.
    let found: Vec<_> = (0..50).map(|n| noted(&format!("user{n}"), "198.51.100.7", n)).collect();
    assert_eq!(found.iter().flatten().count(), 1);
    // Of one source with names of no user.
    let found: Vec<_> = (0..50).map(|n| noted("", "198.51.100.8", n)).collect();
    assert_eq!(found.iter().flatten().count(), 1);
    // Of one source with many addresses.
    let found: Vec<_> = (0..50).map(|n| noted("", &format!("2001:db8:1:2::{n:x}"), n)).collect();
    assert_eq!(found.iter().flatten().count(), 1);
    // In the next window again.
    let found: Vec<_> = (60..110).map(|n| noted("", "198.51.100.8", n)).collect();
    assert_eq!(found.iter().flatten().count(), 1);
}

#[test]
fn few_failures_within_the_window_do_not_alert() {
    let mut sign_ins = FailedSignIns::new(THRESHOLD);
    for second in [0, 30, 60, 90, 120, 150, 180] {
        assert_eq!(sign_ins.note(&failed("ann", "192.0.2.1"), at(second)), None, "{second}");
    }
}

#[test]
fn what_is_counted() {
    let one = |change: fn(&mut Value)| {
        let mut record = failed("ann", "192.0.2.1");
        change(&mut record);
        FailedSignIns::new(SignInThreshold { failures: 1, seconds: 60 }).note(&record, at(0))
    };
    assert_eq!(one(|_| ()), Some(1));
    assert_eq!(one(|record| record["errorCode"] = "Throttling".into()), Some(1), "refused by the lockout");
    assert_eq!(one(|record| record["errorCode"] = "InvalidAuthenticationCode".into()), Some(1));
    assert_eq!(one(|record| record["additionalEventData"] = json!({ "suppressed": 12 })), Some(13));
    assert_eq!(one(|record| record["errorCode"] = Value::Null), None);
    assert_eq!(one(|record| record["errorCode"] = "InvalidInput".into()), None, "says nothing about a password");
    assert_eq!(one(|record| record["eventName"] = "CreateUser".into()), None);
}

#[test]
fn the_number_of_users_and_sources_is_bounded() {
    let mut sign_ins = FailedSignIns::new(THRESHOLD);
    for n in 0..30_000 {
        sign_ins.note(&failed(&format!("u{n}"), "192.0.2.1"), at(n / 1_000));
    }
    assert_eq!(sign_ins.counts.len(), MAX_KEYS);
}
