//! What the grammar refuses, as findings.

use super::code::*;
use super::{Cx, Finding, FindingType, Location, arn};
use crate::error::{ErrorKind, PolicyError};
use crate::kind::PolicyKind;
use crate::principal::PrincipalKind;

pub(super) fn check(cx: &mut Cx<'_>, errors: &[PolicyError]) {
    for error in errors {
        let found = finding(error);
        // A text that is not a policy cannot be saved, whatever AWS's validation reports.
        let code = if cx.is_for_aws() { found.code } else { found.code.graded(FindingType::Error) };
        cx.findings.push(Finding { code, ..found });
    }
}

/// What AWS's validation says of an error.
pub(super) fn finding(error: &PolicyError) -> Finding {
    let location = Location { path: error.path.clone(), span: error.span };
    let details = format!("{}: {}", error.kind, error.difference());
    Finding { code: code(error), details, locations: vec![location] }
}

fn code(error: &PolicyError) -> IssueCode {
    use ErrorKind as Kind;
    let has_variable = error.found.contains("${");
    match error.kind {
        Kind::Json | Kind::DuplicateKey | Kind::TooLong | Kind::TooDeep | Kind::Character => JSON_SYNTAX_ERROR,
        Kind::DataType => DATA_TYPE_MISMATCH,
        Kind::UnknownElement => INVALID_POLICY_ELEMENT,
        Kind::OldVersion if !error.found.starts_with('`') => MISSING_VERSION,
        Kind::Version | Kind::OldVersion => INVALID_VERSION,
        Kind::MissingStatement => MISSING_STATEMENT,
        Kind::MissingEffect => MISSING_EFFECT,
        Kind::Effect if has_variable => VARIABLE_UNSUPPORTED_IN_ELEMENT,
        Kind::Effect if error.policy == PolicyKind::Rcp && error.found == "`Allow`" => RCP_SYNTAX_ERROR_ALLOW,
        Kind::Effect => INVALID_EFFECT,
        Kind::MissingAction => MISSING_ACTION,
        Kind::MissingResource => MISSING_RESOURCE,
        Kind::MissingPrincipal => MISSING_PRINCIPAL,
        Kind::BothForms => UNSUPPORTED_ELEMENT_COMBINATION,
        Kind::EmptyAction => EMPTY_ARRAY_ACTION,
        Kind::EmptyResource => EMPTY_ARRAY_RESOURCE,
        Kind::EmptyPrincipal if error.found.contains("object") => EMPTY_OBJECT_PRINCIPAL,
        Kind::EmptyPrincipal => EMPTY_ARRAY_PRINCIPAL,
        Kind::ForbiddenPrincipal if error.policy == PolicyKind::Scp => SCP_SYNTAX_ERROR_PRINCIPAL,
        Kind::ForbiddenPrincipal => UNSUPPORTED_PRINCIPAL,
        Kind::ForbiddenNotPrincipal if error.policy == PolicyKind::Rcp => RCP_SYNTAX_ERROR_PRINCIPAL,
        Kind::ForbiddenNotPrincipal => ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL,
        Kind::AllowNotPrincipal => ALLOW_WITH_NOT_PRINCIPAL,
        Kind::ForbiddenResource => ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE,
        Kind::ForbiddenNotAction => RCP_SYNTAX_ERROR_NOTACTION,
        Kind::Sid if has_variable => VARIABLE_UNSUPPORTED_IN_ELEMENT,
        Kind::Sid => UNSUPPORTED_SID,
        Kind::DuplicateSid if error.policy.has_plain_sids() => UNIQUE_SIDS_REQUIRED,
        Kind::DuplicateSid => UNIQUE_SIDS_RECOMMENDED,
        Kind::ActionPrefix | Kind::ActionColons | Kind::ActionCharacter | Kind::ActionVendor if has_variable => {
            VARIABLE_UNSUPPORTED_IN_ELEMENT
        }
        Kind::ActionVendor | Kind::ResourceVendor if error.found.contains(['*', '?']) => WILDCARD_IN_SERVICE_NAME,
        Kind::ActionPrefix | Kind::ActionColons | Kind::ActionCharacter | Kind::ActionVendor => INVALID_ACTION,
        Kind::ForbiddenAction if error.policy == PolicyKind::Rcp => RCP_SYNTAX_ERROR_ACTION,
        Kind::ForbiddenAction => UNSUPPORTED_ACTION_IN_POLICY,
        Kind::ResourceFormat if error.found == "`arn:`" => MISSING_ARN_FIELD,
        Kind::ResourceFormat => INVALID_ARN_PREFIX,
        Kind::ResourcePartition => INVALID_PARTITION,
        Kind::ResourceVendor | Kind::ResourceParts => MISSING_ARN_FIELD,
        Kind::ResourceRegion => ARN_REGION_NOT_ALLOWED,
        Kind::ResourcePath => INVALID_ARN_RESOURCE,
        Kind::PrincipalFormat if error.policy == PolicyKind::Rcp => RCP_SYNTAX_ERROR_PRINCIPAL,
        Kind::PrincipalFormat => INVALID_PRINCIPAL_FORMAT,
        Kind::PrincipalKey => INVALID_PRINCIPAL_KEY,
        Kind::PrincipalValue | Kind::PrincipalWildcard if has_variable => VARIABLE_UNSUPPORTED_IN_ELEMENT,
        Kind::PrincipalValue => principal_value(error),
        Kind::PrincipalWildcard if error.policy == PolicyKind::Trust && principal_kind(error) != PrincipalKind::Aws => {
            ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL
        }
        Kind::PrincipalWildcard => UNSUPPORTED_WILDCARD_IN_PRINCIPAL,
        Kind::BarePrincipal => ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL,
        Kind::Operator => INVALID_CONDITION_OPERATOR,
        Kind::NullIfExists => NULL_WITH_IF_EXISTS,
        Kind::ConditionKey => INVALID_CONDITION_KEY_FORMAT,
        Kind::ConditionValue => TYPE_MISMATCH_DATE,
        Kind::VariableBrace | Kind::VariableCharacter => MISSING_BRACE_IN_VARIABLE,
        Kind::VariableQuote => MISSING_QUOTE_IN_VARIABLE,
        Kind::VariableEmpty => EMPTY_VARIABLE,
        Kind::VariableSpace => UNSUPPORTED_SPACE_IN_VARIABLE,
    }
}

fn principal_kind(error: &PolicyError) -> PrincipalKind {
    error.path.innermost_key().and_then(PrincipalKind::parse).unwrap_or(PrincipalKind::Aws)
}

fn principal_value(error: &PolicyError) -> IssueCode {
    match principal_kind(error) {
        PrincipalKind::Service => INVALID_SERVICE_PRINCIPAL_FORMAT,
        PrincipalKind::Federated if error.policy == PolicyKind::Trust => {
            INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY
        }
        PrincipalKind::Aws => {
            let value = error.found.trim_matches('`');
            arn::first_flaw(value).unwrap_or(INVALID_PRINCIPAL_FORMAT)
        }
        PrincipalKind::Federated | PrincipalKind::CanonicalUser => INVALID_PRINCIPAL_FORMAT,
    }
}
