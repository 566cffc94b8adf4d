//! The details of denials, as records have them.
//!
//! An authorization id is the `eventID` of the record of a denial, without dashes.

use bailiwick_model::add_authorization_id;
use bailiwick_operation::{AuthorizationDetails, EvaluatedPolicy, LayerCheck};
use jiff::Timestamp;
use serde::Deserialize;

mod text;

/// The maximum size of the details in a record, in bytes.
const MAX_BYTES: usize = 8 * 1024;
/// Instead of a resource that the message does not name.
const NOT_SHOWN: &str = "(not shown)";

/// A denial, read from its record.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Denial {
    /// The authorization id.
    pub authorization_id: String,
    /// When the call arrived.
    pub time: Timestamp,
    /// The operation, such as `CreateUser`; the action, such as `s3:GetObject`, if another service asked.
    pub operation: String,
    /// The account of the principal, whose denial it is.
    pub account_id: String,
    /// The ARN of the principal; that of the session, for a session.
    pub principal_arn: String,
    /// AWS's `principalId`: the unique id of a user; of a session, the role's id with the session's name.
    pub principal_id: String,
    /// The access key of the call; empty if another service asked without one.
    pub access_key_id: String,
    /// The message that the principal received.
    pub message: String,
    /// The details.
    pub details: AuthorizationDetails,
}

/// The members of a record that are read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(rename = "eventID")]
    event_id: String,
    event_time: String,
    event_name: String,
    #[serde(default)]
    error_message: String,
    user_identity: Identity,
    additional_event_data: Additional,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Identity {
    arn: String,
    account_id: String,
    principal_id: String,
    access_key_id: String,
}

#[derive(Deserialize)]
struct Additional {
    authorization: AuthorizationDetails,
}

impl Denial {
    /// Reads a record: a line of a segment. `None` if it has no details of a denial.
    pub fn read(line: &str) -> Option<Self> {
        let line: Line = serde_json::from_str(line).ok()?;
        let identity = line.user_identity;
        let mut denial = Denial {
            authorization_id: authorization_id(&line.event_id),
            time: line.event_time.parse().ok()?,
            operation: line.event_name,
            account_id: identity.account_id,
            principal_arn: identity.arn,
            principal_id: identity.principal_id,
            access_key_id: identity.access_key_id,
            message: line.error_message,
            details: line.additional_event_data.authorization,
        };
        if let Some(principal) = denial.details.principal.take() {
            denial.operation = denial.details.evaluations.last()?.action.clone();
            denial.account_id = principal.account_id;
            denial.principal_arn = principal.arn;
            denial.principal_id = principal.principal_id;
            denial.access_key_id = principal.access_key_id;
            denial.message = principal.message;
            add_authorization_id(&mut denial.message, &denial.authorization_id);
        }
        Some(denial)
    }

    /// What the principal may see of its own denial without a permission: what each layer of its own policies said and
    /// which statements matched. It has neither the content of statements nor documents, and nothing of the resource that
    /// the message does not have: not whether it exists, its stored name and tags, or what its policy says.
    #[must_use]
    pub fn for_principal(mut self) -> Self {
        self.details.text = None;
        for evaluation in &mut self.details.evaluations {
            evaluation.near_misses.clear();
            evaluation.context.clear();
            if evaluation.resource != "*" && !names(&self.message, &evaluation.resource) {
                evaluation.resource = NOT_SHOWN.to_owned();
            }
            let is_resource = |kind: &str| matches!(kind, "RESOURCE" | "RESOURCE_CONTROL_POLICY");
            evaluation.checks.retain(|check| !is_resource(&check.check_type));
            let denies = |check: &LayerCheck| check.evaluated_effect == "EXPLICIT_DENY";
            if evaluation.evaluated_effect == "EXPLICIT_DENY" && !evaluation.checks.iter().any(denies) {
                evaluation.evaluated_effect = "IMPLICIT_DENY".to_owned();
            }
        }
        let is_of_resource = |policy: &EvaluatedPolicy| {
            matches!(&*policy.policy_type, "RESOURCE_BASED_POLICY" | "RESOURCE_CONTROL_POLICY")
        };
        self.details.policies.retain(|policy| !is_of_resource(policy));
        self.details.policies.iter_mut().for_each(|policy| policy.sha256.clear());
        self
    }

    /// The policy with this URI.
    pub fn policy(&self, uri: &str) -> Option<&EvaluatedPolicy> {
        self.details.policies.iter().find(|policy| policy.uri == uri)
    }

    /// Explains the denial as text.
    pub fn text(&self) -> String {
        text::of(self)
    }
}

/// The authorization id of the denial that an event records.
pub fn authorization_id(event_id: &str) -> String {
    event_id.chars().filter(|c| *c != '-').collect()
}

/// The `eventID` of the record of an authorization id; `None` if it cannot be one.
pub fn event_id(authorization_id: &str) -> Option<String> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let part = |range| authorization_id.get(range);
    let is_id = authorization_id.len() == 32 && authorization_id.bytes().all(is_digit);
    let parts = [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)];
    is_id.then(|| parts.map(Option::unwrap_or_default).join("-"))
}

/// Writes details for a record. What exceeds the limit is left out, the least important first.
pub fn to_json(mut details: AuthorizationDetails) -> Option<String> {
    for step in 0.. {
        let json = serde_json::to_string(&details).ok()?;
        if json.len() <= MAX_BYTES {
            return Some(json);
        }
        details.truncated = true;
        match step {
            0 => details.text = None,
            1 => details.evaluations.iter_mut().for_each(|evaluation| evaluation.near_misses.clear()),
            2 => details.evaluations.iter_mut().for_each(|evaluation| evaluation.context.clear()),
            3 => details.request_context.clear(),
            4 => {
                let last = details.evaluations.len().saturating_sub(1);
                details.evaluations.drain(..last);
            }
            5 => details.policies.clear(),
            _ => return None,
        }
    }
    None
}

/// Whether the message of a denial names this resource: by its ARN, or by type and name if the ARN has nothing more.
fn names(message: &str, arn: &str) -> bool {
    let named = |text: &str| {
        let rest = message.split_once(&format!(" on resource: {text}")).map(|(_, rest)| rest);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' ') || rest.starts_with(". "))
    };
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    // A path is not in the message.
    let by_name = resource.split_once('/').filter(|(_, name)| !name.contains('/'));
    named(arn)
        || (resource.starts_with("policy/") && named(&format!("policy {arn}")))
        || by_name.is_some_and(|(kind, name)| named(&format!("{} {name}", kind.replace('-', " "))))
}

#[cfg(test)]
mod tests;
