//! The person who is signed in, as pages see them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use askama::Template;
use bailiwick_api::Operation;
use bailiwick_model::{ErrorCode, IamError};
use http::StatusCode;

use crate::form::Form;
use crate::reply::{self, Reply};
use crate::request::{CallError, Called, Request};
use crate::session::SignedIn;
use crate::view::{Cell, Chrome, Facts, Moment, Pager, Problem, Table};

/// The person who is signed in, with their request.
pub(crate) struct Person<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) session: Arc<SignedIn>,
    ended: AtomicBool,
}

/// What a page answers. An error becomes a page that shows it.
pub(crate) type Page = Called<Reply>;

impl<'a> Person<'a> {
    pub(crate) fn new(request: &'a Request<'a>, session: Arc<SignedIn>) -> Self {
        Person { request, session, ended: AtomicBool::new(false) }
    }

    /// Calls an operation as the person.
    ///
    /// # Errors
    /// Those of the operation. A page shows the error of one call as a [`Problem`] and renders what the others answered.
    pub(crate) async fn call<O: Operation>(&self, request: O::Request) -> Called<O::Response> {
        let called = self.request.call::<O>(Some(self.session.token()), request).await;
        if let Err(CallError { error, .. }) = &called
            && matches!(
                error.code(),
                ErrorCode::ExpiredToken | ErrorCode::InvalidClientTokenId | ErrorCode::MissingAuthenticationToken
            )
        {
            self.ended.store(true, Ordering::Relaxed);
        }
        called
    }

    /// Whether a call was refused because the session has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// The members of the query string.
    pub(crate) fn query(&self) -> &Form {
        &self.request.query
    }

    /// What the layout shows around a page, which has this title.
    pub(crate) fn chrome(&self, title: impl Into<String>) -> Chrome {
        Chrome::new(self.request.path(), &self.session, title.into())
    }

    /// A time to show, with its distance from now.
    pub(crate) fn moment(&self, time: Option<&prost_types::Timestamp>) -> Moment {
        Moment::new(time, self.request.now)
    }

    /// A table without rows. `empty` says what would be here and how it gets there.
    pub(crate) fn table(&self, caption: &str, columns: &[&'static str], empty: &'static str) -> Table {
        Table::new(caption, columns, empty)
    }

    /// Names with their values.
    pub(crate) fn facts(&self, facts: Vec<(&'static str, Cell)>) -> Facts {
        Facts::new(facts)
    }

    /// The pager of a list at this path. The members named in `kept` stay the same; `marker` is that of the next page.
    pub(crate) fn pager(&self, path: &str, kept: &[&str], marker: Option<&str>) -> Pager {
        Pager::new(self.query(), path, kept, marker)
    }

    /// Answers with a page.
    pub(crate) fn page(&self, template: &impl Template) -> Page {
        self.page_with(StatusCode::OK, template)
    }

    /// Answers with a page that says the error of a form.
    pub(crate) fn page_with(&self, status: StatusCode, template: &impl Template) -> Page {
        match template.render() {
            Ok(html) => Ok(reply::html(status, html)),
            Err(error) => Err(self.failure(IamError::internal(error))),
        }
    }

    /// An error of the console itself, such as a page that does not exist.
    pub(crate) fn failure(&self, error: IamError) -> CallError {
        CallError { error, request_id: self.request.context.service.request_id() }
    }

    /// The page that shows an error.
    pub(crate) fn error_page(&self, error: &CallError) -> Reply {
        let status = StatusCode::from_u16(error.error.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
        let problem = Problem::new(error);
        let page = ErrorPage { chrome: self.chrome(problem.title), problem };
        page.render()
            .map_or_else(|_| reply::text(status, "the page could not be written"), |html| reply::html(status, html))
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    chrome: Chrome,
    problem: Problem,
}
