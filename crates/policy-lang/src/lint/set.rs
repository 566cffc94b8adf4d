//! Keys with several values and the set operators.

use super::Cx;
use super::code::*;
use crate::json::quoted;
use crate::kind::PolicyKind;
use crate::operator::{Family, Qualifier};

pub(super) fn check(cx: &mut Cx<'_>) {
    for (_, condition) in cx.conditions() {
        let (operator, span) = (condition.operator, condition.operator_span);
        let key = cx.catalogue().key(&condition.key);
        if operator.base.family() == Family::Null {
            if operator.qualifier != Qualifier::None {
                let constant =
                    if operator.qualifier == Qualifier::ForAllValues { "holds always" } else { "never holds" };
                let details = format!("use `Null` without set operator: `{operator}` {constant}");
                cx.report(NULL_WITH_QUALIFIER, span, details);
            }
            continue;
        }
        match (operator.qualifier, key) {
            (Qualifier::None, Some(key)) if key.multivalued => {
                let details = format!(
                    "put `ForAnyValue:` or `ForAllValues:` before `{operator}`: a request may bring several values of {}",
                    quoted(&condition.key)
                );
                cx.report(MISSING_QUALIFIER, condition.key.span, details);
            }
            (Qualifier::ForAllValues, Some(key)) if !key.multivalued => {
                let details = format!(
                    "use `{}` without `ForAllValues:`: {} has one value, and with it the condition holds when the key \
                     is missing",
                    operator.base.name(),
                    quoted(&condition.key)
                );
                cx.report(FORALLVALUES_WITH_SINGLE_VALUED_KEY, condition.key.span, details);
            }
            (Qualifier::ForAnyValue, key) if is_audience(&condition.key) && key.is_none_or(|key| !key.multivalued) => {
                let details = format!(
                    "use `{}` without `ForAnyValue:`: a token has one value of {}, and with it the condition says more \
                     than it seems",
                    operator.base.name(),
                    quoted(&condition.key)
                );
                cx.report(FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE, condition.key.span, details);
            }
            (Qualifier::None, None) if cx.kind == PolicyKind::Trust && is_audience(&condition.key) => {
                let details = format!(
                    "if the provider's tokens may bring several values of {}, use a set operator",
                    quoted(&condition.key)
                );
                cx.report(CONFIRM_AUDIENCE_CLAIM_TYPE, condition.key.span, details);
            }
            (Qualifier::ForAllValues, None) if cx.kind == PolicyKind::Trust && is_audience(&condition.key) => {
                let details = format!(
                    "use `{}` without `ForAllValues:` unless the provider's tokens may bring several values of {}",
                    operator.base.name(),
                    quoted(&condition.key)
                );
                cx.report(CONFIRM_AUDIENCE_CLAIM_TYPE, condition.key.span, details);
            }
            _ => {}
        }
    }
}

/// `<issuer host and path>:aud`.
fn is_audience(key: &str) -> bool {
    key.rsplit_once(':').is_some_and(|(issuer, claim)| issuer.contains('.') && claim.eq_ignore_ascii_case("aud"))
}
