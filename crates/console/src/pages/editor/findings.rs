//! The findings of a document, with the lines that they are about.

use askama::Template;
use askama::filters::HtmlSafe;
use bailiwick_api::authz::{ValidatePolicyFinding, ValidatePolicyRequest};
use bailiwick_api::op;
use http::StatusCode;
use serde_json::json;

use super::typed;
use crate::person::{Page, Person};
use crate::reply;

/// How many findings are shown.
const SHOWN: i32 = 100;

/// What a check found.
#[derive(Default, Template)]
#[template(path = "parts/findings.html")]
pub(crate) struct Findings {
    is_checked: bool,
    /// Why the document could not be checked.
    refused: String,
    list: Vec<Finding>,
    lines: Vec<Line>,
}

impl HtmlSafe for Findings {}

struct Finding {
    kind: &'static str,
    label: &'static str,
    /// The line that it begins in; 0 if it is about the whole document.
    line: u32,
    message: String,
    code: String,
}

/// A line of the document with the labels of the findings in it.
struct Line {
    number: u32,
    text: String,
    labels: String,
}

impl Findings {
    /// Checks a document of this type.
    pub(crate) async fn of(person: &Person<'_>, policy_type: &str, document: &str) -> Self {
        let asked = ValidatePolicyRequest {
            policy_document: Some(document.to_owned()),
            policy_type: Some(policy_type.to_owned()),
            max_results: Some(SHOWN),
            ..Default::default()
        };
        match person.call::<op::ValidatePolicy>(asked).await {
            Ok(answer) => {
                let list: Vec<_> = answer.findings.into_iter().map(Finding::new).collect();
                let lines = lines(document, &list);
                Findings { is_checked: true, refused: String::new(), list, lines }
            }
            Err(error) => {
                Findings { is_checked: true, refused: error.error.message().to_owned(), ..Default::default() }
            }
        }
    }
}

impl Finding {
    fn new(finding: ValidatePolicyFinding) -> Self {
        let (kind, label) = match finding.finding_type.as_str() {
            "ERROR" => ("bad", "Error"),
            "SECURITY_WARNING" => ("bad", "Security warning"),
            "WARNING" => ("warn", "Warning"),
            _ => ("", "Suggestion"),
        };
        let span = finding.locations.into_iter().next().and_then(|location| location.span);
        let line = span.and_then(|span| span.start).and_then(|start| start.line).unwrap_or_default();
        Finding { kind, label, line, message: finding.finding_details, code: finding.issue_code }
    }
}

/// The lines of the document; none if there is nothing to mark.
fn lines(document: &str, list: &[Finding]) -> Vec<Line> {
    if list.iter().all(|finding| finding.line == 0) {
        return Vec::new();
    }
    let line = |(number, text): (u32, &str)| {
        let mut labels: Vec<_> = list.iter().filter(|own| own.line == number).map(|own| own.label).collect();
        labels.dedup();
        Line { number, text: text.to_owned(), labels: labels.join(", ") }
    };
    (1..).zip(document.lines()).map(line).collect()
}

/// Answers `/console/policies/check`, which the script of the editor asks while the person types.
pub(crate) async fn check(person: &Person<'_>) -> Page {
    if !person.is_post() {
        return crate::pages::missing(person);
    }
    let found = Findings::of(person, person.form().raw("type"), &typed(person)).await;
    let finding = |own: &Finding| json!({"kind": own.kind, "label": own.label, "line": own.line, "message": own.message, "code": own.code});
    let list: Vec<_> = found.list.iter().map(finding).collect();
    Ok(reply::json(StatusCode::OK, json!({"findings": list, "refused": found.refused}).to_string()))
}
