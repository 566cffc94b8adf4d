//! One statement, compiled.

use std::sync::Arc;

use bailiwick_policy_lang::{self as lang, Effect, PolicyKind, Position, Span};

use crate::compile::Interner;
use crate::condition::Condition;
use crate::context::ContextKey;
use crate::prepared::PreparedRequest;
use crate::principal::{PrincipalMatch, PrincipalSet};
use crate::resource::ResourceSet;

/// A compiled statement. The policy has its action set, which statements with the same list share.
pub(crate) struct Statement {
    pub(crate) effect: Effect,
    pub(crate) actions: u32,
    pub(crate) principals: PrincipalScope,
    /// `None` if the policy applies to its resource.
    pub(crate) resources: Option<ResourceSet>,
    pub(crate) conditions: Box<[Condition]>,
    pub(crate) sid: Option<Arc<str>>,
    pub(crate) span: Span,
    pub(crate) simulator_start: Position,
}

/// The principals that a statement applies to.
pub(crate) enum PrincipalScope {
    /// No `Principal` element: the principal that the policy is attached to.
    Attached,
    /// The principals of a `Principal` or `NotPrincipal` element.
    Listed(PrincipalSet),
    /// No principal, as for an Allow with `NotPrincipal`, which grants nothing.
    Empty,
}

impl Statement {
    pub(crate) fn compile(
        statement: &lang::Statement,
        kind: PolicyKind,
        variables: bool,
        actions: u32,
        interner: &mut Interner,
    ) -> Self {
        let principals = match &statement.principal {
            // The parser refuses both. An Allow of this form grants nothing.
            Some(element) if element.negated && statement.effect == Effect::Allow => PrincipalScope::Empty,
            None if kind.has_principal() && statement.effect == Effect::Allow => PrincipalScope::Empty,
            None => PrincipalScope::Attached,
            Some(element) => PrincipalScope::Listed(PrincipalSet::compile(element, interner)),
        };
        let resources =
            statement.resource.as_ref().map(|element| ResourceSet::compile(element, kind, variables, interner));
        let conditions = statement.conditions.iter().map(|c| Condition::compile(c, variables, interner)).collect();
        Self {
            effect: statement.effect,
            actions,
            principals,
            resources,
            conditions,
            sid: statement.sid.as_ref().map(|sid| interner.text(&sid.value)),
            span: statement.span,
            simulator_start: statement.simulator_start,
        }
    }

    /// Returns the ways in which the statement names the caller; empty if it does not apply to them.
    pub(crate) fn names(&self, subject: &PreparedRequest<'_>, steps: &mut u64) -> PrincipalMatch {
        match &self.principals {
            PrincipalScope::Attached => PrincipalMatch::EVERYONE,
            PrincipalScope::Listed(principals) => principals.names(subject, steps),
            PrincipalScope::Empty => PrincipalMatch::default(),
        }
    }

    /// Whether resource and conditions match. The caller checks action and principal.
    pub(crate) fn fits(&self, subject: &PreparedRequest<'_>, steps: &mut u64) -> bool {
        self.resources.as_ref().is_none_or(|resources| resources.matches(subject, steps))
            && self.conditions.iter().all(|c| c.holds(&subject.request.context, self.effect, steps))
    }

    /// Every context key that the statement uses.
    pub(crate) fn each_key<'a>(&'a self, visit: &mut dyn FnMut(&'a ContextKey)) {
        for pattern in self.resources.iter().flat_map(|set| &set.patterns) {
            pattern.each_key(visit);
        }
        for condition in &self.conditions {
            visit(&condition.key);
            condition.each_variable(visit);
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let principals = match &self.principals {
            PrincipalScope::Listed(principals) => principals.heap_bytes(),
            PrincipalScope::Attached | PrincipalScope::Empty => 0,
        };
        principals
            + self.resources.as_ref().map_or(0, ResourceSet::heap_bytes)
            + self.conditions.iter().map(|c| size_of::<Condition>() + c.heap_bytes()).sum::<usize>()
    }
}
