//! Why a decision came out as it did.

use std::sync::Arc;

use bailiwick_policy_lang::{Effect, Operator, PolicyKind, Span};

use crate::decide::{self, decide};
use crate::decision::{Decision, Outcome, StatementRef};
use crate::policies::Policies;
use crate::policy::Policy;
use crate::request::{Principal, Request};
use crate::subject::Subject;

mod examine;
mod suggest;
mod text;

/// Everything that there is to say about a decision. Its `Display` is for people.
#[derive(Clone, Debug)]
pub struct Explanation<'a> {
    /// The decision, as [`decide`] makes it.
    pub decision: Decision,
    /// Who asked.
    pub principal: Principal<'a>,
    /// For what.
    pub action: &'a str,
    /// On what.
    pub resource: &'a str,
    /// The statement that decided.
    pub decided_by: Option<Located<'a>>,
    /// What each type of policy said, and of SCPs and RCPs each level.
    pub findings: Vec<Finding<'a>>,
    /// Every statement that matched, in the order of the findings.
    pub matched: Vec<Located<'a>>,
    /// Of a denial: Allow statements that nearly matched, in policies whose Allow was wanting. Nearest first.
    pub near_misses: Vec<NearMiss<'a>>,
    /// Of a denial: the smallest statements that together would allow the request, one for each type of policy that
    /// lacks an Allow. Suggestions: whether they are wise is not for this crate to say.
    pub suggestions: Vec<Suggestion>,
    /// Denies that stand in the way of any suggestion.
    pub denies: Vec<Located<'a>>,
}

/// A statement and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located<'a> {
    /// Which statement.
    pub at: StatementRef,
    /// The name that its policy was compiled under.
    pub policy: Option<&'a str>,
    /// Its Sid.
    pub sid: Option<&'a str>,
    /// Its place in the document's text.
    pub span: Span,
}

/// What a type of policy said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<'a> {
    /// The type.
    pub kind: PolicyKind,
    /// Of SCPs and RCPs: the level, from the root on.
    pub level: u32,
    /// How many policies of the type took part.
    pub policies: usize,
    /// What they said.
    pub verdict: Verdict,
    /// The statement that said it; none when they were silent.
    pub statement: Option<Located<'a>>,
}

/// What policies of one type say of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// A statement allows, and none denies.
    Allows,
    /// A statement denies.
    Denies,
    /// No statement matches.
    Silent,
}

impl Verdict {
    /// `allows`, `denies` or `silent`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allows => "allows",
            Self::Denies => "denies",
            Self::Silent => "silent",
        }
    }
}

/// A statement that did not match, and the first of its elements that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss<'a> {
    /// The statement.
    pub statement: Located<'a>,
    /// What failed.
    pub failure: Failure,
}

/// The element of a statement that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// `Action` or `NotAction`.
    Action {
        /// Whether it is `NotAction`.
        negated: bool,
        /// The patterns as written.
        expected: Vec<Arc<str>>,
    },
    /// `Resource` or `NotResource`.
    Resource {
        /// Whether it is `NotResource`.
        negated: bool,
        /// The patterns as written.
        expected: Vec<Arc<str>>,
    },
    /// `Principal` or `NotPrincipal`.
    Principal {
        /// Whether it is `NotPrincipal`.
        negated: bool,
        /// The principals as written.
        expected: Vec<Arc<str>>,
    },
    /// A condition.
    Condition {
        /// The operator.
        operator: Operator,
        /// The key as written.
        key: Arc<str>,
        /// The listed values as written.
        expected: Vec<Arc<str>>,
        /// What the request has.
        actual: Actual,
        /// Where the values stand in the document's text.
        span: Span,
    },
}

/// The value of a context key in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actual {
    /// The request has no such key.
    Absent,
    /// One value.
    One(String),
    /// A multi-valued key.
    Many(Vec<String>),
}

/// A statement that would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The type of policy to put it into.
    pub kind: PolicyKind,
    /// The statement, as JSON.
    pub statement: String,
}

/// At most this many near misses are told.
const MISSES: usize = 10;

/// Decides a request and tells why. Looks at every statement: for people, not for every request.
#[must_use]
pub fn explain<'a>(request: &Request<'a>, policies: &Policies<'a>) -> Explanation<'a> {
    let (mut short, mut long) = ([0; 128], Vec::new());
    let subject = Subject::new(request, policies.boundary.is_some(), &mut short, &mut long);
    let decision = decide(request, policies);
    let groups = examine::groups(request, policies);
    let mut findings = Vec::new();
    let (mut all, mut denies) = (Vec::new(), Vec::new());
    for group in &groups {
        let matched = group.matched(&subject);
        all.extend(matched.iter().map(|located| located.0));
        let deny = matched.iter().find(|located| located.1 == Effect::Deny);
        denies.extend(matched.iter().filter(|located| located.1 == Effect::Deny).map(|located| located.0));
        let (verdict, statement) = match (deny, matched.first()) {
            (Some(deny), _) => (Verdict::Denies, Some(deny.0)),
            (None, Some(allow)) => (Verdict::Allows, Some(allow.0)),
            (None, None) => (Verdict::Silent, None),
        };
        let policies = group.policies().count();
        findings.push(Finding { kind: group.kind, level: group.level, policies, verdict, statement });
    }
    let (near_misses, suggestions) = if decision.is_allowed() {
        (Vec::new(), Vec::new())
    } else {
        let wanting = suggest::wanting(request, policies);
        let mut misses: Vec<_> = groups
            .iter()
            .filter(|group| wanting.contains(&group.kind))
            .flat_map(|group| group.misses(&subject))
            .collect();
        misses.sort_by_key(|(distance, _)| *distance);
        misses.truncate(MISSES);
        let suggestions = wanting.iter().map(|kind| suggest::statement(*kind, request)).collect();
        (misses.into_iter().map(|(_, miss)| miss).collect(), suggestions)
    };
    Explanation {
        decision,
        principal: request.principal,
        action: request.action,
        resource: request.resource,
        decided_by: decision.statement.and_then(|at| locate(policies, at)),
        findings,
        matched: all,
        near_misses,
        suggestions,
        denies: if decision.outcome == Outcome::ExplicitDeny { denies } else { Vec::new() },
    }
}

fn locate<'a>(policies: &Policies<'a>, at: StatementRef) -> Option<Located<'a>> {
    located(policies.policy(&at)?, at)
}

fn located(policy: &Policy, at: StatementRef) -> Option<Located<'_>> {
    let info = policy.statement(at.statement as usize)?;
    Some(Located { at, policy: policy.name(), sid: info.sid, span: info.span })
}

impl Explanation<'_> {
    /// Whether no Allow could help: root assumes no role.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        !self.decision.is_allowed()
            && matches!(self.principal, Principal::Root { .. })
            && decide::is_assume_role(self.action)
    }
}
