//! Why, and why not.

use bailiwick_api::authz::{
    self, ExplainRequest, ExplainResponse, FailedElement, PolicyTypeVerdict, StatementRef, Verdict,
};
use bailiwick_api::op;
use bailiwick_evaluator::{self as evaluator, Actual, Explanation, Failure, Policies, PolicyKind};
use bailiwick_model::{AccountId, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle};
use bailiwick_storage::Tx;

use crate::Authz;
use crate::asked::Claim;
use crate::authorize::is_stranger;
use crate::question::{self, assumed, service_prefix};
use crate::render::{Told, policy_type, statement};
use crate::subject::Present;

/// Decides one request and tells everything about it: what each type of policy said, which statements nearly matched.
///
/// The asking service needs `bailiwick:Explain`, bounded like `bailiwick:Authorize`. An explanation shows what
/// policies say, so across accounts it is for the management account alone: for others the check is on
/// `arn:PARTITION:bailiwick::THE-PRINCIPAL'S-ACCOUNT:service/PREFIX`, which no identity policy of theirs can give. For
/// who asks about assuming a role it is on the role's account as well, whose trust policy would be shown; for a question
/// without a policy of the resource on the resource's account, whose kept policy would be.
///
/// # Errors
/// As Authorize.
impl Handle<op::Explain> for Authz {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &ExplainRequest) -> Result<Vec<Check>> {
        let req = asked(req)?;
        let prefix = service_prefix(&req.action)?;
        let claim = self.claim(cx, &*self.looked_at(cx, tx, req.min_revision.as_deref()).await?, req.caller.as_ref());
        let claim = claim.unwrap_or_else(|_| Claim::nobody());
        let is_management = cx.account() == cx.deployment().management_account;
        let owner = claim.account.filter(|_| !is_management).unwrap_or(cx.account());
        let mut checks = claim.checks_in(cx, "bailiwick:Explain", prefix, owner);
        let role = assumed(&req.action, &req.resource).and_then(|role| role.account_id());
        let brought = role.is_some() || req.resource_policy.is_some();
        let holder = if brought { role } else { kept_by(&req.resource, req.resource_account.as_deref()) };
        if let Some(holder) = holder.filter(|holder| *holder != owner && is_stranger(cx, Some(*holder))) {
            checks.extend(claim.checks_in(cx, "bailiwick:Explain", prefix, holder));
        }
        Ok(checks)
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: ExplainRequest) -> Result<ExplainResponse> {
        let req = asked(&req)?;
        let snapshot = self.looked_at(cx, tx, req.min_revision.as_deref()).await?;
        let subject = self.asked_about(cx, &snapshot, req.caller.as_ref())?;
        let revision = self.deployment.revisions.format(snapshot.revision());
        self.asked(cx, &snapshot, req, &subject, |present, request, policies| {
            let explanation = evaluator::explain(request, policies);
            let told = Told::of(&explanation.decision, present, request, policies);
            render(&explanation, told.response(revision), present, policies)
        })
    }
}

/// The account in which a policy of the resource would be kept.
fn kept_by(resource: &str, said: Option<&str>) -> Option<AccountId> {
    question::owner(resource, said).ok().flatten()
}

fn asked(req: &ExplainRequest) -> Result<&authz::AuthorizeRequest> {
    req.request.as_ref().ok_or_else(|| IamError::validation("`request` must be there"))
}

fn render(
    explanation: &Explanation<'_>,
    result: authz::AuthorizeResponse,
    present: &Present<'_>,
    policies: &Policies<'_>,
) -> ExplainResponse {
    let at = |located: &evaluator::Located<'_>| statement(&located.at, present, policies);
    let wanting: Vec<PolicyKind> = explanation.suggestions.iter().map(|suggestion| suggestion.kind).collect();
    let verdicts = explanation.findings.iter().map(|finding| PolicyTypeVerdict {
        policy_type: policy_type(finding.kind).into(),
        verdict: match finding.verdict {
            evaluator::Verdict::Allows => Verdict::Allows,
            evaluator::Verdict::Denies => Verdict::Denies,
            evaluator::Verdict::Silent => Verdict::Silent,
        }
        .into(),
        required: wanting.contains(&finding.kind),
        policy_count: u32::try_from(finding.policies).unwrap_or(u32::MAX),
        matched: finding.statement.as_ref().and_then(at).into_iter().collect(),
    });
    let verdicts = verdicts.collect();
    let near_misses = explanation
        .near_misses
        .iter()
        .filter_map(|miss| Some(near_miss(at(&miss.statement)?, effect(&miss.statement, policies), &miss.failure)));
    let near_misses: Vec<_> = near_misses.collect();
    let mut missing_context_keys = Vec::new();
    for miss in &explanation.near_misses {
        if let Failure::Condition { key, actual: Actual::Absent, .. } = &miss.failure
            && !missing_context_keys.iter().any(|known: &String| known.eq_ignore_ascii_case(key))
        {
            missing_context_keys.push(key.to_string());
        }
    }
    let suggestion = explanation.suggestions.first().filter(|_| !explanation.is_hopeless());
    let suggestion = suggestion.map(|suggestion| authz::Suggestion {
        policy_type: policy_type(suggestion.kind).into(),
        attach_to: match suggestion.kind {
            PolicyKind::Resource | PolicyKind::Trust | PolicyKind::Rcp => explanation.resource.to_owned(),
            _ => present.names.identity_arn.to_string(),
        },
        statement: suggestion.statement.clone(),
    });
    ExplainResponse {
        result: Some(result),
        verdicts,
        near_misses,
        missing_context_keys,
        suggestion,
        text: explanation.to_string(),
    }
}

fn effect(located: &evaluator::Located<'_>, policies: &Policies<'_>) -> evaluator::Effect {
    policies.statement(&located.at).map_or(evaluator::Effect::Allow, |info| info.effect)
}

fn near_miss(statement: StatementRef, effect: evaluator::Effect, failure: &Failure) -> authz::NearMiss {
    let (element, condition, expected, actual) = match failure {
        Failure::Action { expected, .. } => (FailedElement::Action, None, expected, Vec::new()),
        Failure::Resource { expected, .. } => (FailedElement::Resource, None, expected, Vec::new()),
        Failure::Principal { expected, .. } => (FailedElement::Principal, None, expected, Vec::new()),
        Failure::Condition { operator, key, expected, actual, .. } => {
            let actual = match actual {
                Actual::Absent => Vec::new(),
                Actual::One(value) => vec![value.clone()],
                Actual::Many(values) => values.clone(),
            };
            (FailedElement::Condition, Some((operator.to_string(), key.to_string())), expected, actual)
        }
    };
    let (condition_operator, condition_key) = condition.unzip();
    authz::NearMiss {
        statement: Some(statement),
        effect: match effect {
            evaluator::Effect::Allow => "Allow".to_owned(),
            evaluator::Effect::Deny => "Deny".to_owned(),
        },
        element: element.into(),
        condition_operator,
        condition_key,
        expected: expected.iter().map(|one| one.text().to_owned()).collect(),
        actual,
    }
}
