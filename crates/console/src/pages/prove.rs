//! Asks for the password again, before a change of credentials.

use askama::Template;
use bailiwick_api::op;
use bailiwick_api::signin::{SignInRequest, SignOutRequest};

use bailiwick_model::{ErrorCode, IamError};

use crate::cookie::inner_address;
use crate::person::{Page, Person};
use crate::reply;
use crate::request::CallError;
use crate::view::{Chrome, Problem, url};

/// Answers `/console/prove`, which leads back to the page that asked.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    let next = inner_address(person.query().raw("next"));
    if person.session.is_temporary {
        let message = "you signed in with temporary credentials, which have no password to ask for: sign in again with a \
                       new link, and make the change within five minutes";
        return Err(person.failure(IamError::new(ErrorCode::AccessDenied, message)));
    }
    if !person.session.has_password {
        return person.done("/console/profile", "Give root a password first: changes of credentials ask for it.");
    }
    if !person.is_post() {
        return page(person, &next, None);
    }
    let is_root = person.session.is_root();
    let name = person.own_name().await?;
    let asked = SignInRequest {
        account: Some(person.session.account.clone()),
        user_name: (!is_root).then_some(name),
        root: is_root.then_some(true),
        password: Some(person.form().raw("password").to_owned()),
        ..SignInRequest::default()
    };
    // A wrong password counts as a failed sign-in. With a second factor the answer has no session, but the password is
    // right; the factor was verified when the person signed in.
    match person.request.call::<op::SignIn>(None, asked).await {
        Err(error) => page(person, &next, Some(&error)),
        Ok(answer) => {
            if let Some(session) = answer.session {
                // This session has its purpose behind it.
                let authorization = format!("Bearer {}", session.token);
                let _ = person.request.call::<op::SignOut>(Some(&authorization), SignOutRequest {}).await;
            }
            person.session.set_proved(person.request.now);
            person.session.set_flash("Thank you. Now repeat the change.".to_owned());
            Ok(reply::redirect(&next))
        }
    }
}

fn page(person: &Person<'_>, next: &str, error: Option<&CallError>) -> Page {
    let template = ProvePage {
        chrome: person.chrome("Your password, please"),
        action: url("prove", &[("next", next)]),
        problem: error.map(Problem::new),
    };
    person.page_with(error.map_or(http::StatusCode::OK, CallError::status), &template)
}

#[derive(Template)]
#[template(path = "prove.html")]
struct ProvePage {
    chrome: Chrome,
    action: String,
    problem: Option<Problem>,
}
