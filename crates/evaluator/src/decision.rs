//! The result of a decision.

use std::fmt;

use bailiwick_policy_lang::PolicyKind;

use crate::{Principal, Request};

/// The outcome of a request, with the step and statement that settled it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The outcome.
    pub outcome: Outcome,
    /// The step that settled the decision.
    pub step: Step,
    /// The statement that settled the decision: the Deny, or a sufficient Allow.
    pub statement: Option<StatementRef>,
    /// For an implicit deny, the type of policy that had to allow and did not.
    pub lacking: Option<PolicyKind>,
}

/// The outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Allowed.
    Allowed,
    /// A Deny statement matched.
    ExplicitDeny,
    /// No policy of a required type allowed the request.
    ImplicitDeny,
}

impl Outcome {
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ExplicitDeny => "explicitDeny",
            Self::ImplicitDeny => "implicitDeny",
        }
    }
}

/// The steps of a decision, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
    /// One of the few actions that need no permission: see [`crate::exceptions`].
    Exception,
    /// A matching Deny in any policy.
    ExplicitDeny,
    /// The resource control policies of the resource's account.
    Rcp,
    /// The service control policies of the caller's account.
    Scp,
    /// The scope-down policies of the caller's session.
    SessionScope,
    /// Caller and resource in one account.
    SameAccount,
    /// Caller and resource in different accounts.
    CrossAccount,
    /// A root user.
    Root,
    /// A service principal, identity provider or anonymous caller.
    Unattached,
    /// The endpoint policy.
    Endpoint,
}

impl Step {
    /// A short name, in camel case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exception => "exception",
            Self::ExplicitDeny => "explicitDeny",
            Self::Rcp => "resourceControlPolicies",
            Self::Scp => "serviceControlPolicies",
            Self::SessionScope => "sessionScope",
            Self::SameAccount => "sameAccount",
            Self::CrossAccount => "crossAccount",
            Self::Root => "root",
            Self::Unattached => "unattachedPrincipal",
            Self::Endpoint => "endpointPolicy",
        }
    }
}

/// A statement of [`Policies`](crate::Policies).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatementRef {
    /// The type of the policy.
    pub kind: PolicyKind,
    /// Level within SCPs and RCPs, from the root on; otherwise 0.
    pub level: u32,
    /// Position of the policy among those of its type (and level), counted through all slices.
    pub policy: u32,
    /// Position of the statement within the policy.
    pub statement: u32,
}

impl Decision {
    /// Whether the request is allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.outcome == Outcome::Allowed
    }

    /// Returns AWS's message for a denial: principal, action, resource, and the type of policy that caused it.
    ///
    /// For an allowed decision the message says that the request is allowed.
    #[must_use]
    pub fn message<'a>(&self, request: &Request<'a>) -> DenialMessage<'a> {
        DenialMessage {
            decision: *self,
            principal: match request.principal {
                Principal::Anonymous => "anonymous",
                principal => principal.name(),
            },
            action: request.action,
            resource: (request.resource != "*").then_some(request.resource),
        }
    }
}

/// Renders a denial; see [`Decision::message`].
#[derive(Clone, Copy, Debug)]
pub struct DenialMessage<'a> {
    decision: Decision,
    principal: &'a str,
    action: &'a str,
    resource: Option<&'a str>,
}

impl<'a> DenialMessage<'a> {
    /// Sets what the message says after `on resource:`. Without it, the message has the resource of the request, but for `*`.
    #[must_use]
    pub fn on_resource(self, text: &'a str) -> Self {
        DenialMessage { resource: Some(text), ..self }
    }
}

impl fmt::Display for DenialMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { decision, principal, action, resource } = self;
        if decision.is_allowed() {
            return write!(f, "User: {principal} is authorized to perform: {action}");
        }
        write!(f, "User: {principal} is not authorized to perform: {action}")?;
        if let Some(resource) = resource {
            write!(f, " on resource: {resource}")?;
        }
        match (decision.statement, decision.lacking) {
            (Some(statement), _) if decision.outcome == Outcome::ExplicitDeny => {
                write!(f, " with an explicit deny in {}", with_article(statement.kind))
            }
            (_, Some(kind)) => write!(f, " because no {} allows the {action} action", message_name(kind)),
            _ => Ok(()),
        }
    }
}

fn message_name(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Identity => "identity-based policy",
        PolicyKind::Resource => "resource-based policy",
        PolicyKind::Trust => "role trust policy",
        PolicyKind::Boundary => "permissions boundary",
        PolicyKind::Session => "session policy",
        PolicyKind::Scp => "service control policy",
        PolicyKind::Rcp => "resource control policy",
        PolicyKind::Endpoint => "VPC endpoint policy",
    }
}

fn with_article(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Identity => "an identity-based policy",
        PolicyKind::Resource => "a resource-based policy",
        PolicyKind::Trust => "the role trust policy",
        PolicyKind::Boundary => "a permissions boundary",
        PolicyKind::Session => "a session policy",
        PolicyKind::Scp => "a service control policy",
        PolicyKind::Rcp => "a resource control policy",
        PolicyKind::Endpoint => "a VPC endpoint policy",
    }
}
