//! Findings of a running server, which also knows its registered services.

use bailiwick_api::authz::{self as pb, policy_path_element::Element};
use bailiwick_api::op;
use bailiwick_policy_lang::{
    ALL_CODES, Finding, FindingType, IssueCode, Location, Path, PathElement, PolicyKind, Position, Span, Target,
    Validation,
};

use crate::commands::remote::Connection;
use crate::failure::Failure;

/// Asks the server to validate a document.
pub(super) async fn validate(
    server: &Connection,
    text: &str,
    kind: PolicyKind,
    validation: &Validation<'_>,
) -> Result<Vec<Finding>, Failure> {
    let (mut findings, mut next_token) = (Vec::new(), None);
    loop {
        let request = pb::ValidatePolicyRequest {
            policy_document: Some(text.to_owned()),
            policy_type: Some(policy_type(kind).to_owned()),
            validate_policy_resource_type: validation.resource_type.map(str::to_owned),
            target: Some(if validation.target == Target::Aws { "AWS" } else { "BAILIWICK" }.to_owned()),
            max_results: Some(1000),
            next_token,
        };
        let answer = server.call::<op::ValidatePolicy>(&request).await;
        let answer = answer.map_err(|e| Failure::with_code(e.to_string(), 2))?;
        for found in answer.findings {
            let unknown = || Failure::with_code("the server has another version of Bailiwick: update this program", 2);
            findings.push(finding(text, found).ok_or_else(unknown)?);
        }
        next_token = answer.next_token;
        if next_token.is_none() {
            return Ok(findings);
        }
    }
}

fn policy_type(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Identity => "IDENTITY_POLICY",
        PolicyKind::Resource => "RESOURCE_POLICY",
        PolicyKind::Trust => "TRUST_POLICY",
        PolicyKind::Boundary => "PERMISSIONS_BOUNDARY",
        PolicyKind::Session => "SESSION_POLICY",
        PolicyKind::Scp => "SERVICE_CONTROL_POLICY",
        PolicyKind::Rcp => "RESOURCE_CONTROL_POLICY",
        PolicyKind::Endpoint => "ENDPOINT_POLICY",
    }
}

/// Converts a finding of the server; none for an unknown check.
fn finding(text: &str, finding: pb::ValidatePolicyFinding) -> Option<Finding> {
    let code = ALL_CODES.iter().find(|code| code.name == finding.issue_code)?;
    let severities = [FindingType::Error, FindingType::SecurityWarning, FindingType::Warning, FindingType::Suggestion];
    let finding_type = severities.into_iter().find(|severity| severity.as_str() == finding.finding_type)?;
    let code = IssueCode { finding_type, ..*code };
    let locations = finding.locations.into_iter().map(|found| location(text, found));
    Some(Finding { code, details: finding.finding_details, locations: locations.collect() })
}

fn location(text: &str, location: pb::PolicyLocation) -> Location {
    let elements = location.path.into_iter().filter_map(|element| {
        Some(match element.element? {
            Element::Index(index) => PathElement::Index(index),
            Element::Key(key) => PathElement::Key(key.into()),
            Element::Value(key) => PathElement::Value(key.into()),
            Element::Substring(part) => PathElement::Substring {
                start: part.start.unwrap_or_default(),
                length: part.length.unwrap_or_default(),
            },
        })
    });
    let span = location.span.unwrap_or_default();
    let span = Span { start: position(text, span.start), end: position(text, span.end) };
    Location { path: Path { elements: elements.collect() }, span }
}

/// Converts positions from AWS's form: columns from 0, offsets in characters.
fn position(text: &str, at: Option<pb::PolicyPosition>) -> Position {
    let at = at.unwrap_or_default();
    let characters = usize::try_from(at.offset.unwrap_or_default()).unwrap_or(usize::MAX);
    let offset = text.char_indices().nth(characters).map_or(text.len(), |(offset, _)| offset);
    Position {
        offset: u32::try_from(offset).unwrap_or(u32::MAX),
        line: at.line.unwrap_or(1),
        column: at.column.unwrap_or_default().saturating_add(1),
    }
}
