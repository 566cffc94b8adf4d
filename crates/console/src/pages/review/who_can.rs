//! Who may perform an action on a resource.

use askama::Template;
use bailiwick_api::authz::{WhoCanRequest, WhoCanResponse};
use bailiwick_api::op;
use http::StatusCode;

use super::{DEPENDS, HOLDER, POLICY, RESOURCES, STATEMENT, grant_cells, partial_cells};
use crate::pages::access::context;
use crate::pages::suggest::{self, Suggestion};
use crate::person::{Page, Person};
use crate::request::Called;
use crate::view::{Cell, Chrome, Pager, Problem, Table, link_of_arn, url};

/// How many principals a page shows.
const PAGE: i32 = 100;

/// Answers `/console/who-can`.
pub(in crate::pages) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    if !rest.is_empty() {
        return crate::pages::missing(person);
    }
    let query = person.query();
    let mut page = WhoCanPage {
        chrome: person.chrome("Who can"),
        action: query.typed("action"),
        resource: query.typed("resource"),
        account: query.typed("account"),
        context: context::typed_lines(query),
        actions: suggest::all_actions(person).await,
        resources: suggest::resources(person, &query.typed("action"), "").await,
        keys: suggest::keys(person, &query.typed("action"), "").await,
        problem: None,
        answer: None,
    };
    if page.action.is_empty() {
        return person.page(&page);
    }
    match listed(person, &page).await {
        Ok(response) => {
            page.answer = Some(Answer::new(person, &page, response));
            person.page(&page)
        }
        Err(error) => {
            let status = StatusCode::from_u16(error.error.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
            page.problem = Some(Problem::new(&error));
            person.page_with(status, &page)
        }
    }
}

async fn listed(person: &Person<'_>, page: &WhoCanPage) -> Called<WhoCanResponse> {
    let asked = WhoCanRequest {
        action: page.action.clone(),
        resource: page.resource().to_owned(),
        context: context::entries(&page.context).map_err(|error| person.failure(error))?,
        resource_account: Some(page.account.clone()).filter(|account| !account.is_empty()),
        marker: person.query().text("marker"),
        max_items: Some(PAGE),
        ..WhoCanRequest::default()
    };
    person.call::<op::WhoCan>(asked).await
}

struct Answer {
    examined: u32,
    allowed: Table,
    partly: Option<Table>,
    undecided: Vec<String>,
    pager: Pager,
}

impl Answer {
    fn new(person: &Person<'_>, page: &WhoCanPage, response: WhoCanResponse) -> Self {
        let allowed = response.allowed.into_iter().map(|one| {
            let mut row = vec![link_of_arn(&one.principal_arn)];
            row.extend(grant_cells(one.grant));
            row.push(page.why(&one.principal_arn));
            row
        });
        let columns = ["Principal", POLICY, STATEMENT, HOLDER, DEPENDS, "Decision"];
        let table = person.table("Allowed principals", &columns, "No principal on this page is allowed.");
        let allowed = table.rows(Ok(allowed.collect()));
        let partly = response.partly_allowed.into_iter().map(|one| {
            let mut row = vec![link_of_arn(&one.principal_arn)];
            row.extend(partial_cells(one.grant));
            row.push(page.why(&one.principal_arn));
            row
        });
        let partly: Vec<_> = partly.collect();
        let columns = ["Principal", POLICY, STATEMENT, HOLDER, RESOURCES, DEPENDS, "Decision"];
        let table = person.table("Partly allowed principals", &columns, "");
        Answer {
            examined: response.examined,
            allowed,
            partly: (!partly.is_empty()).then(|| table.rows(Ok(partly))),
            undecided: response.undecided,
            pager: person.pager("who-can", &["action", "resource", "account", "context"], response.marker.as_deref()),
        }
    }
}

#[derive(Template)]
#[template(path = "who_can.html")]
struct WhoCanPage {
    chrome: Chrome,
    action: String,
    resource: String,
    account: String,
    context: String,
    actions: Vec<String>,
    resources: Vec<Suggestion>,
    keys: Vec<Suggestion>,
    problem: Option<Problem>,
    answer: Option<Answer>,
}

impl WhoCanPage {
    fn resource(&self) -> &str {
        if self.resource.is_empty() { "*" } else { &self.resource }
    }

    /// The link to the access check of a principal.
    fn why(&self, principal: &str) -> Cell {
        let members = [
            ("principal", principal),
            ("action", &self.action),
            ("resource", &self.resource),
            ("account", &self.account),
            ("context", &self.context),
        ];
        let members: Vec<_> = members.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        Cell::Link { url: url("access", &members), text: "Why".to_owned() }
    }
}
