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
