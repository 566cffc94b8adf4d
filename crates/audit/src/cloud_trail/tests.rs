//! The operations of `cloudtrail.v1` are tested with the whole service in `service` and with real clients; here what needs
//! no call.

use bailiwick_api::cloudtrail::Event;

use super::look_up_events::event;
use crate::{Found, Position};

fn shown(line: &str) -> Event {
    event(Found { line: line.to_owned(), position: Position { time: 1_767_323_045_250_000, sequence: 7 } })
}

#[test]
fn an_event_has_what_the_record_has() {
    let line = r#"{"userIdentity":{"type":"IAMUser","principalId":"AIDA","accessKeyId":"AKIA","userName":"bob"},
        "eventTime":"2026-01-02T03:04:05.250000Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser",
        "eventID":"00000000-0000-4000-8000-000000000000","readOnly":false,
        "resources":[{"ARN":"arn:aws:iam::111122223333:user/div/eve"}]}"#;
    let event = shown(line);
    assert_eq!(event.event_name.as_deref(), Some("CreateUser"));
    assert_eq!(event.read_only.as_deref(), Some("false"));
    assert_eq!(event.username.as_deref(), Some("bob"));
    assert_eq!(event.access_key_id.as_deref(), Some("AKIA"));
    assert_eq!(event.event_time, Some(prost_types::Timestamp { seconds: 1_767_323_045, nanos: 0 }));
    assert_eq!(event.cloud_trail_event.as_deref(), Some(line));
    let resources: Vec<_> =
        event.resources.iter().map(|of| (of.resource_type.as_deref(), of.resource_name.as_deref())).collect();
    let user = Some("AWS::IAM::User");
    assert_eq!(resources, [(user, Some("arn:aws:iam::111122223333:user/div/eve")), (user, Some("eve"))]);
}

#[test]
fn a_trail_has_its_type() {
    let trail = "arn:aws:cloudtrail:us-east-1:111122223333:trail/bailiwick";
    let event = shown(&format!(r#"{{"eventName":"GetTrail","resources":[{{"ARN":"{trail}"}}]}}"#));
    assert_eq!(event.resources[0].resource_type.as_deref(), Some("AWS::CloudTrail::Trail"));
}

#[test]
fn what_a_record_does_not_have_is_absent() {
    let event = shown(
        r#"{"userIdentity":{"type":"Root","principalId":"111122223333"},"eventName":"ListUsers","readOnly":true,"resources":[{"ARN":"*"}]}"#,
    );
    assert_eq!((event.username.as_deref(), event.access_key_id), (Some("root"), None));
    assert!(event.resources.is_empty());
}
