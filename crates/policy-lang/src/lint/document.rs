//! The document as a whole: version, statement ids, size.

use bailiwick_model::limits;

use super::code::*;
use super::{Cx, FindingType, speaks_of_identities};
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

/// Characters of one service control or resource control policy, white space included.
const CONTROL_POLICY_SIZE: usize = 5_120;

fn size(cx: &mut Cx<'_>) {
    if !cx.is_for_aws() {
        return size_here(cx);
    }
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
        _ => (POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA, cx.text.len(), limits::RESOURCE_POLICY_SIZE, "counted"),
    };
    too_long(cx, code, length, longest, counted);
}

/// The sizes that are refused when a document is saved are errors.
fn size_here(cx: &mut Cx<'_>) {
    let (packed, whole) = (non_whitespace_len(cx.text), cx.text.chars().count());
    let identity = POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA;
    let (code, length, longest) = match cx.kind {
        // The inline policies of a role may be longer than a managed policy.
        PolicyKind::Identity if packed <= limits::ROLE_INLINE_SIZE => {
            return too_long(cx, identity, packed, limits::MANAGED_POLICY_SIZE, "not counted");
        }
        PolicyKind::Identity => (identity, packed, limits::ROLE_INLINE_SIZE),
        PolicyKind::Boundary => (identity, packed, limits::MANAGED_POLICY_SIZE),
        PolicyKind::Session => (identity, whole, limits::SESSION_POLICY_SIZE),
        PolicyKind::Trust => (POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA, packed, limits::TRUST_POLICY_SIZE),
        PolicyKind::Scp => (POLICY_SIZE_EXCEEDS_SCP_QUOTA, whole, CONTROL_POLICY_SIZE),
        PolicyKind::Rcp => (POLICY_SIZE_EXCEEDS_RCP_QUOTA, whole, CONTROL_POLICY_SIZE),
        PolicyKind::Resource | PolicyKind::Endpoint => {
            (POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA, packed, limits::RESOURCE_POLICY_SIZE)
        }
    };
    let counted = if length == packed && length != whole { "not counted" } else { "counted" };
    too_long(cx, code.graded(FindingType::Error), length, longest, counted);
}

fn too_long(cx: &mut Cx<'_>, code: IssueCode, length: usize, longest: usize, counted: &str) {
    if length > longest {
        let details = format!(
            "shorten the policy, or split it into several: it has {length} characters, white space {counted}, and at \
             most {longest} are taken"
        );
        cx.report(code, cx.document().span, details);
    }
}
