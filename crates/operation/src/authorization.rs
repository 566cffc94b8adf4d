//! The details of a denied call: what AWS's `iam-toolbox` answers of an authorization id.
//!
//! They are written to the audit record of the denial, as JSON, and read from it. Names and values are AWS's, except for
//! what AWS does not have: positions of statements, versions and digests of policies, near misses, the text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The details of a denial.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthorizationDetails {
    /// Of a denial that another service asked for: the principal, who is not the caller of the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<DeniedPrincipal>,
    /// The context keys that all evaluations share, with their values.
    pub request_context: BTreeMap<String, ContextText>,
    /// The evaluations, in their order; the last one is the denial.
    pub evaluations: Vec<Evaluation>,
    /// The policies that took part.
    pub policies: Vec<EvaluatedPolicy>,
    /// The explanation as text; absent if a part of the decision belongs to another account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether something was left out, because there was too much.
    #[serde(skip_serializing_if = "is_false")]
    pub truncated: bool,
}

/// The principal of a denial that another service asked for. It has an account, whose denial it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeniedPrincipal {
    /// The account.
    pub account_id: String,
    /// The ARN; that of the session, for a session.
    pub arn: String,
    /// AWS's `principalId`: the unique id of a user; of a session, the role's id with the session's name.
    pub principal_id: String,
    /// The access key that the principal signed with; empty if the service named the principal.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub access_key_id: String,
    /// The message for the principal, without the authorization id.
    pub message: String,
}

/// The value of a context key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ContextText {
    /// One value.
    One(String),
    /// The values of a multivalued key.
    Many(Vec<String>),
}

/// One action on one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Evaluation {
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// The context keys of this evaluation alone.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, ContextText>,
    /// `ALLOW`, `EXPLICIT_DENY` or `IMPLICIT_DENY`.
    pub evaluated_effect: String,
    /// What each layer of policies said.
    pub checks: Vec<LayerCheck>,
    /// Allow statements that nearly matched, nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub near_misses: Vec<MissedStatement>,
}

/// What one layer of policies said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LayerCheck {
    /// AWS's `CheckType`, such as `PRINCIPAL`.
    pub check_type: String,
    /// AWS's `CheckEffect`: `ALLOW`, `EXPLICIT_DENY`, `IMPLICIT_DENY` or `NO_IMPACT`.
    pub evaluated_effect: String,
    /// AWS's `PolicyType`s of the layer.
    pub relevant_policy_types: Vec<String>,
    /// The policies with statements that matched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matched_policies: Vec<MatchedPolicy>,
}

/// A policy with statements that matched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MatchedPolicy {
    /// The [`EvaluatedPolicy::uri`] of the policy.
    pub uri: String,
    /// The statements.
    pub matched_statements: Vec<MatchedStatement>,
}

/// A statement that matched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MatchedStatement {
    /// The statement's `Sid`, or `Statement` with its position from 0, such as `Statement0`, if it has none.
    pub sid: String,
    /// `ALLOW` or `DENY`.
    pub evaluated_effect: String,
    /// The position of the statement in the document, from 0.
    pub index: u32,
    /// The line of the document that the statement begins on, from 1.
    pub line: u32,
}

/// An Allow statement that nearly matched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MissedStatement {
    /// The [`EvaluatedPolicy::uri`] of the policy.
    pub uri: String,
    /// As [`MatchedStatement::sid`].
    pub sid: String,
    /// The position of the statement in the document, from 0.
    pub index: u32,
    /// The line of the document that the statement begins on, from 1.
    pub line: u32,
    /// The elements that failed, one sentence each.
    pub differences: Vec<String>,
}

/// A policy that took part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EvaluatedPolicy {
    /// AWS's `PolicyType`, such as `IDENTITY_BASED_POLICY`.
    #[serde(rename = "type")]
    pub policy_type: String,
    /// Whether it is an inline policy.
    pub inline: bool,
    /// The ARN of a managed policy, otherwise an identifier that is unique within the denial.
    pub uri: String,
    /// The ARNs of the principals or of the resource that have the policy.
    pub attached_to: Vec<String>,
    /// The version of a managed policy, such as `v3`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The SHA-256 of the document, in hexadecimal, by which it is kept; empty if it is not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sha256: String,
}

fn is_false(value: &bool) -> bool {
    !value
}
