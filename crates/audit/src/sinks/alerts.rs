//! Which records are alerts, and their CloudEvents.

use serde_json::{Value, json};

use super::batch::Severity;

#[cfg(test)]
mod tests;

/// One kind of alert.
pub(super) struct Alert {
    /// The end of the CloudEvent's type.
    pub(super) kind: &'static str,
    pub(super) severity: Severity,
    /// Whose records are alerts; any event if it is empty.
    events: &'static [&'static str],
    when: When,
}

/// Which of the records.
#[derive(Clone, Copy)]
enum When {
    /// Those of calls that succeeded.
    Succeeded,
    /// All.
    Always,
    /// Those of the root user's own calls.
    ByRoot,
    /// Calls of the root user that succeeded and name no other user.
    ForRoot,
    /// Failed sign-ins that reach the threshold of the sink.
    Repeated,
}

/// Operations that verify the identity of a person.
pub(super) const SIGN_INS: &[&str] =
    &["SignIn", "SignInWithLink", "CreateToken", "GetSignInCredentials", "ChangePassword", "ChangeExpiredPassword"];

/// All alerts. A record is the first that fits; `docs/audit.md` has the same table.
const ALERTS: &[Alert] = &[
    Alert {
        kind: "break-glass",
        severity: Severity::Critical,
        events: &["RecoverRoot", "RotateMasterKey", "RestoreBackup", "AssumeRoot"],
        when: When::Succeeded,
    },
    Alert {
        kind: "root-credential-created",
        severity: Severity::Critical,
        events: &["CreateAccessKey", "UploadSigningCertificate"],
        when: When::ForRoot,
    },
    Alert {
        kind: "root-credential-created",
        severity: Severity::Critical,
        events: &["PutRootPassword"],
        when: When::Succeeded,
    },
    Alert {
        kind: "records-lost",
        severity: Severity::Critical,
        events: &["RecordsLost", "RecordsNotDelivered", "RecordsUnreadable"],
        when: When::Always,
    },
    Alert { kind: "failed-sign-ins", severity: Severity::High, events: SIGN_INS, when: When::Repeated },
    Alert { kind: "failed-calls", severity: Severity::Medium, events: &["RecordsSuppressed"], when: When::Always },
    Alert { kind: "root-used", severity: Severity::High, events: &[], when: When::ByRoot },
    Alert {
        kind: "policy-changed",
        severity: Severity::Medium,
        events: &[
            "AttachGroupPolicy",
            "AttachRolePolicy",
            "AttachUserPolicy",
            "CreatePolicyVersion",
            "DeleteGroupPolicy",
            "DeletePolicyVersion",
            "DeleteResourcePolicy",
            "DeleteRolePolicy",
            "DeleteUserPolicy",
            "DetachGroupPolicy",
            "DetachRolePolicy",
            "DetachUserPolicy",
            "PutGroupPolicy",
            "PutResourcePolicy",
            "PutRolePolicy",
            "PutUserPolicy",
            "SetDefaultPolicyVersion",
        ],
        when: When::Succeeded,
    },
    Alert {
        kind: "membership-changed",
        severity: Severity::Medium,
        events: &["AddUserToGroup", "RemoveUserFromGroup"],
        when: When::Succeeded,
    },
    Alert {
        kind: "retention-changed",
        severity: Severity::High,
        events: &["ChangeAuditRetention"],
        when: When::Succeeded,
    },
    Alert {
        kind: "credential-disabled",
        severity: Severity::High,
        events: &["DisableCredential"],
        when: When::Succeeded,
    },
    Alert {
        kind: "credential-ends",
        severity: Severity::Medium,
        events: &["WarnOfCredentialEnd"],
        when: When::Succeeded,
    },
    Alert {
        kind: "credential-rules-changed",
        severity: Severity::Medium,
        events: &["PutCredentialRules"],
        when: When::Succeeded,
    },
    Alert { kind: "records-removed", severity: Severity::Low, events: &["RemoveAuditRecords"], when: When::Succeeded },
    Alert {
        kind: "boundary-changed",
        severity: Severity::Medium,
        events: &[
            "DeleteRolePermissionsBoundary",
            "DeleteUserPermissionsBoundary",
            "PutRolePermissionsBoundary",
            "PutUserPermissionsBoundary",
        ],
        when: When::Succeeded,
    },
    Alert {
        kind: "trust-changed",
        severity: Severity::Medium,
        events: &[
            "AddClientIDToOpenIDConnectProvider",
            "CreateOpenIDConnectProvider",
            "CreateSAMLProvider",
            "DeleteOpenIDConnectProvider",
            "DeleteSAMLProvider",
            "RemoveClientIDFromOpenIDConnectProvider",
            "UpdateAssumeRolePolicy",
            "UpdateOpenIDConnectProvider",
            "UpdateOpenIDConnectProviderThumbprint",
            "UpdateSAMLProvider",
        ],
        when: When::Succeeded,
    },
];

/// The alert that a record is, if it is one. `is_repeated` says whether it is a failed sign-in that reaches the threshold.
pub(super) fn of(record: &Value, is_repeated: bool) -> Option<&'static Alert> {
    let name = record["eventName"].as_str()?;
    ALERTS.iter().find(|alert| {
        (alert.events.is_empty() || alert.events.contains(&name)) && alert.when.holds(record, is_repeated)
    })
}

impl When {
    fn holds(self, record: &Value, is_repeated: bool) -> bool {
        let succeeded = record["errorCode"].is_null();
        let identity = &record["userIdentity"];
        let is_root = identity["type"] == "Root";
        match self {
            When::Always => true,
            When::Succeeded => succeeded,
            // A refused sign-in names root without being root's.
            When::ByRoot => is_root && (succeeded || identity["accessKeyId"].is_string()),
            When::ForRoot => succeeded && is_root && record["requestParameters"]["userName"].is_null(),
            When::Repeated => is_repeated,
        }
    }
}

/// The CloudEvent of an alert, version 1.0 in JSON. `data` is the record in the format of the sink, and
/// `failures` the number of failed sign-ins.
pub(super) fn cloud_event(
    alert: &Alert,
    deployment: &str,
    record: &Value,
    data: Value,
    failures: Option<u64>,
) -> Value {
    let subject = record["resources"][0]["ARN"].as_str().or_else(|| record["userIdentity"]["arn"].as_str());
    let mut event = json!({
        "specversion": "1.0",
        "id": record["eventID"],
        "source": format!("urn:bailiwick:{deployment}"),
        "type": format!("bailiwick.alert.{}", alert.kind),
        "time": record["eventTime"],
        "datacontenttype": "application/json",
        "severity": alert.severity.name(),
        "data": data,
    });
    if let Some(failures) = failures {
        event["failures"] = failures.into();
    }
    if let Some(subject) = subject {
        event["subject"] = subject.into();
    }
    event
}
