//! Explanations of decisions.

use std::collections::BTreeMap;

use bailiwick_api::authz::{
    self, ExplainRequest, ExplainResponse, FailedElement, PolicyTypeVerdict, StatementRef, Verdict,
};
use bailiwick_api::op;
use bailiwick_decision::{ResolvedSubject, Trust, assumed_role};
use bailiwick_evaluator::{
    self as evaluator, AbsentReason, Actual, Expected, Explanation, Failure, Policies, PolicyKind,
};
use bailiwick_model::{AccountId, ErrorCode, IamError, Result};
use bailiwick_operation::{Cx, Handle, Planned};
use bailiwick_storage::Tx;

use crate::authenticate::credentials::resolve_subject;
use crate::decide::caller::{ClaimedCaller, claim};
use crate::decide::disclosure::is_foreign_account;
use crate::decide::question::StoredTags;
use crate::decide::render::{DecisionView, holder, policy_type, statement};
use crate::decide::target::{self, service_prefix};
use crate::work_budget::WorkBudget;
use crate::{Authz, snapshot};

pub(crate) mod denial;
mod notes;
#[cfg(test)]
mod tests;

/// Decides one request and explains the decision: the verdict of each type of policy, and statements that nearly matched.
///
/// The asking service needs `bailiwick:Explain`, limited like `bailiwick:Authorize`. An explanation shows the content of
/// policies, so only the management account may ask across accounts. For other accounts the check is on
/// `arn:PARTITION:bailiwick::THE-PRINCIPAL'S-ACCOUNT:service/PREFIX`, which their own identity policies cannot allow. A
/// question about assuming a role has a check on the role's account too, because it shows the trust policy; a question
/// without a resource policy has one on the resource's account, because it shows the stored policy.
///
/// The caller may be a role: the answer is that for a new session without session policies, tags and MFA.
///
/// # Errors
/// As Authorize.
impl Handle<op::Explain> for Authz {
    /// The question without its caller, and the caller.
    type Plan = (authz::AuthorizeRequest, Result<ClaimedCaller>);

    fn min_revision<'r>(&self, req: &'r ExplainRequest) -> Option<&'r str> {
        req.request.as_ref()?.min_revision.as_deref()
    }

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: ExplainRequest) -> Result<Planned<Self::Plan>> {
        let mut req = req.request.ok_or_else(|| IamError::validation("`request` must be there"))?;
        let prefix = service_prefix(&req.action)?;
        let caller = self.claimed_or_role(cx, &*snapshot(cx)?, req.caller.take());
        let claim = claim(&caller);
        let is_management = cx.account() == cx.deployment().management_account;
        let owner = claim.account.filter(|_| !is_management).unwrap_or(cx.account());
        let mut checks = claim.checks_in(cx, "bailiwick:Explain", prefix, owner);
        let role = assumed_role(&req.action, &req.resource).and_then(|role| role.account_id());
        let has_given_policy = role.is_some() || req.resource_policy.is_some();
        let holder =
            if has_given_policy { role } else { stored_policy_account(&req.resource, req.resource_account.as_deref()) };
        if let Some(holder) = holder.filter(|holder| *holder != owner && is_foreign_account(cx, Some(*holder))) {
            checks.extend(claim.checks_in(cx, "bailiwick:Explain", prefix, holder));
        }
        Ok(Planned::new((req, caller)).checks(checks))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, (req, caller): Self::Plan) -> Result<ExplainResponse> {
        let snapshot = snapshot(cx)?;
        let about = self.question_subject(cx, &snapshot, caller?)?;
        let revision = self.deployment.revisions.format(snapshot.revision());
        let (question, context) = self.question(&snapshot, &req, &about)?;
        let resolved = &resolve_subject(&about.subject, &snapshot)?;
        question.with(cx, resolved, &[&context], StoredTags::Shown, |request, policies, disclosure| {
            let explanation = WorkBudget::new().spend(|budget| evaluator::explain_within(request, policies, budget));
            let mut explanation = explanation?;
            if !disclosure.shows_all() {
                // The checks ensure this. It is checked again, because an explanation shows everything.
                return Err(IamError::new(ErrorCode::AccessDenied, "policies of other accounts are not explained"));
            }
            let view = DecisionView::of(&explanation.decision, resolved, request, policies, disclosure);
            if is_foreign_account(cx, request.resource_account.id) {
                without_tags(&mut explanation);
            }
            notes::add(&mut explanation, resolved, request);
            if !explanation.decision.is_allowed() && policies.trust.is_some_and(Trust::is_of_absent_role) {
                notes::no_such_role(&mut explanation);
            }
            Ok(response_of(explanation, view.response(revision), resolved, policies))
        })
    }
}

/// The account in which a policy of the resource would be stored.
fn stored_policy_account(resource: &str, said: Option<&str>) -> Option<AccountId> {
    target::owner(resource, said).ok().flatten()
}

/// Removes near misses that would reveal the stored tags of another account's resource.
fn without_tags(explanation: &mut Explanation<'_>) {
    const TAG: &str = "aws:resourcetag/";
    let reveals = |failure: &Failure| {
        let (key, expected) = match failure {
            Failure::Condition { key, expected, .. } => (&**key, expected),
            Failure::Principal { expected, .. }
            | Failure::Action { expected, .. }
            | Failure::Resource { expected, .. } => ("", expected),
        };
        let has_tag = |text: &str| text.to_ascii_lowercase().contains(TAG);
        has_tag(key) || expected.iter().any(|one| has_tag(&one.written))
    };
    explanation.near_misses.retain(|miss| !reveals(&miss.failure) && !miss.also.iter().any(reveals));
}

/// The maximum number of matched statements that a response shows of one type of policy.
const MAX_MATCHED: usize = 20;

fn response_of(
    mut explanation: Explanation<'_>,
    result: authz::AuthorizeResponse,
    resolved: &ResolvedSubject<'_>,
    policies: &Policies<'_>,
) -> ExplainResponse {
    let holders = holders(&mut explanation, resolved);
    let mut explanation: Explanation<'_> = explanation;
    set_holders(&mut explanation, &holders);
    let at = |located: &evaluator::Located<'_>| {
        let end = located.span.end;
        statement(&located.at, resolved, policies).map(|statement| StatementRef {
            end_line: end.line,
            end_column: end.column,
            ..statement
        })
    };
    let near_misses = explanation.near_misses.iter();
    let near_misses = near_misses.filter_map(|miss| Some(near_miss(at(&miss.statement)?, miss))).collect();
    let suggestions = explanation.suggestions.iter().map(|suggestion| authz::Suggestion {
        policy_type: policy_type(suggestion.kind).into(),
        attach_to: suggestion.attach_to.clone().unwrap_or_default(),
        statement: suggestion.statement.clone(),
        level: level(suggestion.kind, suggestion.level),
        needs_variables: suggestion.needs_variables,
    });
    ExplainResponse {
        result: Some(result),
        verdicts: verdicts(&explanation, at),
        near_misses,
        missing_context_keys: explanation.missing_keys(),
        suggestions: suggestions.collect(),
        denies: explanation.denies.iter().filter_map(at).collect(),
        notes: explanation.notes.clone(),
        text: explanation.to_string(),
    }
}

/// The ARNs of the identities that have the identity policies of an explanation, by the position of the policy.
type Holders = BTreeMap<u32, Option<String>>;

fn holders(explanation: &mut Explanation<'_>, resolved: &ResolvedSubject<'_>) -> Holders {
    let mut holders = Holders::new();
    explanation.each_located(&mut |located| {
        if located.at.kind == PolicyKind::Identity {
            holders.entry(located.at.policy).or_insert_with(|| holder(&located.at, resolved));
        }
    });
    holders
}

fn set_holders<'a>(explanation: &mut Explanation<'a>, holders: &'a Holders) {
    explanation.each_located(&mut |located| {
        let identity = located.at.kind == PolicyKind::Identity;
        located.holder = holders.get(&located.at.policy).filter(|_| identity).and_then(|holder| holder.as_deref());
    });
}

fn verdicts(
    explanation: &Explanation<'_>,
    at: impl Fn(&evaluator::Located<'_>) -> Option<StatementRef>,
) -> Vec<PolicyTypeVerdict> {
    let said = explanation.findings.iter().map(|finding| {
        let mut matched: Vec<&evaluator::Located<'_>> = explanation
            .matched
            .iter()
            .filter(|located| located.at.kind == finding.kind && located.at.level == finding.level)
            .collect();
        matched.sort_by_key(|located| located.effect != evaluator::Effect::Deny);
        PolicyTypeVerdict {
            policy_type: policy_type(finding.kind).into(),
            verdict: match finding.verdict {
                evaluator::Verdict::Allows => Verdict::Allows,
                evaluator::Verdict::Denies => Verdict::Denies,
                evaluator::Verdict::Silent => Verdict::Silent,
            }
            .into(),
            required: finding.required,
            policy_count: u32::try_from(finding.policies).unwrap_or(u32::MAX),
            matched: matched.into_iter().take(MAX_MATCHED).filter_map(&at).collect(),
            level: level(finding.kind, finding.level),
        }
    });
    let absent = explanation.absent.iter().map(|absent| PolicyTypeVerdict {
        policy_type: policy_type(absent.kind).into(),
        verdict: match absent.why {
            AbsentReason::NoneThere | AbsentReason::NoIdentity => Verdict::NotPresent,
            AbsentReason::ManagementAccount | AbsentReason::ServiceLinkedRole => Verdict::NotBinding,
        }
        .into(),
        ..PolicyTypeVerdict::default()
    });
    said.chain(absent).collect()
}

/// The level of an organization's policies, from 1; others have none.
fn level(kind: PolicyKind, level: u32) -> u32 {
    if matches!(kind, PolicyKind::Scp | PolicyKind::Rcp) { level + 1 } else { 0 }
}

fn near_miss(statement: StatementRef, miss: &evaluator::NearMiss<'_>) -> authz::NearMiss {
    let texts = |expected: &[Expected]| expected.iter().map(|one| one.text().to_owned()).collect();
    let mut out = authz::NearMiss {
        statement: Some(statement),
        effect: miss.statement.effect.as_str().to_owned(),
        also: miss.also.iter().map(ToString::to_string).collect(),
        ..authz::NearMiss::default()
    };
    match &miss.failure {
        Failure::Principal { expected, .. } => {
            out.set_element(FailedElement::Principal);
            out.expected = texts(expected);
        }
        Failure::Action { expected, closest, .. } => {
            out.set_element(FailedElement::Action);
            out.closest = expected.get(*closest).map(|one| one.text().to_owned());
            out.expected = texts(expected);
        }
        Failure::Resource { expected, closest, .. } => {
            out.set_element(FailedElement::Resource);
            out.closest = expected.get(*closest).map(|one| one.text().to_owned());
            out.expected = texts(expected);
        }
        Failure::Condition { operator, key, expected, actual, span } => {
            out.set_element(FailedElement::Condition);
            out.condition_operator = Some(operator.to_string());
            out.condition_key = Some(key.to_string());
            out.expected = texts(expected);
            out.key_present = *actual != Actual::Absent;
            out.actual = match actual {
                Actual::Absent => Vec::new(),
                Actual::One(value) => vec![value.clone()],
                Actual::Many(values) => values.clone(),
            };
            (out.line, out.column) = (span.start.line, span.start.column);
        }
    }
    out
}
