//! A call, read from its record for reports.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

/// The members of a record that reports read. Absent texts are empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct RecordedCall {
    /// The id of the event.
    #[serde(rename = "eventID")]
    pub event_id: String,
    /// The operation.
    pub event_name: String,
    /// The code of the error; empty if the call succeeded.
    pub error_code: String,
    /// The address of the client.
    #[serde(rename = "sourceIPAddress")]
    pub source_ip_address: String,
    /// The client's program.
    pub user_agent: String,
    /// The region in the signature.
    pub aws_region: String,
    /// `Management`, `Data` or `Decision`.
    pub event_category: String,
    event_time: String,
    user_identity: Identity,
    resources: Vec<Resource>,
    additional_event_data: Additional,
    tls_details: Option<serde::de::IgnoredAny>,
}

/// What decided a call, and what was decided.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct RecordedDecision {
    /// `ALLOW`, `EXPLICIT_DENY` or `IMPLICIT_DENY`.
    pub outcome: String,
    /// Of a decision for another service: the ARN of the principal that was decided about.
    pub principal: String,
    /// Of a decision for another service: the unique id of that principal.
    pub principal_id: String,
    /// The session of the principal, if it has one.
    pub session: Option<RecordedSession>,
    /// The checks, in their order.
    pub checks: Vec<RecordedCheck>,
    /// How many further checks were decided.
    pub more_checks: u32,
}

/// One action on one resource.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct RecordedCheck {
    /// The action.
    pub action: String,
    /// The resource; empty if it is that of the call.
    pub resource: String,
    /// The account that owns the resource, if its ARN does not name one.
    pub resource_account: String,
    /// The context keys of the request and the resource.
    pub context: BTreeMap<String, RecordedValue>,
    /// Whether the account's password policy may grant the action.
    pub own_password: bool,
    /// Whether the request had a second factor of its own.
    pub second_factor: bool,
    /// Whether something that the decision can depend on was left out.
    pub incomplete: bool,
}

/// The value of a context key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum RecordedValue {
    /// Of a key with one value.
    One(String),
    /// Of a multivalued key.
    Many(Vec<String>),
}

/// What a decision depends on of a session.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct RecordedSession {
    /// When the credentials were issued, in seconds since 1970.
    pub issued: i64,
    /// When the caller authenticated with a second factor, in seconds since 1970; zero if they did not.
    pub mfa: i64,
    /// The source identity.
    pub source_identity: String,
    /// Whether session policies or scope-down policies limit it.
    pub limited: bool,
    /// Whether it has tags or keys of an identity provider.
    pub other_keys: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Identity {
    arn: String,
    principal_id: String,
    session_context: SessionContext,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SessionContext {
    session_issuer: Issuer,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Issuer {
    arn: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Resource {
    #[serde(rename = "ARN")]
    arn: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Additional {
    decision: Option<RecordedDecision>,
}

impl RecordedCall {
    /// Reads a record: a line of a segment. `None` if it is not one.
    pub fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// When the call arrived.
    pub fn time(&self) -> Option<Timestamp> {
        self.event_time.parse().ok()
    }

    /// What decided the call, if it was decided.
    pub fn decision(&self) -> Option<&RecordedDecision> {
        self.additional_event_data.decision.as_ref()
    }

    /// Whether it records a decision that another service asked for.
    pub fn is_decision(&self) -> bool {
        self.event_category == "Decision" && self.decision().is_some_and(|decision| !decision.principal.is_empty())
    }

    /// The ARN of the principal that was decided about: the caller's, or that of a decision for another service.
    pub fn principal_arn(&self) -> &str {
        match self.decision() {
            Some(decision) if self.is_decision() => &decision.principal,
            _ => &self.user_identity.arn,
        }
    }

    /// The unique id of that principal, as `aws:userid` has it.
    pub fn principal_id(&self) -> &str {
        match self.decision() {
            Some(decision) if self.is_decision() => &decision.principal_id,
            _ => &self.user_identity.principal_id,
        }
    }

    /// The ARN of the role of the caller's session, or of the user that a federated user is of.
    pub fn issuer_arn(&self) -> &str {
        &self.user_identity.session_context.session_issuer.arn
    }

    /// Whether the connection was encrypted.
    pub fn secure_transport(&self) -> bool {
        self.tls_details.is_some()
    }

    /// The resource of a check of the call; empty if it is not known.
    pub fn resource_of<'a>(&'a self, check: &'a RecordedCheck) -> &'a str {
        match check.resource.as_str() {
            "" => self.resources.first().map_or("", |resource| &resource.arn),
            own => own,
        }
    }
}
