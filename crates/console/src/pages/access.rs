//! The access check: may this principal perform this action on this resource, and why. Its address can be shared.

pub(super) mod context;
mod layers;
mod source;

use askama::Template;
use bailiwick_api::authz::{self as pb, caller::Who};
use bailiwick_api::op;
use http::StatusCode;

use self::layers::Answer;
use self::source::Sources;
use crate::pages::suggest::{self, Suggestion};
use crate::person::{Page, Person};
use crate::view::{Chrome, Problem};

/// How many users, and how many roles, a page suggests. The script asks for others.
pub(super) const SUGGESTED: usize = 200;

/// Answers `/console/access`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    if !rest.is_empty() {
        return crate::pages::missing(person);
    }
    let query = person.query();
    let mut page = AccessPage {
        chrome: person.chrome("Access check"),
        principal: query.text("principal").unwrap_or_else(|| person.session.arn.clone()),
        action: query.typed("action"),
        resource: query.typed("resource"),
        account: query.typed("account"),
        context: context::typed_lines(query),
        principals: suggest::principals(person, "", SUGGESTED).await,
        actions: suggest::all_actions(person).await,
        resources: suggest::resources(person, &query.typed("action"), "").await,
        keys: suggest::keys(person, &query.typed("action"), "").await,
        problem: None,
        answer: None,
    };
    if page.action.is_empty() {
        return person.page(&page);
    }
    match explained(person, &page).await {
        Ok(answer) => {
            page.answer = Some(answer);
            person.page(&page)
        }
        Err(problem) => {
            page.problem = Some(problem);
            person.page_with(StatusCode::BAD_REQUEST, &page)
        }
    }
}

async fn explained(person: &Person<'_>, page: &AccessPage) -> Result<Answer, Problem> {
    let context = context::entries(&page.context).map_err(|error| Problem::new(&person.failure(error)))?;
    let resource = if page.resource.is_empty() { "*".to_owned() } else { page.resource.clone() };
    let request = pb::AuthorizeRequest {
        caller: Some(pb::Caller { who: Some(who(&page.principal)) }),
        action: page.action.clone(),
        resource,
        context,
        resource_account: Some(page.account.clone()).filter(|account| !account.is_empty()),
        ..pb::AuthorizeRequest::default()
    };
    let asked = pb::ExplainRequest { request: Some(request) };
    let response = person.call::<op::Explain>(asked).await.map_err(|error| Problem::new(&error))?;
    let mut sources = Sources::new(person);
    Ok(Answer::new(response, &mut sources).await)
}

/// The principal that was typed: an ARN, `anonymous`, or the name of a service.
fn who(principal: &str) -> Who {
    if principal.starts_with("arn:") {
        Who::PrincipalArn(principal.to_owned())
    } else if principal.eq_ignore_ascii_case("anonymous") {
        Who::Anonymous(pb::Anonymous {})
    } else {
        Who::ServicePrincipal(principal.to_owned())
    }
}

#[derive(Template)]
#[template(path = "access.html")]
struct AccessPage {
    chrome: Chrome,
    principal: String,
    action: String,
    resource: String,
    account: String,
    context: String,
    principals: Vec<Suggestion>,
    actions: Vec<String>,
    resources: Vec<Suggestion>,
    keys: Vec<Suggestion>,
    problem: Option<Problem>,
    answer: Option<Answer>,
}
