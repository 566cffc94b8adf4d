//! The pages, one file for each noun, and the pages for those who are not signed in.

mod access;
mod denials;
mod home;
pub(crate) mod sign_in;
mod users;

use askama::Template;
use bailiwick_model::{ErrorCode, IamError};
use http::StatusCode;

use crate::person::{Page, Person};
use crate::reply::{self, Reply};
use crate::request::{CallError, Request};
use crate::view::{Assets, Problem};

/// Answers a request of a person who is signed in, by the first part of its path.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    let path = person.request.path();
    let (noun, rest) = path.split_once('/').unwrap_or((path, ""));
    match (noun, rest) {
        ("", "") => home::answer(person).await,
        ("access", rest) => access::answer(person, rest).await,
        ("denials", rest) => denials::answer(person, rest).await,
        ("users", rest) => users::answer(person, rest).await,
        _ => missing(person),
    }
}

/// There is no such page.
pub(crate) fn missing(person: &Person<'_>) -> Page {
    let message = format!("there is no page at {}", person.request.head.uri.path());
    Err(person.failure(IamError::new(ErrorCode::NoSuchEntity, message)))
}

/// The page that refuses a request before it is known whose it is.
pub(crate) fn refusal(status: StatusCode, error: &IamError, request_id: &str) -> Reply {
    let copy = IamError::new(error.code(), error.message().to_owned());
    let problem = Problem::new(&CallError { error: copy, request_id: request_id.to_owned() });
    bare(status, &RefusalPage { assets: Assets::default(), problem })
}

/// A page that loads the same address again, now as a page of the console itself, so that the browser sends the cookie.
pub(crate) fn continued(request: &Request<'_>) -> Reply {
    let page = ContinuedPage { assets: Assets::default(), address: request.address().to_owned() };
    bare(StatusCode::OK, &page)
}

/// A page without the frame of those who are signed in.
pub(crate) fn bare(status: StatusCode, template: &impl Template) -> Reply {
    let failed = |_| reply::text(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be written");
    template.render().map_or_else(failed, |html| reply::html(status, html))
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage {
    assets: Assets,
    problem: Problem,
}

#[derive(Template)]
#[template(path = "continued.html")]
struct ContinuedPage {
    assets: Assets,
    address: String,
}
