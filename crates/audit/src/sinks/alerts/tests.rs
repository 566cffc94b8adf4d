use super::*;

const USER: &str = r#"{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ann","accessKeyId":"AKIA"}"#;
const ROOT: &str = r#"{"type":"Root","arn":"arn:aws:iam::111122223333:root","accessKeyId":"AKIA"}"#;
/// Root as the request of a sign-in names it.
const NAMED_ROOT: &str = r#"{"type":"Root","arn":"arn:aws:iam::111122223333:root"}"#;

fn check(name: &str, identity: &str, more: Value, expected: Option<&str>) {
    let identity: Value = serde_json::from_str(identity).unwrap();
    let mut record = json!({ "eventName": name, "eventID": "e", "eventTime": "t", "userIdentity": identity });
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert_eq!(of(&record, false).map(|alert| alert.kind), expected, "{record}");
    let is_sign_in = SIGN_INS.contains(&name);
    let repeated = of(&record, true).map(|alert| alert.kind);
    assert_eq!(repeated, if is_sign_in { Some("failed-sign-ins") } else { expected }, "{record}");
}

#[test]
fn the_table() {
    let refused = json!({ "errorCode": "AccessDenied" });
    let many = json!({ "errorCode": "AccessDenied", "additionalEventData": { "suppressed": 12 } });
    let nothing = json!({});
    for (name, identity, more, expected) in [
        ("CreateUser", USER, &nothing, None),
        ("ListUsers", ROOT, &nothing, Some("root-used")),
        ("ListUsers", ROOT, &refused, Some("root-used")),
        ("SignIn", NAMED_ROOT, &nothing, Some("root-used")),
        ("SignIn", NAMED_ROOT, &refused, None),
        ("SignIn", USER, &many, None),
        ("AddUserToGroup", USER, &nothing, Some("membership-changed")),
        ("RemoveUserFromGroup", USER, &nothing, Some("membership-changed")),
        ("RemoveUserFromGroup", USER, &refused, None),
        ("ChangeAuditRetention", "{}", &nothing, Some("retention-changed")),
        ("RemoveAuditRecords", "{}", &nothing, Some("records-removed")),
        ("DisableCredential", "{}", &nothing, Some("credential-disabled")),
        ("WarnOfCredentialEnd", "{}", &nothing, Some("credential-ends")),
        ("PutCredentialRules", USER, &nothing, Some("credential-rules-changed")),
        ("CreateUser", USER, &many, None),
        ("RecordsSuppressed", USER, &nothing, Some("failed-calls")),
        ("CreateAccessKey", ROOT, &nothing, Some("root-credential-created")),
        ("CreateAccessKey", ROOT, &json!({ "requestParameters": { "userName": "bob" } }), Some("root-used")),
        ("CreateAccessKey", USER, &nothing, None),
        ("PutRootPassword", USER, &nothing, Some("root-credential-created")),
        ("RecoverRoot", USER, &nothing, Some("break-glass")),
        ("RotateMasterKey", USER, &nothing, Some("break-glass")),
        ("RestoreBackup", USER, &nothing, Some("break-glass")),
        ("AttachUserPolicy", USER, &nothing, Some("policy-changed")),
        ("AttachUserPolicy", USER, &refused, None),
        ("PutUserPermissionsBoundary", USER, &nothing, Some("boundary-changed")),
        ("UpdateAssumeRolePolicy", USER, &nothing, Some("trust-changed")),
        ("RecordsLost", USER, &nothing, Some("records-lost")),
        ("RecordsNotDelivered", USER, &nothing, Some("records-lost")),
        ("RecordsUnreadable", USER, &refused, Some("records-lost")),
    ] {
        check(name, identity, more.clone(), expected);
    }
}

#[test]
fn every_named_operation_exists() {
    let others = [
        "RecoverRoot",
        "RotateMasterKey",
        "RestoreBackup",
        "RecordsLost",
        "RecordsNotDelivered",
        "RecordsSuppressed",
        "RecordsUnreadable",
        "ChangeAuditRetention",
        "RemoveAuditRecords",
        "DisableCredential",
        "WarnOfCredentialEnd",
    ];
    for name in ALERTS.iter().flat_map(|alert| alert.events) {
        assert!(bailiwick_api::find_operation(name).is_some() || others.contains(name), "{name}");
    }
}

#[test]
fn the_documentation_has_every_alert() {
    let documented = include_str!("../../../../../docs/audit.md");
    for alert in ALERTS {
        assert!(documented.contains(&format!("| `{}` | {} |", alert.kind, alert.severity.name())), "{}", alert.kind);
        for name in alert.events {
            assert!(documented.contains(name), "{name}");
        }
    }
}

#[test]
fn a_cloud_event() {
    let record = json!({
        "eventName": "RecoverRoot", "eventID": "e", "eventTime": "2026-01-02T03:04:05.678901Z",
        "userIdentity": { "type": "Root", "arn": "arn:aws:iam::111122223333:root" },
    });
    let event = cloud_event(of(&record, false).unwrap(), "d", &record, json!({ "a": 1 }), Some(7));
    let expected = json!({
        "specversion": "1.0", "id": "e", "source": "urn:bailiwick:d", "type": "bailiwick.alert.break-glass",
        "time": "2026-01-02T03:04:05.678901Z", "datacontenttype": "application/json", "severity": "critical",
        "subject": "arn:aws:iam::111122223333:root", "failures": 7, "data": { "a": 1 },
    });
    assert_eq!(event, expected);
}
