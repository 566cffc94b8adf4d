//! Conditions that are known not to do what one writes them for.

use super::arn::{ArnParts, is_account, is_open, is_region};
use super::code::*;
use super::{Cx, Target};
use crate::document::{Condition, Effect, Statement};
use crate::glob;
use crate::json::quoted;
use crate::operator::{ConditionOperator, Family};

pub(super) fn check(cx: &mut Cx<'_>) {
    for (statement, effect) in cx.effective() {
        for condition in &statement.conditions {
            untrustworthy(cx, condition);
            string_like_arn(cx, condition);
            key_of_kms(cx, condition);
            unscoped(cx, statement, condition);
            prefix(cx, effect, condition);
            if effect == Effect::Allow {
                attributes(cx, statement, condition);
            }
        }
    }
}

/// Keys whose value the caller's own software makes up.
const SPOOFABLE: [&str; 2] = ["aws:Referer", "aws:UserAgent"];

fn untrustworthy(cx: &mut Cx<'_>, condition: &Condition) {
    if SPOOFABLE.iter().any(|name| condition.key.eq_ignore_ascii_case(name)) {
        let details = format!("do not rely on {}: every caller sends in it what they like", quoted(&condition.key));
        cx.report(UNTRUSTWORTHY_CONDITION_KEY, condition.key.span, details);
    }
}

/// `*` of a String operator runs over the colons of an ARN.
fn string_like_arn(cx: &mut Cx<'_>, condition: &Condition) {
    let like = match condition.operator.base {
        ConditionOperator::StringLike => "ArnLike",
        ConditionOperator::StringNotLike => "ArnNotLike",
        _ => return,
    };
    if cx.catalogue().key(&condition.key).is_some_and(|key| key.family == Family::Arn) {
        let details = format!(
            "use `{like}` rather than `{}` with {}: with a String operator, a wildcard runs on into the next part of \
             the ARN",
            condition.operator,
            quoted(&condition.key)
        );
        cx.report(STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS, condition.key.span, details);
    }
}

fn key_of_kms(cx: &mut Cx<'_>, condition: &Condition) {
    let family = condition.operator.base.family();
    if !cx.is_for_aws()
        || !condition.key.eq_ignore_ascii_case("s3:x-amz-server-side-encryption-aws-kms-key-id")
        || !matches!(family, Family::String | Family::Arn)
    {
        return;
    }
    for value in condition.values.iter().filter(|value| !is_kms_key(&value.text)) {
        let details = format!(
            "replace {} with the ARN of a KMS key, `arn:aws:kms:region:account:key/id`: requests bring nothing else",
            quoted(&value.text)
        );
        cx.report(INVALID_KMS_KEY_VALUE, value.span, details);
    }
}

fn is_kms_key(text: &str) -> bool {
    let Some(parts) = ArnParts::parse(text) else { return is_open(text) };
    let id = parts.resource.strip_prefix("key/").is_some_and(|id| !id.is_empty());
    (is_open(parts.service) || parts.service == "kms")
        && (is_open(parts.region) || is_region(parts.region, Target::Aws))
        && (is_open(parts.account) || !parts.account.is_empty() && is_account(parts.account))
        && (id || is_open(parts.resource))
}

/// Keys that only some services bring.
const OF_SOME_SERVICES: [&str; 3] = ["aws:VpceAccount", "aws:VpceOrgID", "aws:VpceOrgPaths"];

fn unscoped(cx: &mut Cx<'_>, statement: &Statement, condition: &Condition) {
    if !OF_SOME_SERVICES.iter().any(|name| condition.key.eq_ignore_ascii_case(name)) {
        return;
    }
    let everywhere = |action: &str| action.split(':').next().is_some_and(|service| service.contains(['*', '?']));
    let actions = &statement.action;
    if actions.negated || actions.patterns.iter().any(|action| everywhere(action)) {
        let details = format!(
            "name the services in the statement: only some of them bring {}, and the others fail the condition or \
             pass it unseen",
            quoted(&condition.key)
        );
        cx.report_at(USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES, &[condition.key.span, actions.span], details);
    }
}

/// A shorter prefix lists what a longer one would, and matches no longer one.
fn prefix(cx: &mut Cx<'_>, effect: Effect, condition: &Condition) {
    let base = condition.operator.base;
    if !condition.key.eq_ignore_ascii_case("s3:prefix") || base.family() != Family::String {
        return;
    }
    if (effect == Effect::Deny) != base.is_negated() {
        let details = format!(
            "use `StringLike` with `Allow`, or `StringNotLike` with `Deny`: as it stands, a request with a prefix \
             shorter than those of {} is not stopped, and lists the same objects",
            quoted(&condition.key)
        );
        cx.report(S3_PREFIX_IN_NEGATIVE_CONTEXT, condition.key.span, details);
    }
}

/// Actions that return attributes, in lower case.
const READS: [&str; 4] = ["dynamodb:getitem", "dynamodb:batchgetitem", "dynamodb:query", "dynamodb:scan"];

fn attributes(cx: &mut Cx<'_>, statement: &Statement, condition: &Condition) {
    if !condition.key.eq_ignore_ascii_case("dynamodb:Attributes") || condition.operator.base.family() == Family::Null {
        return;
    }
    let covers = |pattern: &str, name: &str| glob::matches(&pattern.to_ascii_lowercase(), name);
    let reads = READS
        .iter()
        .any(|name| statement.action.patterns.iter().any(|pattern| covers(pattern, name)) != statement.action.negated);
    let selects = statement.conditions.iter().any(|other| {
        other.key.eq_ignore_ascii_case("dynamodb:Select")
            && other.values.iter().any(|value| &*value.text == "SPECIFIC_ATTRIBUTES")
    });
    if reads && !selects {
        let details = "set `dynamodb:Select` to `SPECIFIC_ATTRIBUTES` as well: a request that names no attributes \
                       brings no `dynamodb:Attributes` and gets all of them";
        cx.report(DYNAMODB_ATTRIBUTES_WITHOUT_SELECT, condition.key.span, details);
    }
}
