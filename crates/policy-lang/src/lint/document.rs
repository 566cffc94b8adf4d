//! The document as a whole: version, statement ids, size.

use bailiwick_model::limits;

use super::code::*;
use super::{Cx, speaks_of_identities};
use crate::kind::PolicyKind;
use crate::size::non_whitespace_len;

pub(super) fn check(cx: &mut Cx<'_>) {
    let document = cx.document();
    if document.version_span.is_none() && !document.statements.is_empty() {
        let details = "add `\"Version\": \"2012-10-17\"`: without it the document is read as 2008-10-17, which has no \
                       policy variables";
        cx.report(MISSING_VERSION, document.span, details);
    }
    for sid in document.statements.iter().filter_map(|statement| statement.sid.as_ref()) {
        if sid.value.is_empty() {
            cx.report(EMPTY_SID_VALUE, sid.span, "give the `Sid` a value or leave it out");
        }
    }
    size(cx);
}

/// Characters of one resource-based policy, as the largest of AWS's services take.
const RESOURCE_POLICY_SIZE: usize = 20_480;
/// Characters of one service control or resource control policy, white space included.
const CONTROL_POLICY_SIZE: usize = 5_120;

fn size(cx: &mut Cx<'_>) {
    let packed = || non_whitespace_len(cx.text);
    let (code, length, longest, counted) = match cx.kind {
        kind if speaks_of_identities(kind) && kind != PolicyKind::Scp => {
            (POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA, packed(), limits::MANAGED_POLICY_SIZE, "not counted")
        }
        PolicyKind::Trust => {
            (POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA, packed(), limits::TRUST_POLICY_SIZE, "not counted")
        }
        PolicyKind::Scp => (POLICY_SIZE_EXCEEDS_SCP_QUOTA, cx.text.chars().count(), CONTROL_POLICY_SIZE, "counted"),
        PolicyKind::Rcp => (POLICY_SIZE_EXCEEDS_RCP_QUOTA, cx.text.chars().count(), CONTROL_POLICY_SIZE, "counted"),
        _ => (POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA, cx.text.len(), RESOURCE_POLICY_SIZE, "counted"),
    };
    if length > longest {
        let details = format!(
            "shorten the policy, or split it into several: it has {length} characters, white space {counted}, and at \
             most {longest} are taken"
        );
        cx.report(code, cx.document().span, details);
    }
}
