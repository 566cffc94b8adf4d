//! Condition values: whether they fit their operator and their key.

use super::arn::is_region;
use super::code::*;
use super::{Cx, Target};
use crate::document::{Condition, ConditionValue, ValueType};
use crate::json::{NodeKind, quoted};
use crate::operator::{ConditionOperator, Family, Qualifier};
use crate::principal::{PrincipalKind, PrincipalName};
use crate::template::{Piece, Template};
use crate::value::is_policy_value;

pub(super) fn check(cx: &mut Cx<'_>) {
    empty_blocks(cx);
    for (_, condition) in cx.conditions() {
        count(cx, condition);
        types(cx, condition);
        for value in &condition.values {
            form(cx, condition, value);
            wildcard(cx, condition, value);
            name(cx, condition, value);
        }
    }
}

/// `"Condition": {}` and operators without keys, which leave no trace in the document.
fn empty_blocks(cx: &mut Cx<'_>) {
    let root = cx.tree.root();
    let statements = root.members().filter(|(key, _)| key.text() == "Statement").map(|(_, value)| value);
    let mut blocks = Vec::new();
    for list in statements {
        let single = (list.kind() == NodeKind::Object).then_some(list);
        for statement in single.into_iter().chain(list.items()) {
            for (_, condition) in statement.members().filter(|(key, _)| key.text() == "Condition") {
                blocks.push(condition);
                blocks.extend(condition.members().map(|(_, block)| block));
            }
        }
    }
    for block in blocks {
        if block.kind() == NodeKind::Object && block.members().next().is_none() {
            cx.report(EMPTY_OBJECT_CONDITION, block.span(), "remove the empty block, or say what must hold");
        }
    }
}

/// How many values there are, and how many make sense.
fn count(cx: &mut Cx<'_>, condition: &Condition) {
    let operator = condition.operator;
    if condition.values.is_empty() {
        let (code, meaning) = match operator.qualifier {
            Qualifier::ForAllValues => (EMPTY_ARRAY_CONDITION_FORALLVALUES, "holds only when the key is missing"),
            Qualifier::ForAnyValue if operator.base.is_negated() => {
                (EMPTY_ARRAY_CONDITION_FORANYVALUE, "compares with nothing")
            }
            Qualifier::ForAnyValue => (EMPTY_ARRAY_CONDITION_FORANYVALUE, "never holds"),
            Qualifier::None if operator.if_exists => {
                (EMPTY_ARRAY_CONDITION_IFEXISTS, "holds only when the key is missing")
            }
            Qualifier::None => (EMPTY_ARRAY_CONDITION, "compares with nothing"),
        };
        let details = format!("give {} values: as it stands, the condition {meaning}", quoted(&condition.key));
        return cx.report(code, condition.span, details);
    }
    if condition.values.len() == 1 {
        return;
    }
    match operator.base {
        ConditionOperator::Bool | ConditionOperator::Null => {
            let details = format!("leave one value of {}: it is true or false", quoted(&condition.key));
            cx.report(INVALID_CONDITION_MULTIPLE_BOOLEAN, condition.span, details);
        }
        ConditionOperator::NumericLessThan
        | ConditionOperator::NumericLessThanEquals
        | ConditionOperator::NumericGreaterThan
        | ConditionOperator::NumericGreaterThanEquals => {
            let details = format!("leave one value under `{operator}`: the widest of several decides");
            cx.report(REDUNDANT_CONDITION_VALUE_NUM, condition.span, details);
        }
        _ => {}
    }
    let first = condition.values[0].value_type;
    if condition.values.iter().any(|value| value.value_type != first) {
        let details = format!("write all values of {} as the same JSON type", quoted(&condition.key));
        cx.report(INVALID_CONDITION_DATA_TYPE, condition.span, details);
    }
}

/// The operator's family against the key's.
fn types(cx: &mut Cx<'_>, condition: &Condition) {
    let family = condition.operator.base.family();
    let Some(key) = cx.catalogue().key(&condition.key) else { return };
    let fits = match (key.family, family) {
        (_, Family::Null) => true,
        // An ARN may be compared as text, part by part or whole; a time, as the number of its seconds.
        (Family::Arn, Family::String) | (Family::Date, Family::Numeric) => true,
        (key, operator) => key == operator,
    };
    if !fits {
        let wanted = match key.family {
            Family::String => "a String",
            Family::Numeric => "a Numeric",
            Family::Date => "a Date",
            Family::Bool => "the `Bool`",
            Family::Binary => "the `BinaryEquals`",
            Family::Ip => "an IP address",
            Family::Arn => "an ARN",
            Family::Null => "the `Null`",
        };
        let details = format!("use {wanted} operator with `{}` rather than `{}`", key.name, condition.operator);
        cx.report(TYPE_MISMATCH, condition.operator_span, details);
    }
}

/// Each value against the operator's family.
fn form(cx: &mut Cx<'_>, condition: &Condition, value: &ConditionValue) {
    let text = &*value.text;
    let family = condition.operator.base.family();
    // A variable is whatever the request puts in; where there are none, that has been said.
    if cx.document().version.has_variables() && Template::is_needed(text) {
        return;
    }
    let (code, wanted) = match family {
        Family::Bool | Family::Null => (TYPE_MISMATCH_BOOLEAN, "`true` or `false`"),
        Family::Numeric => (TYPE_MISMATCH_NUMBER, "a number"),
        Family::Date => (TYPE_MISMATCH_DATE, "a date such as `2024-06-14T12:30:00Z`"),
        Family::Ip => (TYPE_MISMATCH_IP_RANGE, "an address or a range such as `198.51.100.0/24`"),
        Family::Binary => (TYPE_MISMATCH_STRING, "base64"),
        Family::String | Family::Arn => return,
    };
    if !is_policy_value(family, text) {
        let details = format!("replace {} with {wanted}: `{}` cannot read it", quoted(text), condition.operator);
        cx.report(code, value.span, details);
    } else if family == Family::Date && is_epoch(text) && !condition.key.eq_ignore_ascii_case("aws:EpochTime") {
        let details = format!(
            "write {} as `2024-06-14T12:30:00Z`: digits alone are seconds since 1970, neither milliseconds nor year, \
             month and day",
            quoted(text)
        );
        cx.report(INVALID_DATE_VALUE, value.span, details);
    }
}

/// Digits that are not a year.
fn is_epoch(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.len() != 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// `*` and `?` where they are plain characters.
fn wildcard(cx: &mut Cx<'_>, condition: &Condition, value: &ConditionValue) {
    let base = condition.operator.base;
    if base.family() != Family::String || base.takes_wildcards() || value.value_type != ValueType::String {
        return;
    }
    let has_variables = cx.document().version.has_variables();
    let is_wild = |text: &str| text.contains(['*', '?']);
    let wild = match Template::parse(&value.text) {
        Ok(pieces) if has_variables => {
            pieces.iter().any(|piece| matches!(piece, Piece::Literal(text) if is_wild(text)))
        }
        _ => is_wild(&value.text),
    };
    if wild {
        let like = if base.is_negated() { "StringNotLike" } else { "StringLike" };
        let details = format!(
            "use `{like}` if {} is a pattern: `{}` takes `*` and `?` as plain characters",
            quoted(&value.text),
            condition.operator
        );
        cx.report(WILDCARD_WITHOUT_LIKE_OPERATOR, value.span, details);
    }
}

/// Values that are names of things: regions, networks, services.
fn name(cx: &mut Cx<'_>, condition: &Condition, value: &ConditionValue) {
    let text = &*value.text;
    if condition.operator.base.family() != Family::String || text.contains(['*', '?']) || text.contains("${") {
        return;
    }
    let aws = cx.is_for_aws();
    let (code, wanted) = match &*condition.key.to_ascii_lowercase() {
        "aws:requestedregion" if !is_region(text, cx.validation.target) && text != "aws-global" => {
            (INVALID_REGION, "the name of a Region")
        }
        "aws:sourcevpc" if aws && !has_id(text, "vpc-") => {
            (INVALID_VPC_FORMAT, "the id of a VPC: `vpc-` and 8 or 17 letters and digits")
        }
        "aws:sourcevpce" if aws && !has_id(text, "vpce-") => {
            (INVALID_VPCE_FORMAT, "the id of a VPC endpoint: `vpce-` and 8 or 17 letters and digits")
        }
        "kms:viaservice" if aws && !is_regional_service(text) => {
            (INVALID_SERVICE_PRINCIPAL_FORMAT, "the name of a service in a Region, `ec2.eu-west-1.amazonaws.com`")
        }
        "iam:passedtoservice"
        | "iam:awsservicename"
        | "aws:principalservicename"
        | "aws:calledviafirst"
        | "aws:calledvialast"
        | "aws:calledvia"
        | "aws:principalservicenameslist" => {
            let mut principals = cx.catalogue().services().flat_map(|service| &service.principals);
            if !matches!(PrincipalName::parse(PrincipalKind::Service, text), Some(PrincipalName::Service(_))) {
                (INVALID_SERVICE_PRINCIPAL_FORMAT, "the name of a service, such as `ec2.amazonaws.com`")
            } else if cx.catalogue().complete && !principals.any(|known| **known == *text) {
                (INVALID_SERVICE, "the name of a service that there is")
            } else {
                return;
            }
        }
        _ => return,
    };
    cx.report(code, value.span, format!("replace {} with {wanted}", quoted(text)));
}

/// `service.region.amazonaws.com`.
fn is_regional_service(text: &str) -> bool {
    let mut parts = text.splitn(3, '.');
    let (service, region, domain) = (parts.next(), parts.next(), parts.next());
    service.is_some_and(|service| !service.is_empty())
        && region.is_some_and(|region| is_region(region, Target::Aws))
        && domain.is_some_and(|domain| domain.starts_with("amazonaws.com"))
}

fn has_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|id| matches!(id.len(), 8 | 17) && id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}
