//! A denied request, by the id in its error message.

use askama::Template;
use bailiwick_api::authz::{EvaluatedDocument, ExplainDenialRequest, ExplainDenialResponse};
use bailiwick_api::op;
use bailiwick_model::ErrorCode;
use http::StatusCode;

use crate::person::{Page, Person};
use crate::request::Called;
use crate::view::{Cell, Chrome, Facts, Problem};

/// Answers `/console/denials`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    if !rest.is_empty() {
        return crate::pages::missing(person);
    }
    let id = person.query().typed("id");
    let mut page = DenialPage { chrome: person.chrome("Denied request"), id, problem: None, denial: None };
    if page.id.is_empty() {
        return person.page(&page);
    }
    match explained(person, &page.id).await {
        Ok(denial) => {
            page.denial = Some(Denial::new(person, denial));
            person.page(&page)
        }
        Err(error) => {
            let status = StatusCode::from_u16(error.error.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
            page.problem = Some(Problem::new(&error));
            person.page_with(status, &page)
        }
    }
}

/// The explanation; without the permission for it, the summary of a denial of the person's own.
async fn explained(person: &Person<'_>, id: &str) -> Called<ExplainDenialResponse> {
    let authorization_id: String = id.to_ascii_lowercase().chars().filter(|c| *c != '-').collect();
    let asked = |summary_only| ExplainDenialRequest { authorization_id: authorization_id.clone(), summary_only };
    match person.call::<op::ExplainDenial>(asked(false)).await {
        Err(refused) if refused.error.code() == ErrorCode::AccessDenied => {
            person.call::<op::ExplainDenial>(asked(true)).await.map_err(|_| refused)
        }
        answer => answer,
    }
}

struct Denial {
    facts: Facts,
    text: String,
    documents: Vec<EvaluatedDocument>,
}

impl Denial {
    fn new(person: &Person<'_>, denial: ExplainDenialResponse) -> Self {
        let facts = vec![
            ("Operation", Cell::Text(denial.operation)),
            ("Time", Cell::Time(person.moment(denial.time.as_ref()))),
            ("Principal", Cell::Code(denial.principal_arn)),
            ("Message", Cell::Text(denial.message)),
        ];
        Denial { facts: person.facts(facts), text: denial.text, documents: denial.documents }
    }
}

#[derive(Template)]
#[template(path = "denial.html")]
struct DenialPage {
    chrome: Chrome,
    id: String,
    problem: Option<Problem>,
    denial: Option<Denial>,
}
