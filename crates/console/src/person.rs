//! The person who is signed in, as pages see them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use askama::Template;
use bailiwick_api::sts::GetCallerIdentityRequest;
use bailiwick_api::{Operation, op};
use bailiwick_model::{ErrorCode, IamError};
use http::StatusCode;

use crate::form::Form;
use crate::reply::{self, Reply};
use crate::request::{CallError, Called, Request};
use crate::session::{RECENT_PROOF, RoleSession, SignedIn};
use crate::view::{Cell, Change, ChangePage, Chrome, Facts, Field, Moment, Pager, Problem, Table, name_of, url};

/// The person who is signed in, with their request.
pub(crate) struct Person<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) session: Arc<SignedIn>,
    /// The role that the person acts as during the whole request, whatever other requests of the browser do meanwhile.
    pub(crate) role: Option<Arc<RoleSession>>,
    ended: AtomicBool,
    left: AtomicBool,
}

/// What a page answers. An error becomes a page that shows it.
pub(crate) type Page = Called<Reply>;

impl<'a> Person<'a> {
    pub(crate) fn new(request: &'a Request<'a>, session: Arc<SignedIn>) -> Self {
        let role = session.role();
        Person { request, session, role, ended: AtomicBool::new(false), left: AtomicBool::new(false) }
    }

    /// Calls an operation as the person, or as the role that they switched to.
    ///
    /// # Errors
    /// Those of the operation. A page shows the error of one call as a [`Problem`] and renders what the others answered.
    pub(crate) async fn call<O: Operation>(&self, request: O::Request) -> Called<O::Response> {
        match &self.role {
            Some(role) => self.note_end(self.request.call_as_role::<O>(role, request).await),
            None => self.call_as_self::<O>(request).await,
        }
    }

    /// Calls an operation as the person, whatever role they act as.
    ///
    /// # Errors
    /// Those of the operation.
    pub(crate) async fn call_as_self<O: Operation>(&self, request: O::Request) -> Called<O::Response> {
        self.note_end(self.request.call::<O>(Some(self.session.authorization()), request).await)
    }

    /// The person's own name, as it is now: the one at the sign-in may be that of another user since.
    ///
    /// # Errors
    /// Those of GetCallerIdentity.
    pub(crate) async fn own_name(&self) -> Called<String> {
        let identity = self.call_as_self::<op::GetCallerIdentity>(GetCallerIdentityRequest {}).await?;
        Ok(name_of(identity.arn.as_deref().unwrap_or_default()).to_owned())
    }

    fn note_end<T>(&self, called: Called<T>) -> Called<T> {
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

    /// Ends the session of the browser after this page.
    pub(crate) fn leave(&self) {
        self.left.store(true, Ordering::Relaxed);
    }

    /// Whether the page ended the session, by [`Person::leave`].
    pub(crate) fn has_left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }

    /// Whether a call was refused because the session has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// The id of the account in which calls act: the person's own, or that of the role that they switched to.
    pub(crate) fn account(&self) -> String {
        self.role.as_ref().map_or_else(|| self.session.account.clone(), |role| role.account.clone())
    }

    /// The token of the forms of this page: a form is only accepted while the person acts as the same identity.
    pub(crate) fn form_token(&self) -> &str {
        self.role.as_ref().map_or(&self.session.form_token, |role| &role.form_token)
    }

    /// The members of the query string.
    pub(crate) fn query(&self) -> &Form {
        &self.request.query
    }

    /// The members of the form.
    pub(crate) fn form(&self) -> &Form {
        &self.request.form
    }

    /// Whether the request is a POST, whose origin and form token were checked.
    pub(crate) fn is_post(&self) -> bool {
        self.request.is_post()
    }

    /// What the layout shows around a page, which has this title.
    pub(crate) fn chrome(&self, title: impl Into<String>) -> Chrome {
        Chrome::new(self.request.path(), &self.session, self.role.as_deref(), title.into())
    }

    /// A time to show, with its distance from now.
    pub(crate) fn moment(&self, time: Option<&prost_types::Timestamp>) -> Moment {
        Moment::new(time, self.request.now)
    }

    /// A cell with a time, in seconds; none shows as `never`.
    pub(crate) fn time_cell(&self, seconds: Option<i64>) -> Cell {
        let time = seconds.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 });
        Cell::Time(self.moment(time.as_ref()))
    }

    /// A table without rows. `empty` says what would be here and how it gets there.
    pub(crate) fn table(&self, caption: &str, columns: &[&'static str], empty: &'static str) -> Table {
        Table::new(self.form_token(), caption, columns, empty)
    }

    /// Names with their values.
    pub(crate) fn facts(&self, facts: Vec<(&'static str, Cell)>) -> Facts {
        Facts::new(self.form_token(), facts)
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

    /// The change that the form of a POST asks for; the empty text for another request.
    pub(crate) fn asked(&self) -> &str {
        self.request.form.raw("do")
    }

    /// A form that changes something.
    pub(crate) fn change(&self, title: &'static str, action: &'static str, fields: Vec<Field>) -> Change {
        Change::new(self.form_token(), self.form(), title, action, fields)
    }

    /// Answers with a page of one form, and the error of the form before.
    pub(crate) fn change_page(&self, back: (String, &str), error: Option<&CallError>, mut change: Change) -> Page {
        change.is_open = true;
        let page = ChangePage {
            chrome: self.chrome(change.title),
            back: (back.0, back.1.to_owned()),
            problem: error.map(Problem::new),
            change,
        };
        self.page_with(error.map_or(StatusCode::OK, CallError::status), &page)
    }

    /// Requires that the person typed the name of what the form destroys.
    ///
    /// # Errors
    /// `ValidationError` for another text.
    pub(crate) fn check_typed(&self, name: &str) -> Called<()> {
        if self.form().raw("confirm").trim() == name {
            return Ok(());
        }
        Err(self.failure(IamError::validation(format!("nothing was changed: the text typed to confirm is not {name}"))))
    }

    /// Leads to the page that asks for the password, if the person did not give it in the last five minutes. A change of
    /// credentials begins with it.
    pub(crate) fn prove_first(&self) -> Option<Page> {
        if self.session.is_proved(self.request.now, RECENT_PROOF) {
            return None;
        }
        Some(Ok(reply::redirect(&url("prove", &[("next", self.request.address())]))))
    }

    /// The error of a form that asks for a change which the page does not know.
    pub(crate) fn unknown_change(&self) -> CallError {
        self.failure(IamError::validation(format!("this page has no change named `{}`", self.asked())))
    }

    /// Leads to another page after a change, and shows a message there.
    pub(crate) fn done(&self, to: impl AsRef<str>, message: impl Into<String>) -> Page {
        self.request.context.lists.forget(&self.account());
        self.session.set_flash(message.into());
        Ok(reply::redirect(to.as_ref()))
    }

    /// Shows the same page again after a change, with a message.
    pub(crate) fn changed(&self, message: impl Into<String>) -> Page {
        self.done(self.request.address(), message)
    }

    /// An error of the console itself, such as a page that does not exist.
    pub(crate) fn failure(&self, error: IamError) -> CallError {
        CallError { error, request_id: self.request.context.service.request_id() }
    }

    /// The page that shows an error.
    pub(crate) fn error_page(&self, error: &CallError) -> Reply {
        let status = error.status();
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
