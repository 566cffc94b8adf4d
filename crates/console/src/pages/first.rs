//! The first visit: root signs in with the link of the first start, and is led through what comes next.

use askama::Template;
use bailiwick_api::iam::ListMfaDevicesRequest;
use bailiwick_api::op;
use bailiwick_api::signin::SignInWithLinkRequest;
use http::StatusCode;

use crate::pages::{bare, sign_in};
use crate::person::{Page, Person};
use crate::reply::Reply;
use crate::request::Request;
use crate::session::NewSession;
use crate::view::{Assets, Chrome, Problem, url};

/// Answers `/console/first?link=…` for a browser without a session. Only the form uses the link up, so a program that
/// looks at addresses does not.
pub(crate) async fn answer(request: &Request<'_>) -> Reply {
    let link = request.query.text("link");
    let address = url("first", &[("link", link.as_deref().unwrap_or_default())]);
    if !request.is_post() {
        return bare(StatusCode::OK, &LinkPage { assets: Assets::default(), address, problem: None });
    }
    let asked = SignInWithLinkRequest { link };
    match request.call::<op::SignInWithLink>(None, asked).await {
        Ok(answer) => {
            let session = NewSession::of_person(answer.session.unwrap_or_default(), false);
            sign_in::start(request, session, "/console/first")
        }
        Err(error) => {
            let problem = Some(Problem::new(&error));
            bare(error.status(), &LinkPage { assets: Assets::default(), address, problem })
        }
    }
}

/// Answers `/console/first` for a person who is signed in: what to do after the first start.
pub(crate) async fn guide(person: &Person<'_>) -> Page {
    let devices = person.call::<op::ListMFADevices>(ListMfaDevicesRequest::default()).await;
    let uri = &person.request.head.uri;
    let host = person.request.head.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| uri.authority().map(http::uri::Authority::as_str)).unwrap_or_default();
    let scheme = if person.request.peer.secure { "https" } else { "http" };
    let administrator = url("users/create", &[("arn", "arn:aws:iam::aws:policy/AdministratorAccess")]);
    person.page(&GuidePage {
        chrome: person.chrome("First steps"),
        is_root: person.session.is_root(),
        has_device: devices.is_ok_and(|listed| !listed.mfa_devices.is_empty()),
        administrator,
        endpoint: format!("{scheme}://{host}"),
        account: person.session.account.clone(),
    })
}

#[derive(Template)]
#[template(path = "first_link.html")]
struct LinkPage {
    assets: Assets,
    address: String,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "first.html")]
struct GuidePage {
    chrome: Chrome,
    is_root: bool,
    has_device: bool,
    administrator: String,
    endpoint: String,
    account: String,
}
