use super::*;

/// A record of a call by a user.
fn record(name: &str, more: Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": "arn:aws:iam::111122223333:user/ann",
            "accountId": "111122223333", "accessKeyId": "AKIAEXAMPLE", "userName": "ann",
        },
        "eventTime": "2026-01-02T03:04:05.678901Z", "eventSource": "iam.amazonaws.com", "eventName": name,
        "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.1", "userAgent": "cli",
        "requestParameters": null, "responseElements": null,
        "requestID": "r", "eventID": "e", "readOnly": false, "recipientAccountId": "111122223333",
        "eventCategory": "Management", "committed": true, "sequence": 7, "previousSha256": "00",
    });
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record
}

fn of(name: &str, more: Value) -> Value {
    event(&record(name, more), 1_767_323_045_678, Severity::Informational)
}

/// The attributes that the schema requires of a class.
fn check_required(event: &Value) {
    let base = ["activity_id", "category_uid", "class_uid", "severity_id", "time", "type_uid", "metadata", "cloud"];
    let own: &[&str] = match event["class_uid"].as_u64().unwrap() {
        6003 => &["actor", "api", "src_endpoint"],
        3001 => &["user"],
        3002 => &["user", "service"],
        other => panic!("{other}"),
    };
    for name in base.iter().chain(own).chain(&["status_id"]) {
        assert!(!event[*name].is_null(), "{name}: {event}");
    }
    let (class, activity) = (event["class_uid"].as_u64().unwrap(), event["activity_id"].as_u64().unwrap());
    assert_eq!(event["type_uid"], class * 100 + activity);
    assert_eq!(event["category_uid"], class / 1_000);
    assert!(event["time"].is_i64() || event["time"].is_u64());
    assert!(event["metadata"]["version"].is_string() && event["metadata"]["product"]["vendor_name"].is_string());
    assert!(event["cloud"]["provider"].is_string());
    let endpoint = &event["src_endpoint"];
    assert!(endpoint["ip"].is_string() || endpoint["svc_name"].is_string());
    assert!(event["api"]["operation"].is_string() && event["api"]["request"]["uid"].is_string());
    for user in [&event["actor"]["user"], &event["user"]] {
        assert!(user.is_null() || user["name"].is_string() || user["uid"].is_string(), "{user}");
    }
}

#[test]
fn classes_and_activities() {
    for (name, read_only, class, activity) in [
        ("CreateUser", false, 3001, 1),
        ("CreateLoginProfile", false, 3001, 2),
        ("ChangePassword", false, 3001, 3),
        ("UpdateLoginProfile", false, 3001, 4),
        ("DeleteLoginProfile", false, 3001, 5),
        ("DeleteRole", false, 3001, 6),
        ("PutRolePolicy", false, 3001, 7),
        ("DetachUserPolicy", false, 3001, 8),
        ("EnableMFADevice", false, 3001, 10),
        ("DeactivateMFADevice", false, 3001, 11),
        ("SignIn", false, 3002, 1),
        ("AssumeRoleWithSAML", false, 3002, 1),
        ("SignOut", false, 3002, 2),
        ("CreatePolicy", false, 6003, 1),
        ("UploadServerCertificate", false, 6003, 1),
        ("ListUsers", true, 6003, 2),
        ("UpdateAssumeRolePolicy", false, 6003, 3),
        ("RecoverRoot", false, 6003, 3),
        ("DeletePolicy", false, 6003, 4),
        ("RemoveUserFromGroup", false, 6003, 4),
        ("RecordsSuppressed", false, 6003, 99),
        ("UnroutableRequest", false, 6003, 99),
    ] {
        let event = of(name, json!({ "readOnly": read_only }));
        assert_eq!((&event["class_uid"], &event["activity_id"]), (&class.into(), &activity.into()), "{name}");
        check_required(&event);
    }
}

#[test]
fn every_named_operation_exists() {
    for name in CLASSES.iter().flat_map(|(names, ..)| *names) {
        assert!(bailiwick_api::find_operation(name).is_some(), "{name}");
    }
}

#[test]
fn a_call() {
    let event = of(
        "CreatePolicy",
        json!({ "requestParameters": { "policyName": "p" }, "resources": [{ "ARN": "arn:aws:iam::111122223333:policy/p" }] }),
    );
    assert_eq!(event["time"], 1_767_323_045_678_i64);
    assert_eq!(event["status_id"], 1);
    assert_eq!(event["api"]["service"]["name"], "iam.amazonaws.com");
    assert_eq!(event["api"]["request"], json!({ "uid": "r", "data": { "policyName": "p" } }));
    assert_eq!(event["resources"], json!([{ "uid": "arn:aws:iam::111122223333:policy/p" }]));
    assert_eq!(event["actor"]["user"]["uid"], "arn:aws:iam::111122223333:user/ann");
    assert_eq!(event["actor"]["user"]["credential_uid"], "AKIAEXAMPLE");
    assert_eq!((&event["metadata"]["uid"], &event["metadata"]["sequence"]), (&"e".into(), &7.into()));
    assert_eq!(event["unmapped"]["committed"], true);
}

#[test]
fn a_refused_sign_in_of_an_unknown_person() {
    let identity = json!({ "type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL" });
    let event = of("SignIn", json!({ "userIdentity": identity, "errorCode": "AccessDenied", "errorMessage": "wrong" }));
    check_required(&event);
    assert_eq!((&event["status_id"], &event["status_code"]), (&2.into(), &"AccessDenied".into()));
    assert_eq!(event["api"]["response"], json!({ "error": "AccessDenied", "error_message": "wrong" }));
}

#[test]
fn targets_are_the_users_and_roles_that_are_named() {
    let user = of("DeleteUser", json!({ "requestParameters": { "userName": "bob" } }));
    assert_eq!((&user["user"]["name"], &user["actor"]["user"]["name"]), (&"bob".into(), &"ann".into()));
    let role = "arn:aws:iam::111122223333:role/dir/deploy";
    let assumed = of("AssumeRole", json!({ "requestParameters": { "roleArn": role } }));
    assert_eq!(assumed["user"], json!({ "name": "deploy", "uid": role }));
    assert_eq!(of("ChangePassword", json!({}))["user"]["name"], "ann", "of the caller");
}

#[test]
fn records_without_members_have_what_is_required() {
    for name in ["CreateUser", "SignIn", "RecoverRoot"] {
        check_required(&event(&json!({ "eventName": name }), 0, Severity::Critical));
    }
}
