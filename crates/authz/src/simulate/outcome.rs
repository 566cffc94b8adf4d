//! The response to a simulated request, in AWS's words.

use std::collections::{HashMap, HashSet};

use bailiwick_api::iam::{
    EvaluationResult, OrganizationsDecisionDetail, PermissionsBoundaryDecisionDetail, Position, ResourceSpecificResult,
    Statement,
};
use bailiwick_evaluator::{self as evaluator, Explanation, Finding, Located, PolicyKind, StatementRef, Verdict};
use bailiwick_policy_lang::Catalogue;

use super::resource_name;
use super::source::Source;

/// AWS's `SourcePolicyType` of a statement of a user, group, role, managed policy or the request.
const IAM_POLICY: &str = "IAM Policy";
/// The same of a statement of a permissions boundary.
const BOUNDARY_POLICY: &str = "Permissions Boundary Policy";
/// The same of a statement of the resource's policy.
const RESOURCE_POLICY: &str = "Resource Policy";

/// The maximum number of statements and missing keys in the result of one decision, in the order of the policies.
const MAX_STATEMENTS: usize = 100;

/// The maximum number of them in the results of all resources of an action; each resource has at least one.
const MAX_STATEMENTS_OF_ACTION: usize = 20_000;

/// The result of one action on one resource.
pub(super) struct Outcome {
    decision: evaluator::Outcome,
    matched: Vec<(StatementRef, Statement)>,
    missing: Vec<String>,
    /// The decision of each type of policy, if caller and resource are in different accounts.
    details: HashMap<String, String>,
    boundary: Option<bool>,
    organizations: Option<bool>,
}

impl Outcome {
    /// Returns the result that an explanation gives. `is_cross_account`: whether caller and resource are in different
    /// accounts; `has_resource_policy`: whether the request has the policy of the resource; `resources`: their number.
    pub(super) fn of(
        explanation: &Explanation<'_>,
        source: &Source,
        is_cross_account: bool,
        has_resource_policy: bool,
        missing: impl Iterator<Item = String>,
        resources: usize,
    ) -> Self {
        let most = (MAX_STATEMENTS_OF_ACTION / resources).clamp(1, MAX_STATEMENTS);
        let decision = explanation.decision.outcome;
        let denied = decision == evaluator::Outcome::ExplicitDeny;
        let deciding = match decision {
            evaluator::Outcome::Allowed => &explanation.matched[..],
            // No statement determines it.
            evaluator::Outcome::ImplicitDeny => &[],
            evaluator::Outcome::ExplicitDeny => &explanation.denies,
        };
        let matched = deciding.iter().filter_map(|located| {
            let (id, kind) = match located.at.kind {
                PolicyKind::Identity => (source.ids.get(located.at.policy as usize)?.as_str(), IAM_POLICY),
                // A boundary never grants, so it is named only if it denies.
                PolicyKind::Boundary if denied => (source.boundary.as_ref()?.1.as_str(), BOUNDARY_POLICY),
                PolicyKind::Resource | PolicyKind::Trust if has_resource_policy => ("ResourcePolicy", RESOURCE_POLICY),
                _ => return None,
            };
            Some((located.at, statement(id, kind, located)))
        });
        let of_kind = |kind| explanation.findings.iter().filter(move |finding| finding.kind == kind);
        let mut organizations = of_kind(PolicyKind::Scp).peekable();
        let organizations = organizations.peek().is_some().then(|| organizations.all(allows));
        Outcome {
            decision,
            matched: matched.take(most).collect(),
            missing: missing.take(most).collect(),
            // As in AWS: if the organization does not allow it, no other type of policy is evaluated.
            details: if is_cross_account && organizations != Some(false) {
                details(&explanation.findings, has_resource_policy)
            } else {
                HashMap::new()
            },
            boundary: of_kind(PolicyKind::Boundary).next().map(allows),
            organizations,
        }
    }

    fn boundary(&self) -> Option<PermissionsBoundaryDecisionDetail> {
        let detail = |allowed| PermissionsBoundaryDecisionDetail { allowed_by_permissions_boundary: Some(allowed) };
        self.boundary.map(detail)
    }
}

fn allows(finding: &Finding<'_>) -> bool {
    finding.verdict == Verdict::Allows
}

fn details(findings: &[Finding<'_>], has_resource_policy: bool) -> HashMap<String, String> {
    let mut details = HashMap::new();
    if has_resource_policy {
        details.insert(RESOURCE_POLICY.to_owned(), evaluator::Outcome::ImplicitDeny.as_str().to_owned());
    }
    for finding in findings {
        let name = match finding.kind {
            PolicyKind::Identity => IAM_POLICY,
            PolicyKind::Boundary => BOUNDARY_POLICY,
            PolicyKind::Resource | PolicyKind::Trust if has_resource_policy => RESOURCE_POLICY,
            _ => continue,
        };
        let said = match finding.verdict {
            Verdict::Allows => evaluator::Outcome::Allowed,
            Verdict::Denies => evaluator::Outcome::ExplicitDeny,
            Verdict::Silent => evaluator::Outcome::ImplicitDeny,
        };
        details.insert(name.to_owned(), said.as_str().to_owned());
    }
    details
}

fn statement(id: &str, kind: &str, located: &Located<'_>) -> Statement {
    let position = |at: bailiwick_policy_lang::Position| Position {
        line: i32::try_from(at.line).ok(),
        column: i32::try_from(at.column).ok(),
    };
    Statement {
        source_policy_id: Some(id.to_owned()),
        source_policy_type: Some(kind.to_owned()),
        start_position: Some(position(located.simulator_start)),
        end_position: Some(position(located.span.end)),
    }
}

/// Returns the result of an action: the most restrictive decision on its resources, and each decision. There is at least
/// one resource, and an outcome for each. If no resource is denied explicitly, the statements that allow some are named.
pub(super) fn result(
    catalogue: &Catalogue,
    action: &str,
    resources: &[&str],
    outcomes: Vec<Outcome>,
) -> EvaluationResult {
    let restrictive = |outcome: &&Outcome| match outcome.decision {
        evaluator::Outcome::Allowed => 0,
        evaluator::Outcome::ImplicitDeny => 1,
        evaluator::Outcome::ExplicitDeny => 2,
    };
    let decision = outcomes.iter().max_by_key(restrictive).map_or(evaluator::Outcome::ImplicitDeny, |o| o.decision);
    let deciding = || outcomes.iter().filter(|outcome| outcome.decision == decision);
    let mut seen = HashSet::new();
    let named =
        outcomes.iter().filter(|outcome| decision == evaluator::Outcome::ImplicitDeny || outcome.decision == decision);
    let matched = named.flat_map(|outcome| &outcome.matched).filter(|(at, _)| seen.insert(*at));
    let matched = matched.take(MAX_STATEMENTS).map(|(_, statement)| statement.clone()).collect();
    let all = |of: fn(&Outcome) -> Option<bool>| {
        let mut decided = outcomes.iter().filter_map(of).peekable();
        decided.peek().is_some().then(|| decided.all(|allowed| allowed))
    };
    let mut result = EvaluationResult {
        eval_action_name: Some(action.to_owned()),
        eval_resource_name: Some(match resources {
            [one] => (*one).to_owned(),
            several => resource_name::of_several(catalogue, action, several),
        }),
        eval_decision: Some(decision.as_str().to_owned()),
        matched_statements: matched,
        missing_context_values: {
            let mut seen = HashSet::new();
            let missing = outcomes.iter().flat_map(|outcome| &outcome.missing).filter(|key| seen.insert(*key));
            missing.take(MAX_STATEMENTS).cloned().collect()
        },
        organizations_decision_detail: all(|outcome| outcome.organizations)
            .map(|allowed| OrganizationsDecisionDetail { allowed_by_organizations: Some(allowed) }),
        permissions_boundary_decision_detail: all(|outcome| outcome.boundary)
            .map(|allowed| PermissionsBoundaryDecisionDetail { allowed_by_permissions_boundary: Some(allowed) }),
        eval_decision_details: deciding().next().map(|outcome| outcome.details.clone()).unwrap_or_default(),
        resource_specific_results: Vec::new(),
    };
    for (resource, outcome) in resources.iter().zip(outcomes) {
        if *resource != "*" || resources.len() > 1 {
            result.resource_specific_results.push(specific(resource, outcome));
        }
    }
    result
}

fn specific(resource: &str, outcome: Outcome) -> ResourceSpecificResult {
    ResourceSpecificResult {
        eval_resource_name: Some(resource.to_owned()),
        eval_resource_decision: Some(outcome.decision.as_str().to_owned()),
        permissions_boundary_decision_detail: outcome.boundary(),
        matched_statements: outcome.matched.into_iter().map(|(_, statement)| statement).collect(),
        missing_context_values: outcome.missing,
        eval_decision_details: outcome.details,
    }
}
