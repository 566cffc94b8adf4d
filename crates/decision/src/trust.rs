//! The trust policy that takes part in a decision.

use std::sync::LazyLock;

use bailiwick_evaluator::Policy;
use bailiwick_model::{Arn, UniqueId};
use bailiwick_policy_lang::catalogue::ServiceRules;
use bailiwick_policy_lang::{Document, PolicyKind, Span, Version};

use crate::{Entity, View};

/// The trust policy that takes part in a decision.
#[derive(Clone, Copy, Default)]
pub enum Trust<'a> {
    /// None.
    #[default]
    None,
    /// This one.
    Policy(&'a Policy),
    /// That of a role that does not exist, or that must look so. It allows nothing.
    AbsentRole,
}

/// The trust policy of a role that does not exist. It has no statement, so no request can match one.
static TRUST_NOBODY: LazyLock<Policy> = LazyLock::new(|| {
    let document = Document {
        version: Version::V2012,
        version_span: None,
        id: None,
        statements: Vec::new(),
        single_statement: false,
        span: Span::default(),
    };
    Policy::compile(&document, PolicyKind::Trust)
});

impl<'a> Trust<'a> {
    /// Returns the trust policy of a role.
    pub fn of_role(view: &'a View, role: &UniqueId) -> Self {
        Self::of_entity(view.entity(role))
    }

    /// Returns the trust policy that an action on a resource needs by the [rules](ServiceRules) of its service.
    pub fn for_action(view: &'a View, action: &str, resource: &str) -> Self {
        if !ServiceRules::is_decided_by_trust_policy(action) {
            return Trust::None;
        }
        Self::of_entity(Arn::parse(resource).ok().and_then(|arn| view.entity_by_arn(&arn)))
    }

    fn of_entity(entity: Option<&'a Entity>) -> Self {
        entity.and_then(|entity| entity.role()).map_or(Trust::AbsentRole, |role| Trust::Policy(&role.trust))
    }

    /// The policy.
    pub(crate) fn policy(self) -> Option<&'a Policy> {
        match self {
            Trust::None => None,
            Trust::Policy(policy) => Some(policy),
            Trust::AbsentRole => Some(&TRUST_NOBODY),
        }
    }

    /// Returns whether a policy is that of [`Trust::AbsentRole`].
    pub fn is_of_absent_role(policy: &Policy) -> bool {
        policy.ptr_eq(&TRUST_NOBODY)
    }
}

/// Returns the role that an action on a resource assumes, or sets tags or the source identity of a session of; `None` for
/// other actions, and for a resource that is not an ARN.
pub fn assumed_role(action: &str, resource: &str) -> Option<Arn> {
    ServiceRules::is_decided_by_trust_policy(action).then(|| Arn::parse(resource).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trust_policy_of_absent_roles_allows_nothing() {
        let policy = Trust::AbsentRole.policy().unwrap();
        assert!(Trust::is_of_absent_role(policy) && policy.is_empty());
        assert!(Trust::None.policy().is_none());
    }
}
