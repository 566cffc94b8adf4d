//! Explanations of decisions.

use std::sync::Arc;

use bailiwick_policy_lang::{Effect, Operator, PolicyKind, Position, Span};

use crate::budget::Budget;
use crate::decide;
use crate::decision::{Decision, Outcome, StatementRef, Step};
use crate::policies::Policies;
use crate::policy::Policy;
use crate::prepared::PreparedRequest;
use crate::request::{Principal, Request};

mod distance;
mod examine;
mod filled;
mod layout;
mod missing_allows;
mod names;
mod suggest;
mod text;
mod words;

/// The explanation of a decision, as data. `Display` prints it as text.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation<'a> {
    /// The decision, as [`decide`](crate::decide()) makes it.
    pub decision: Decision,
    /// The principal.
    pub principal: Principal<'a>,
    /// The action.
    pub action: &'a str,
    /// The resource.
    pub resource: &'a str,
    /// The statement that decided.
    pub decided_by: Option<Located<'a>>,
    /// The verdict of each type of policy that takes part; for SCPs and RCPs, of each level.
    pub findings: Vec<Finding<'a>>,
    /// The types of policy that take no part.
    pub absent: Vec<Absent>,
    /// Every statement that matched, in the order of the findings.
    pub matched: Vec<Located<'a>>,
    /// For a denial: Allow statements that nearly matched, in policies whose Allow would help, nearest first.
    pub near_misses: Vec<NearMiss<'a>>,
    /// For a denial: the smallest statements that together would allow the request if there were no [`Self::denies`],
    /// one for each type of policy, and each level of SCPs, without an Allow. Whether to add them is the reader's
    /// decision.
    pub suggestions: Vec<Suggestion>,
    /// The Denies that override every suggestion.
    pub denies: Vec<Located<'a>>,
    /// Further notes, one sentence each. [`Self::check_names`] adds notes, and so may the caller.
    pub notes: Vec<String>,
    is_hopeless: bool,
}

/// A statement and its location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Located<'a> {
    /// Which statement.
    pub at: StatementRef,
    /// The name that its policy was compiled under.
    pub policy: Option<&'a str>,
    /// The ARN of the group, user or role that has the policy. The caller may set it.
    pub holder: Option<&'a str>,
    /// Its Sid.
    pub sid: Option<&'a str>,
    /// Its effect.
    pub effect: Effect,
    /// Its span in the text of the document.
    pub span: Span,
    /// Where it starts according to AWS's policy simulator.
    pub simulator_start: Position,
}

/// The verdict of a type of policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding<'a> {
    /// The type.
    pub kind: PolicyKind,
    /// For SCPs and RCPs: the level, counted from the root.
    pub level: u32,
    /// How many policies of the type took part.
    pub policies: usize,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether the request can't be allowed unless they allow it.
    pub required: bool,
    /// The statement with that verdict, if there is one.
    pub statement: Option<Located<'a>>,
}

/// The verdict of the policies of one type on a request.
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

/// A type of policy that takes no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Absent {
    /// The type.
    pub kind: PolicyKind,
    /// Why not.
    pub why: AbsentReason,
}

/// The reason why a type of policy takes no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AbsentReason {
    /// There is none.
    NoneThere,
    /// The caller is not a user, role or session, so there cannot be one.
    NoIdentity,
    /// The policies do not apply to callers, or resources, of the management account.
    ManagementAccount,
    /// The policies do not apply to service-linked roles.
    ServiceLinkedRole,
}

/// A statement that did not match, with the elements that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NearMiss<'a> {
    /// The statement.
    pub statement: Located<'a>,
    /// The first element that failed, in the order principal, action, resource, condition.
    pub failure: Failure,
    /// The other elements that failed.
    pub also: Vec<Failure>,
}

/// An element of a statement that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// `Principal` or `NotPrincipal`.
    Principal {
        /// Whether it is `NotPrincipal`.
        negated: bool,
        /// The principals as written.
        expected: Vec<Expected>,
    },
    /// `Action` or `NotAction`.
    Action {
        /// Whether it is `NotAction`.
        negated: bool,
        /// The patterns.
        expected: Vec<Expected>,
        /// The index of the closest pattern; for `NotAction`, of the pattern that matches.
        closest: usize,
    },
    /// `Resource` or `NotResource`.
    Resource {
        /// Whether it is `NotResource`.
        negated: bool,
        /// The patterns.
        expected: Vec<Expected>,
        /// The index of the closest pattern; for `NotResource`, of the pattern that matches.
        closest: usize,
    },
    /// A condition.
    Condition {
        /// The operator.
        operator: Operator,
        /// The key as written.
        key: Arc<str>,
        /// The listed values.
        expected: Vec<Expected>,
        /// The value in the request.
        actual: Actual,
        /// The span of the values in the text of the document.
        span: Span,
    },
}

/// A pattern or value of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expected {
    /// As the document has it.
    pub written: Arc<str>,
    /// The text with its variables replaced.
    pub variables: Variables,
}

/// The result of replacing the variables of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Variables {
    /// The text has no variables.
    None,
    /// Each variable has a value: the text with the values.
    Filled(String),
    /// The request does not have exactly one value for this key, so the text matches nothing.
    Unknown(String),
}

impl Expected {
    /// The text with its variables replaced, or as written if that is not possible.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.variables {
            Variables::Filled(text) => text,
            Variables::None | Variables::Unknown(_) => &self.written,
        }
    }
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

/// A statement that would help to allow the request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Suggestion {
    /// The type of policy to put it into.
    pub kind: PolicyKind,
    /// Of SCPs: the level, from the root on.
    pub level: u32,
    /// The ARN of the user, role, session or resource, or the id of the account, that the policy is or would be
    /// attached to. `None` if it is unknown.
    pub attach_to: Option<String>,
    /// The statement, as JSON.
    pub statement: String,
    /// Whether the statement requires `"Version": "2012-10-17"`.
    pub needs_variables: bool,
}

/// The largest number of near misses.
const MISSES: usize = 10;

/// Decides a request and explains the decision. It visits every statement, so it costs more than
/// [`decide`](crate::decide()).
#[must_use]
pub fn explain<'a>(request: &Request<'a>, policies: &Policies<'a>) -> Explanation<'a> {
    explained(request, policies, &mut 0)
}

/// Explains a request within a budget, and subtracts the steps from it. Returns `None` if the budget is exceeded.
#[must_use]
pub fn explain_within<'a>(
    request: &Request<'a>,
    policies: &Policies<'a>,
    budget: &mut Budget,
) -> Option<Explanation<'a>> {
    let explanation = explained(request, policies, &mut budget.steps);
    budget.unless_spent(explanation)
}

fn explained<'a>(request: &Request<'a>, policies: &Policies<'a>, steps: &mut u64) -> Explanation<'a> {
    let mut explanation = surveyed(request, policies, steps);
    if explanation.decision.is_allowed() {
        return explanation;
    }
    let (mut short, mut long) = ([0; 128], Vec::new());
    let subject = PreparedRequest::new(request, policies.boundary.is_some(), &mut short, &mut long);
    let missing_allows = missing_allows::missing_allows(request, policies, steps);
    let mut budget = distance::Budget::default();
    let groups = examine::groups(request, policies);
    let mut misses = Vec::new();
    for group in groups.iter().filter(|group| missing_allows.is_helped_by(group.kind)) {
        for miss in group.misses(&subject, &mut budget, steps) {
            misses.push(miss);
            if misses.len() > 4 * MISSES {
                nearest(&mut misses);
            }
        }
    }
    nearest(&mut misses);
    explanation.near_misses = misses.into_iter().map(|(_, miss)| miss).collect();
    for kind in missing_allows.wanting.iter().copied() {
        if kind != PolicyKind::Scp {
            explanation.suggestions.extend(suggest::suggestion(kind, 0, &subject, steps));
            continue;
        }
        for level in groups.iter().filter(|group| group.kind == kind) {
            if !level.allows(&subject, steps) {
                explanation.suggestions.extend(suggest::suggestion(kind, level.level, &subject, steps));
            }
        }
    }
    let is_root = matches!(request.principal, Principal::Root { .. });
    if is_root && explanation.suggestions.iter().any(|suggestion| suggestion.kind == PolicyKind::Resource) {
        explanation.notes.push(words::NAMES_THE_ACCOUNT.to_owned());
    }
    explanation
}

/// Decides a request and returns the verdicts and the statements that matched, without near misses and suggestions, as
/// simulations need it.
#[must_use]
pub fn trace<'a>(request: &Request<'a>, policies: &Policies<'a>) -> Explanation<'a> {
    surveyed(request, policies, &mut 0)
}

/// Traces a request within a budget, and subtracts the steps from it. Returns `None` if the budget is exceeded.
#[must_use]
pub fn trace_within<'a>(
    request: &Request<'a>,
    policies: &Policies<'a>,
    budget: &mut Budget,
) -> Option<Explanation<'a>> {
    let explanation = surveyed(request, policies, &mut budget.steps);
    budget.unless_spent(explanation)
}

fn surveyed<'a>(request: &Request<'a>, policies: &Policies<'a>, steps: &mut u64) -> Explanation<'a> {
    let (mut short, mut long) = ([0; 128], Vec::new());
    let subject = PreparedRequest::new(request, policies.boundary.is_some(), &mut short, &mut long);
    let decision = decide::run(request, policies, steps);
    let missing_allows = missing_allows::missing_allows(request, policies, steps);
    let mut findings = Vec::new();
    let (mut all, mut denies) = (Vec::new(), Vec::new());
    for group in examine::groups(request, policies) {
        let matched = group.matched(&subject, steps);
        let deny = matched.iter().find(|located| located.effect == Effect::Deny);
        denies.extend(matched.iter().filter(|located| located.effect == Effect::Deny));
        let (verdict, statement) = match (deny, matched.first()) {
            (Some(deny), _) => (Verdict::Denies, Some(*deny)),
            (None, Some(allow)) => (Verdict::Allows, Some(*allow)),
            (None, None) => (Verdict::Silent, None),
        };
        findings.push(Finding {
            kind: group.kind,
            level: group.level,
            policies: group.policies().count(),
            verdict,
            required: decision.step != Step::Exception && missing_allows.needs(group.kind),
            statement,
        });
        all.extend(matched);
    }
    Explanation {
        decision,
        principal: request.principal,
        action: request.action,
        resource: request.resource,
        decided_by: decision.statement.and_then(|at| locate(policies, at)),
        findings,
        absent: examine::absent(request, policies),
        matched: all,
        near_misses: Vec::new(),
        suggestions: Vec::new(),
        denies: if decision.outcome == Outcome::ExplicitDeny { denies } else { Vec::new() },
        notes: words::notes(request, &decision),
        is_hopeless: !decision.is_allowed() && missing_allows.is_hopeless,
    }
}

/// Keeps the nearest misses, in a stable order.
fn nearest(misses: &mut Vec<(examine::Distance, NearMiss<'_>)>) {
    misses.sort_by_key(|(distance, _)| *distance);
    misses.truncate(MISSES);
}

/// The steps for copying this much text, since a text may appear many times.
fn copying(bytes: usize) -> u64 {
    1 + bytes as u64 / 4
}

fn locate<'a>(policies: &Policies<'a>, at: StatementRef) -> Option<Located<'a>> {
    located(policies.policy(&at)?, at)
}

fn located(policy: &Policy, at: StatementRef) -> Option<Located<'_>> {
    let info = policy.statement(at.statement as usize)?;
    Some(Located {
        at,
        policy: policy.name(),
        holder: None,
        sid: info.sid,
        effect: info.effect,
        span: info.span,
        simulator_start: info.simulator_start,
    })
}

impl<'a> Explanation<'a> {
    /// Whether no Allow could help: root assumes no role.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        self.is_hopeless
    }

    /// Whether the request is of root to assume a role, which is never allowed.
    pub(crate) fn is_root_assuming(&self) -> bool {
        matches!(self.principal, Principal::Root { .. }) && decide::is_assume_role(self.action)
    }

    /// Every mention of a statement, so that the caller can complete the location.
    pub fn each_located(&mut self, visit: &mut dyn FnMut(&mut Located<'a>)) {
        self.decided_by.iter_mut().for_each(&mut *visit);
        self.findings.iter_mut().filter_map(|finding| finding.statement.as_mut()).for_each(&mut *visit);
        self.matched.iter_mut().for_each(&mut *visit);
        self.near_misses.iter_mut().map(|miss| &mut miss.statement).for_each(&mut *visit);
        self.denies.iter_mut().for_each(visit);
    }
}
