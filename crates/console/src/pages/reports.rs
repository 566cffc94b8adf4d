//! Reports: the credential report, to make and to save, and the findings about the account.

use bailiwick_api::iam::{GenerateCredentialReportRequest, GetCredentialReportRequest};
use bailiwick_api::op;
use bailiwick_model::{ErrorCode, IamError};
use http::StatusCode;

use crate::pages::home;
use crate::person::{Page, Person};
use crate::reply;
use crate::request::{CallError, Called};
use crate::view::{Cell, DetailPage, Problem, Section};

/// Answers `/console/reports`.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    let error = if person.is_post() {
        match change(person).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        }
    } else {
        None
    };
    let made = match person.call::<op::GetCredentialReport>(GetCredentialReportRequest {}).await {
        Ok(report) => Ok(Some(report)),
        // None was made yet, or it is too old.
        Err(error) if error.error.code() == ErrorCode::AccessDenied => Err(error),
        Err(_) => Ok(None),
    };
    let row = |made| vec![Cell::Text("Credential report".to_owned()), Cell::Time(person.moment(Some(made)))];
    let found = made
        .as_ref()
        .map(|report| report.iter().flat_map(|report| &report.generated_time).map(row).collect::<Vec<_>>());
    let empty = "No report of the last four hours. It lists every user with password, keys and MFA devices.";
    let table = person.table("Credential report", &["Report", "Made"], empty);
    let table = table.rows(found.map_err(Problem::new));
    let make = person.change("Make the credential report", "generate", Vec::new());
    let mut section =
        Section::new("Credential report", table).with(make.about("It takes a moment in a large account."));
    if matches!(made, Ok(Some(_))) {
        section = section.with(person.change("Save the credential report", "save", Vec::new()).about("As CSV."));
    }
    let page = DetailPage {
        chrome: person.chrome("Reports"),
        back: ("/console", "Home"),
        problem: error.as_ref().map(Problem::new),
        facts: person.facts(Vec::new()),
        changes: Vec::new(),
        sections: vec![section, Section::new("Findings", home::findings(person).await)],
        documents: Vec::new(),
        destroying: Vec::new(),
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

async fn change(person: &Person<'_>) -> Called<Page> {
    match person.asked() {
        "generate" => {
            let made = person.call::<op::GenerateCredentialReport>(GenerateCredentialReportRequest {}).await?;
            let message = match made.state.as_deref() {
                Some("COMPLETE") => "The report is ready.",
                _ => "The report is being made. Load this page again in a moment.",
            };
            Ok(person.done("/console/reports", message))
        }
        "save" => {
            let report = person.call::<op::GetCredentialReport>(GetCredentialReportRequest {}).await?;
            let content =
                report.content.ok_or_else(|| person.failure(IamError::internal("a report without content")))?;
            Ok(Ok(reply::download("credential-report.csv", "text/csv; charset=utf-8", content.to_vec())))
        }
        _ => Err(person.unknown_change()),
    }
}
