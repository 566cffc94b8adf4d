//! Records in the classes of the Open Cybersecurity Schema Framework, version 1.3.0: API Activity (6003), Authentication
//! (3002) for sign-ins and issued credentials, Account Change (3001) for users and roles.

use serde_json::{Map, Value, json};

use super::batch::Severity;

#[cfg(test)]
mod tests;

/// The version of the schema.
const VERSION: &str = "1.3.0";

/// A class of events.
#[derive(Clone, Copy, PartialEq)]
enum Class {
    AccountChange = 3001,
    Authentication = 3002,
    ApiActivity = 6003,
}

/// Events that are not API Activity, with their class, activity, and its name.
const CLASSES: &[(&[&str], Class, u64, &str)] = &[
    (
        &[
            "SignIn",
            "SignInWithLink",
            "SignInWithToken",
            "GetSigninToken",
            "GetSignInCredentials",
            "CreateToken",
            "AssumeRole",
            "AssumeRoleWithSAML",
            "AssumeRoleWithWebIdentity",
            "AssumeRoot",
            "AcquireRole",
            "GetSessionToken",
            "GetFederationToken",
            "GetScopedCredentials",
            "GetDelegatedAccessToken",
            "GetDelegationToken",
            "GetWebIdentityToken",
        ],
        Class::Authentication,
        1,
        "Logon",
    ),
    (&["SignOut"], Class::Authentication, 2, "Logoff"),
    (&["CreateUser", "CreateRole", "CreateServiceLinkedRole"], Class::AccountChange, 1, "Create"),
    (&["CreateLoginProfile"], Class::AccountChange, 2, "Enable"),
    (&["ChangePassword", "ChangeExpiredPassword"], Class::AccountChange, 3, "Password Change"),
    (&["UpdateLoginProfile", "PutRootPassword"], Class::AccountChange, 4, "Password Reset"),
    (&["DeleteLoginProfile"], Class::AccountChange, 5, "Disable"),
    (&["DeleteUser", "DeleteRole", "DeleteServiceLinkedRole"], Class::AccountChange, 6, "Delete"),
    (
        &["AttachUserPolicy", "AttachRolePolicy", "PutUserPolicy", "PutRolePolicy"],
        Class::AccountChange,
        7,
        "Attach Policy",
    ),
    (
        &["DetachUserPolicy", "DetachRolePolicy", "DeleteUserPolicy", "DeleteRolePolicy"],
        Class::AccountChange,
        8,
        "Detach Policy",
    ),
    (
        &["EnableMFADevice", "EnableRootMFADevice", "FinishPasskeyRegistration"],
        Class::AccountChange,
        10,
        "MFA Factor Enable",
    ),
    (&["DeactivateMFADevice"], Class::AccountChange, 11, "MFA Factor Disable"),
];

/// Beginnings of the names of API calls, with the activity.
const VERBS: &[(&str, u64, &str)] = &[
    ("Create", 1, "Create"),
    ("Upload", 1, "Create"),
    ("Delete", 4, "Delete"),
    ("Remove", 4, "Delete"),
    ("Detach", 4, "Delete"),
    ("Untag", 4, "Delete"),
    ("Revoke", 4, "Delete"),
];

/// Events that are not calls.
const OTHER: &[&str] =
    &["UnroutableRequest", "RecordsSuppressed", "RecordsLost", "RecordsNotDelivered", "RecordsUnreadable"];

/// The event of a record, which is a JSON object in CloudTrail's format.
pub(super) fn event(record: &Value, time_ms: i64, severity: Severity) -> Value {
    let name = text(record, "eventName");
    let (class, activity, activity_name) = class_of(name, record["readOnly"] == true);
    let class_uid = class as u64;
    let category = class_uid / 1_000;
    let (category_name, class_name) = match class {
        Class::AccountChange => ("Identity & Access Management", "Account Change"),
        Class::Authentication => ("Identity & Access Management", "Authentication"),
        Class::ApiActivity => ("Application Activity", "API Activity"),
    };
    let is_failure = record["errorCode"].is_string();
    let caller = user(&record["userIdentity"]);
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            event.insert(name.to_owned(), value);
        }
    };
    put("activity_id", activity.into());
    put("activity_name", activity_name.into());
    put("category_uid", category.into());
    put("category_name", category_name.into());
    put("class_uid", class_uid.into());
    put("class_name", class_name.into());
    put("type_uid", (class_uid * 100 + activity).into());
    put("type_name", format!("{class_name}: {activity_name}").into());
    put("time", time_ms.into());
    put("severity_id", (severity as u64).into());
    put("severity", severity_name(severity).into());
    put("status_id", if is_failure { 2 } else { 1 }.into());
    put("status", if is_failure { "Failure" } else { "Success" }.into());
    put("status_code", record["errorCode"].clone());
    put("status_detail", record["errorMessage"].clone());
    put("message", message(record, name).into());
    put("metadata", metadata(record));
    put("cloud", cloud(record));
    put("actor", actor(record, &caller));
    put("src_endpoint", source(record));
    put("api", api(record, is_failure));
    if let Some(agent) = record["userAgent"].as_str() {
        put("http_request", json!({ "user_agent": agent }));
    }
    match class {
        Class::ApiActivity => put("resources", resources(record)),
        Class::AccountChange => put("user", target(record, &caller)),
        Class::Authentication => {
            put("user", if is_assumed(name) { target(record, &caller) } else { caller });
            put("service", json!({ "name": text(record, "eventSource") }));
            put("is_remote", true.into());
            put("is_mfa", (mfa(record) == Some(true)).into());
        }
    }
    put("unmapped", unmapped(record));
    Value::Object(event)
}

fn class_of(name: &str, is_read: bool) -> (Class, u64, &'static str) {
    if let Some((_, class, activity, caption)) = CLASSES.iter().find(|(names, ..)| names.contains(&name)) {
        return (*class, *activity, caption);
    }
    let (activity, caption) = if OTHER.contains(&name) {
        (99, "Other")
    } else if is_read {
        (2, "Read")
    } else {
        VERBS.iter().find(|(verb, ..)| name.starts_with(verb)).map_or((3, "Update"), |(_, id, caption)| (*id, *caption))
    };
    (Class::ApiActivity, activity, caption)
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Informational => "Informational",
        Severity::Low => "Low",
        Severity::Medium => "Medium",
        Severity::High => "High",
        Severity::Critical => "Critical",
    }
}

fn message(record: &Value, name: &str) -> String {
    let who = ["arn", "userName", "type"].into_iter().find_map(|member| record["userIdentity"][member].as_str());
    let outcome = record["errorCode"].as_str().map_or_else(String::new, |code| format!(": {code}"));
    format!("{name} by {}{outcome}", who.unwrap_or("unknown"))
}

fn metadata(record: &Value) -> Value {
    json!({
        "version": VERSION,
        "product": { "name": "Bailiwick", "vendor_name": "Bailiwick", "version": env!("CARGO_PKG_VERSION") },
        "profiles": ["cloud"],
        "uid": record["eventID"],
        "event_code": record["eventName"],
        "original_time": record["eventTime"],
        "correlation_uid": record["requestID"],
        "log_name": "audit",
        "sequence": record["sequence"].as_u64().unwrap_or_default(),
    })
}

fn cloud(record: &Value) -> Value {
    let mut cloud = json!({ "provider": "Bailiwick" });
    if let Some(region) = record["awsRegion"].as_str() {
        cloud["region"] = region.into();
    }
    if let Some(account) = record["recipientAccountId"].as_str() {
        cloud["account"] = json!({ "uid": account });
    }
    cloud
}

/// A user by an identity of a record.
fn user(identity: &Value) -> Value {
    let kind = text(identity, "type");
    let type_id = match kind {
        "Root" => 2,
        "IAMUser" => 1,
        "" | "Unknown" => 0,
        _ => 99,
    };
    let session = text(identity, "principalId").split_once(':').map(|(_, name)| name);
    let name = match (kind, identity["userName"].as_str()) {
        ("Root", _) => "root",
        (_, Some(name)) => name,
        _ => session.unwrap_or("unknown"),
    };
    let mut user = json!({ "name": name, "type": kind, "type_id": type_id });
    for (member, of) in [("uid", "arn"), ("uid_alt", "principalId"), ("credential_uid", "accessKeyId")] {
        if let Some(value) = identity[of].as_str().filter(|value| !value.is_empty()) {
            user[member] = value.into();
        }
    }
    if let Some(account) = identity["accountId"].as_str() {
        user["account"] = json!({ "uid": account });
    }
    user
}

fn actor(record: &Value, caller: &Value) -> Value {
    let identity = &record["userIdentity"];
    let mut actor = json!({ "user": caller });
    let created = identity["sessionContext"]["attributes"]["creationDate"].as_str();
    if let Some(created) = created.and_then(|time| time.parse::<jiff::Timestamp>().ok()) {
        actor["session"] = json!({ "created_time": created.as_millisecond(), "is_mfa": mfa(record) == Some(true) });
        if let Some(issuer) = identity["sessionContext"]["sessionIssuer"]["arn"].as_str() {
            actor["session"]["issuer"] = issuer.into();
        }
    }
    if let Some(provider) = identity["identityProvider"].as_str() {
        actor["idp"] = json!({ "name": provider });
    }
    actor
}

fn mfa(record: &Value) -> Option<bool> {
    let value = record["userIdentity"]["sessionContext"]["attributes"]["mfaAuthenticated"].as_str()?;
    Some(value == "true")
}

/// Whether the call is for credentials of a role or user that the request names.
fn is_assumed(name: &str) -> bool {
    name.starts_with("AssumeRole") || name == "AcquireRole"
}

/// The user or role that a request names; the caller if it names none.
fn target(record: &Value, caller: &Value) -> Value {
    let request = &record["requestParameters"];
    let arn = record["resources"][0]["ARN"].as_str().or_else(|| request["roleArn"].as_str());
    let name = ["userName", "roleName"].into_iter().find_map(|member| request[member].as_str());
    let name = name.or_else(|| arn.and_then(|arn| arn.rsplit('/').next()));
    let Some(name) = name else { return caller.clone() };
    let mut user = json!({ "name": name });
    if let Some(arn) = arn {
        user["uid"] = arn.into();
    }
    user
}

/// Where the call came from; a command of the same machine has no address.
fn source(record: &Value) -> Value {
    match record["sourceIPAddress"].as_str() {
        Some(ip) => json!({ "ip": ip }),
        None => json!({ "svc_name": "bailiwick" }),
    }
}

fn api(record: &Value, is_failure: bool) -> Value {
    let mut response = Map::new();
    if is_failure {
        response.insert("error".to_owned(), record["errorCode"].clone());
        response.insert("error_message".to_owned(), record["errorMessage"].clone());
    }
    if !record["responseElements"].is_null() {
        response.insert("data".to_owned(), record["responseElements"].clone());
    }
    let id = [text(record, "requestID"), text(record, "eventID")].into_iter().find(|id| !id.is_empty());
    let mut request = json!({ "uid": id.unwrap_or_default() });
    if !record["requestParameters"].is_null() {
        request["data"] = record["requestParameters"].clone();
    }
    json!({
        "operation": record["eventName"],
        "service": { "name": record["eventSource"] },
        "request": request,
        "response": response,
    })
}

fn resources(record: &Value) -> Value {
    let Some(of) = record["resources"].as_array() else { return Value::Null };
    of.iter().map(|resource| json!({ "uid": resource["ARN"] })).collect()
}

/// What the schema has no place for.
fn unmapped(record: &Value) -> Value {
    let names = ["additionalEventData", "committed", "eventCategory", "tlsDetails", "previousSha256"];
    let members = names.iter().filter(|name| !record[**name].is_null());
    members.map(|name| ((*name).to_owned(), record[*name].clone())).collect::<Map<_, _>>().into()
}

fn text<'a>(of: &'a Value, member: &str) -> &'a str {
    of[member].as_str().unwrap_or_default()
}
