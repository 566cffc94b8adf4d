//! Addresses: private ones, from which no request comes to AWS, and ranges with bits that do not count.

use super::Cx;
use super::code::*;
use crate::document::Condition;
use crate::json::quoted;
use crate::operator::Family;
use crate::value::IpRange;

pub(super) fn check(cx: &mut Cx<'_>) {
    for (_, condition) in cx.conditions() {
        if condition.operator.base.family() != Family::Ip {
            continue;
        }
        for value in &condition.values {
            let Some(range) = IpRange::parse(&value.text) else { continue };
            if range.network() != range {
                let details = format!(
                    "write {} as `{}`: the bits behind the prefix do not count",
                    quoted(&value.text),
                    range.network()
                );
                cx.report(IMPROVE_IP_RANGE, value.span, details);
            }
        }
        if cx.is_for_aws() && condition.key.eq_ignore_ascii_case("aws:SourceIp") {
            private(cx, condition);
        }
    }
}

/// Ranges that are never seen outside of a private network.
const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

fn private(cx: &mut Cx<'_>, condition: &Condition) {
    let ranges: Vec<IpRange> = PRIVATE.iter().filter_map(|range| IpRange::parse(range)).collect();
    let is_private =
        |text: &str| IpRange::parse(text).is_some_and(|range| ranges.iter().any(|private| range.is_within(private)));
    let found: Vec<_> = condition.values.iter().filter(|value| is_private(&value.text)).collect();
    let negated = condition.operator.base.is_negated();
    if found.is_empty() {
        return;
    }
    if found.len() == condition.values.len() {
        let (code, meaning) = if negated {
            (PRIVATE_NOT_IP_ADDRESS, "no effect")
        } else {
            (PRIVATE_IP_ADDRESS, "no request that meets it")
        };
        let details = format!(
            "name public addresses, or use `aws:VpcSourceIp`: requests come from public addresses, so the condition has {meaning}"
        );
        return cx.report(code, condition.span, details);
    }
    let code = if negated { PRIVATE_NOT_IP_ADDRESS_SUBSET } else { PRIVATE_IP_ADDRESS_SUBSET };
    for value in found {
        let details =
            format!("remove {}, or use `aws:VpcSourceIp`: requests come from public addresses", quoted(&value.text));
        cx.report(code, value.span, details);
    }
}
