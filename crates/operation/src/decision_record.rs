//! What decided a call, as its audit record has it.

/// The decision of a call: of its first check that was denied, otherwise of its first check. Field numbers are part of
/// the store format.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DecisionRecord {
    /// `ALLOW`, `EXPLICIT_DENY` or `IMPLICIT_DENY`.
    #[prost(string, tag = "1")]
    pub outcome: String,
    /// The step of the evaluation that settled the decision, as `authz.v1` names it, such as `IDENTITY_POLICY`;
    /// `WITHHELD` if what settled it belongs to another account than the record.
    #[prost(string, tag = "2")]
    pub step: String,
    /// The action that was decided.
    #[prost(string, tag = "3")]
    pub action: String,
    /// The resource that was decided, if it is not that of the record.
    #[prost(string, tag = "4")]
    pub resource: String,
    /// The type of the policy that decided, or of the policy that had to allow and did not, as AWS names it, such as
    /// `IDENTITY_BASED_POLICY`; empty if none decided.
    #[prost(string, tag = "5")]
    pub policy_type: String,
    /// The statement that decided: the Deny, or a sufficient Allow.
    #[prost(message, optional, tag = "6")]
    pub statement: Option<DecidingStatement>,
    /// Of a decision for another service: the ARN of the principal that was decided about, or the name of a service;
    /// `anonymous` for a caller without credentials.
    #[prost(string, tag = "7")]
    pub principal: String,
    /// Of a decision for another service: the unique id of that principal, as `aws:userid` has it; empty if it has none.
    #[prost(string, tag = "8")]
    pub principal_id: String,
    /// The checks that were decided, in their order, up to the one that was denied. Empty in records of versions that did
    /// not record them.
    #[prost(message, repeated, tag = "9")]
    pub checks: Vec<CheckRecord>,
    /// How many further checks were decided.
    #[prost(uint32, tag = "10")]
    pub more_checks: u32,
    /// The session of the principal that was decided about, if it has one.
    #[prost(message, optional, tag = "11")]
    pub session: Option<SessionRecord>,
}

/// One action on one resource that was decided. Field numbers are part of the store format.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CheckRecord {
    /// The action.
    #[prost(string, tag = "1")]
    pub action: String,
    /// The resource; empty if it is that of the record.
    #[prost(string, tag = "2")]
    pub resource: String,
    /// The context keys of the request and of the resource, in the order of the check.
    #[prost(message, repeated, tag = "3")]
    pub context: Vec<ContextRecord>,
    /// The account that owns the resource, if its ARN does not name one.
    #[prost(string, tag = "4")]
    pub resource_account: String,
    /// Whether the account's password policy may grant the action.
    #[prost(bool, tag = "5")]
    pub own_password: bool,
    /// Whether the request had a second factor of its own.
    #[prost(bool, tag = "6")]
    pub second_factor: bool,
    /// Whether something that the decision can depend on was left out: a long or secret value, or the tags or the policy
    /// of another account's resource.
    #[prost(bool, tag = "7")]
    pub incomplete: bool,
}

/// A context key with its values. Field numbers are part of the store format.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ContextRecord {
    /// The name, such as `aws:RequestTag/team`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The values.
    #[prost(string, repeated, tag = "2")]
    pub values: Vec<String>,
    /// Whether the key is multivalued.
    #[prost(bool, tag = "3")]
    pub is_list: bool,
}

/// What a decision depends on of the principal's session. Field numbers are part of the store format.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SessionRecord {
    /// When the credentials were issued, in seconds since 1970.
    #[prost(sint64, tag = "1")]
    pub issued: i64,
    /// When the caller authenticated with a second factor, in seconds since 1970; zero if they did not.
    #[prost(sint64, tag = "2")]
    pub mfa: i64,
    /// The source identity; empty if there is none.
    #[prost(string, tag = "3")]
    pub source_identity: String,
    /// Whether session policies or scope-down policies limit it. They are not recorded.
    #[prost(bool, tag = "4")]
    pub limited: bool,
    /// Whether it has tags or keys of an identity provider. They are not recorded.
    #[prost(bool, tag = "5")]
    pub other_keys: bool,
}

/// A statement that decided. Field numbers are part of the store format.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DecidingStatement {
    /// The ARN of a managed policy, the name of an inline policy, the ARN of the role of a trust policy or of the
    /// resource of a resource policy; empty for a session policy.
    #[prost(string, tag = "1")]
    pub policy: String,
    /// The ARN of the user, role, group or session that has the policy.
    #[prost(string, tag = "2")]
    pub attached_to: String,
    /// The version of a managed policy, such as `v3`.
    #[prost(string, tag = "3")]
    pub version: String,
    /// The statement's `Sid`, if it has one.
    #[prost(string, tag = "4")]
    pub sid: String,
    /// The position of the statement in the document, from 0.
    #[prost(uint32, tag = "5")]
    pub index: u32,
}
