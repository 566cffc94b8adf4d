//! What a principal may do, by service.

use askama::Template;
use bailiwick_api::authz::{ServiceAccess, WhatCanRequest, WhatCanResponse};
use bailiwick_api::op;
use http::StatusCode;

use super::{DEPENDS, HOLDER, POLICY, RESOURCES, STATEMENT, grant_cells, partial_cells};
use crate::pages::access::{SUGGESTED, context};
use crate::pages::suggest::{self, Suggestion};
use crate::person::{Page, Person};
use crate::request::Called;
use crate::view::{Cell, Chrome, Pager, Problem, Table, name_of, url};

/// How many actions a page shows.
const PAGE: i32 = 200;

/// Answers `/console/what-can`.
pub(in crate::pages) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    if !rest.is_empty() {
        return crate::pages::missing(person);
    }
    let query = person.query();
    let principal = query.typed("principal");
    let title = match name_of(&principal) {
        "" => "What can".to_owned(),
        name => format!("What {name} can do"),
    };
    let mut page = WhatCanPage {
        chrome: person.chrome(title),
        resource: query.typed("resource"),
        service: query.typed("service"),
        account: query.typed("account"),
        context: context::typed_lines(query),
        principals: suggest::principals(person, "", SUGGESTED).await,
        keys: suggest::keys(person, "", "").await,
        principal,
        problem: None,
        answer: None,
    };
    if page.principal.is_empty() {
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

async fn listed(person: &Person<'_>, page: &WhatCanPage) -> Called<WhatCanResponse> {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let asked = WhatCanRequest {
        principal_arn: page.principal.clone(),
        resource: some(&page.resource),
        resource_account: some(&page.account),
        service_prefix: some(&page.service),
        context: context::entries(&page.context).map_err(|error| person.failure(error))?,
        marker: person.query().text("marker"),
        max_items: Some(PAGE),
        ..WhatCanRequest::default()
    };
    person.call::<op::WhatCan>(asked).await
}

struct Answer {
    examined: u32,
    services: Vec<ServiceView>,
    pager: Pager,
}

struct ServiceView {
    prefix: String,
    allowed: Option<Table>,
    partly: Option<Table>,
    undecided: Vec<String>,
}

impl Answer {
    fn new(person: &Person<'_>, page: &WhatCanPage, response: WhatCanResponse) -> Self {
        let kept = ["principal", "resource", "service", "account", "context"];
        Answer {
            examined: response.examined,
            services: response.services.into_iter().map(|service| ServiceView::new(person, page, service)).collect(),
            pager: person.pager("what-can", &kept, response.marker.as_deref()),
        }
    }
}

impl ServiceView {
    fn new(person: &Person<'_>, page: &WhatCanPage, access: ServiceAccess) -> Self {
        let ServiceAccess { service_prefix, allowed, partly_allowed, undecided } = access;
        let allowed = allowed.into_iter().map(|one| {
            let mut row = vec![page.who(&one.action), Cell::text(one.access_level)];
            row.extend(grant_cells(one.grant));
            row
        });
        let allowed: Vec<_> = allowed.collect();
        let partly = partly_allowed.into_iter().map(|one| {
            let mut row = vec![page.who(&one.action), Cell::text(one.access_level)];
            row.extend(partial_cells(one.grant));
            row
        });
        let partly: Vec<_> = partly.collect();
        let table = |caption: &str, columns: &[&'static str], rows: Vec<Vec<Cell>>| {
            let caption = format!("{caption} of {service_prefix}");
            (!rows.is_empty()).then(|| person.table(&caption, columns, "").rows(Ok(rows)))
        };
        let columns = ["Action", "Access", POLICY, STATEMENT, HOLDER, DEPENDS];
        let partly_columns = ["Action", "Access", POLICY, STATEMENT, HOLDER, RESOURCES, DEPENDS];
        ServiceView {
            allowed: table("Allowed actions", &columns, allowed),
            partly: table("Partly allowed actions", &partly_columns, partly),
            undecided,
            prefix: service_prefix,
        }
    }
}

#[derive(Template)]
#[template(path = "what_can.html")]
struct WhatCanPage {
    chrome: Chrome,
    principal: String,
    resource: String,
    service: String,
    account: String,
    context: String,
    principals: Vec<Suggestion>,
    keys: Vec<Suggestion>,
    problem: Option<Problem>,
    answer: Option<Answer>,
}

impl WhatCanPage {
    /// The action, as a link to who else may perform it.
    fn who(&self, action: &str) -> Cell {
        let members = [
            ("action", action),
            ("resource", &*self.resource),
            ("account", &*self.account),
            ("context", &*self.context),
        ];
        let members: Vec<_> = members.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        Cell::Link { url: url("who-can", &members), text: action.to_owned() }
    }
}
