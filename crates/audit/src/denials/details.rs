//! The details of a denial in AWS's form.
//!
//! What AWS does not have is left out: the text, near misses, positions of statements, versions and digests of policies.

use std::collections::{BTreeMap, HashMap};

use bailiwick_api::iamtoolbox as pb;
use bailiwick_model::{IamError, Result};
use bailiwick_operation::{AuthorizationDetails, ContextText, EvaluatedPolicy, Evaluation, LayerCheck, MatchedPolicy};

pub(super) fn response(details: AuthorizationDetails) -> Result<pb::GetRequestAuthorizationDetailsResponse> {
    Ok(pb::GetRequestAuthorizationDetailsResponse {
        request_context: context(details.request_context)?,
        evaluations: details.evaluations.into_iter().map(evaluation).collect::<Result<_>>()?,
        policies: details.policies.into_iter().map(policy).collect(),
        next_token: None,
    })
}

/// Context keys with their values as JSON: a string, or a list of strings.
fn context(keys: BTreeMap<String, ContextText>) -> Result<HashMap<String, String>> {
    let value = |value: &ContextText| serde_json::to_string(value).map_err(IamError::internal);
    keys.into_iter().map(|(key, text)| Ok((key, value(&text)?))).collect()
}

fn evaluation(evaluation: Evaluation) -> Result<pb::Evaluation> {
    let mut matched: Vec<pb::MatchedPolicy> = Vec::new();
    for policy in evaluation.checks.iter().flat_map(|check| &check.matched_policies) {
        if !matched.iter().any(|known| known.uri.as_ref() == Some(&policy.uri)) {
            matched.push(matched_policy(policy.clone()));
        }
    }
    Ok(pb::Evaluation {
        action: Some(evaluation.action),
        resource: Some(evaluation.resource),
        context: context(evaluation.context)?,
        evaluated_effect: Some(evaluation.evaluated_effect),
        matched_policies: matched,
        checks: evaluation.checks.into_iter().map(check).collect(),
    })
}

fn check(check: LayerCheck) -> pb::Check {
    pb::Check {
        check_type: Some(check.check_type),
        evaluated_effect: Some(check.evaluated_effect),
        target_arn: None,
        relevant_policy_types: check.relevant_policy_types,
        matched_policies: check.matched_policies.into_iter().map(matched_policy).collect(),
    }
}

fn matched_policy(policy: MatchedPolicy) -> pb::MatchedPolicy {
    let statements = policy.matched_statements.into_iter().map(|statement| pb::MatchedStatement {
        sid: Some(statement.sid),
        evaluated_effect: Some(statement.evaluated_effect),
    });
    pb::MatchedPolicy { matched_statements: statements.collect(), uri: Some(policy.uri) }
}

fn policy(policy: EvaluatedPolicy) -> pb::PolicyInfo {
    pb::PolicyInfo {
        r#type: Some(policy.policy_type),
        inline: Some(policy.inline),
        uri: Some(policy.uri),
        attached_to: policy.attached_to.into_iter().map(|arn| pb::AttachedTo { arn: Some(arn) }).collect(),
        policy_source: HashMap::new(),
    }
}

#[cfg(test)]
mod tests;
