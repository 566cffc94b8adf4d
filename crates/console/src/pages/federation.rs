//! The sign-in with a link of AWS's federation endpoint: `/federation?Action=login&Destination=…&SigninToken=…`.
//!
//! The link may come from anywhere, also from an attacker who wants the person to work in an account of theirs. So it never
//! replaces the session of a browser before the person has agreed, and every page names who is signed in.

use askama::Template;
use bailiwick_api::op;
use bailiwick_api::signin::{SignInWithTokenRequest, SignOutRequest};
use bailiwick_model::{ErrorCode, IamError};
use http::{StatusCode, header};

use crate::cookie::inner_address;
use crate::guard;
use crate::pages::{bare, continued, sign_in};
use crate::reply::Reply;
use crate::request::{CallError, Request};
use crate::session::{NewSession, SignedIn, State};
use crate::view::{Assets, Problem};

/// Answers `/federation?Action=login`, and the form of the page that asks for consent.
pub(crate) async fn answer(request: &Request<'_>, id: &str, state: Option<State>) -> Reply {
    let members = if request.is_post() { &request.form } else { &request.query };
    let (token, destination) = (members.text("SigninToken"), destination(request, members.raw("Destination")));
    if !request.is_post() && guard::is_part_of_page(&request.head.headers) {
        let error = IamError::new(ErrorCode::AccessDenied, "a link signs in only the person who follows it");
        return refused(&CallError { error, request_id: request.context.service.request_id() });
    }
    // Browsers send the cookie with the next request only, and it says whether a person is signed in.
    if !request.is_post() && guard::is_link_from_elsewhere(&request.head.headers) {
        return continued(request);
    }
    let before = match state {
        Some(State::SignedIn(session)) => Some(session),
        Some(State::Pending(_)) | None => None,
    };
    if let Some(session) = &before {
        let has_token = guard::is_token(request.form.raw("form_token"), &session.form_token);
        if !has_token {
            return consent(session, token.unwrap_or_default(), destination);
        }
    }
    match request.call::<op::SignInWithToken>(None, SignInWithTokenRequest { signin_token: token }).await {
        Err(error) => refused(&error),
        Ok(answer) => {
            if let Some(session) = before {
                // It may have ended already.
                let _ = request.call::<op::SignOut>(Some(session.authorization()), SignOutRequest {}).await;
            }
            request.context.sessions.end(id);
            sign_in::start(request, NewSession::of_credentials(answer), &destination)
        }
    }
}

/// The page of the console that the link leads to; the first page in place of any other site.
fn destination(request: &Request<'_>, wanted: &str) -> String {
    let scheme = if request.peer.secure { "https://" } else { "http://" };
    let of_header = || request.head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = request.head.uri.authority().map(http::uri::Authority::as_str).or_else(of_header).unwrap_or_default();
    let own = format!("{scheme}{host}");
    inner_address(wanted.strip_prefix(&own).unwrap_or(wanted))
}

fn consent(session: &SignedIn, token: String, destination: String) -> Reply {
    let page = ConsentPage {
        assets: Assets::default(),
        arn: session.arn.clone(),
        form_token: session.form_token.clone(),
        token,
        destination,
    };
    bare(StatusCode::OK, &page)
}

fn refused(called: &CallError) -> Reply {
    let mut problem = Problem::new(called);
    problem.title = match called.error.code() {
        ErrorCode::ExpiredToken => "The link has expired",
        _ => "The link does not sign you in",
    };
    bare(called.status(), &RefusedPage { assets: Assets::default(), problem })
}

#[derive(Template)]
#[template(path = "federation_consent.html")]
struct ConsentPage {
    assets: Assets,
    /// Who is signed in now.
    arn: String,
    form_token: String,
    token: String,
    destination: String,
}

#[derive(Template)]
#[template(path = "federation_refused.html")]
struct RefusedPage {
    assets: Assets,
    problem: Problem,
}
