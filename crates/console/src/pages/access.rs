//! The access check: may this principal perform this action on this resource, and why. Its address can be shared.

pub(super) mod context;
mod layers;
mod source;

use askama::Template;
use bailiwick_api::authz::{self as pb, caller::Who};
use bailiwick_api::iam::{ListRolesRequest, ListUsersRequest};
use bailiwick_api::{OPERATIONS, op};
use http::StatusCode;

use self::layers::Answer;
use self::source::Sources;
use crate::person::{Page, Person};
use crate::view::{Chrome, Problem};

/// How many users and roles are suggested.
const SUGGESTED: i32 = 200;

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
        context: query.raw("context").to_owned(),
        principals: principals(person).await,
        actions: actions(),
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

/// The actions that are suggested: those of Bailiwick's own services.
pub(super) fn actions() -> Vec<String> {
    OPERATIONS.iter().map(|row| format!("{}:{}", row.service, row.name)).collect()
}

/// The first users and roles, as far as the person may see them.
async fn principals(person: &Person<'_>) -> Vec<String> {
    let asked = ListUsersRequest { max_items: Some(SUGGESTED), ..ListUsersRequest::default() };
    let users = person.call::<op::ListUsers>(asked).await.unwrap_or_default().users;
    let asked = ListRolesRequest { max_items: Some(SUGGESTED), ..ListRolesRequest::default() };
    let roles = person.call::<op::ListRoles>(asked).await.unwrap_or_default().roles;
    let roles = roles.into_iter().filter_map(|role| role.arn);
    let mut arns: Vec<String> = users.into_iter().filter_map(|user| user.arn).chain(roles).collect();
    if !arns.contains(&person.session.arn) {
        arns.insert(0, person.session.arn.clone());
    }
    arns
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
    principals: Vec<String>,
    actions: Vec<String>,
    problem: Option<Problem>,
    answer: Option<Answer>,
}
