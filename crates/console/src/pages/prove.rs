//! Asks for the password again: before a change of credentials, and before one that gives rights.

use askama::Template;
use bailiwick_api::op;
use bailiwick_api::signin::{SignInRequest, SignOutRequest};

use bailiwick_model::{ErrorCode, IamError};

use crate::cookie::inner_address;
use crate::person::{Page, Person};
use crate::reply;
use crate::request::{CallError, Called};
use crate::session::RIGHTS_PROOF;
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
    match verify(person, person.form().raw("password")).await {
        Err(error) => page(person, &next, Some(&error)),
        Ok(()) => {
            person.session.set_flash("Thank you. Now repeat the change.".to_owned());
            Ok(reply::redirect(&next))
        }
    }
}

/// The member of a form that has the password, beside the members of the change that waited for it.
const PROOF: &str = "proof_password";

/// The changes that give rights or let others in, by the value of the member `do`. Conditions of policies compare tags, and
/// their resources names and paths.
const RIGHTS: [&str; 22] = [
    "add-client",
    "add-groups",
    "add-members",
    "add-tag",
    "attach-policies",
    "create",
    "create-oidc",
    "create-saml",
    "delete-policy",
    "delete-version",
    "detach-policy",
    "remove-boundary",
    "remove-group",
    "remove-member",
    "remove-tag",
    "rename",
    "replace",
    "resume",
    "save",
    "set-boundary",
    "set-default",
    "set-policy",
];

/// Asks for the password before a change that gives rights, unless the person gave it, or signed in, in the last half hour.
/// The form that asks carries the change along, so that nothing is typed twice. Temporary credentials have no password.
pub(crate) async fn before_rights(person: &Person<'_>) -> Option<Page> {
    if !person.is_post() || person.session.is_temporary || !person.session.has_password {
        return None;
    }
    let form = person.form();
    if form.has(PROOF) {
        return verify(person, form.raw(PROOF)).await.err().map(|error| ask(person, Some(&error)));
    }
    let gives_rights = match (person.request.path(), person.asked()) {
        // A report gives no rights.
        ("reports", _) => false,
        // The policy may deny something.
        ("inline", "delete") => true,
        (_, asked) => RIGHTS.contains(&asked),
    };
    if !gives_rights || person.session.is_proved(person.request.now, RIGHTS_PROOF) {
        return None;
    }
    // A password that was typed is not written into a page.
    let has_secret = form.members_but(PROOF).any(|(name, value)| name.contains("password") && !value.is_empty());
    if has_secret {
        return Some(Ok(reply::redirect(&url("prove", &[("next", person.request.address())]))));
    }
    Some(ask(person, None))
}

fn ask(person: &Person<'_>, error: Option<&CallError>) -> Page {
    let members = person.form().members_but(PROOF);
    let template = ProveFormPage {
        chrome: person.chrome("Your password, please"),
        action: person.request.address().to_owned(),
        members: members.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        problem: error.map(Problem::new),
    };
    person.page_with(error.map_or(http::StatusCode::OK, CallError::status), &template)
}

/// Verifies the password of the person, which counts as just given then.
///
/// # Errors
/// Those of SignIn.
async fn verify(person: &Person<'_>, password: &str) -> Called<()> {
    let is_root = person.session.is_root();
    let name = person.own_name().await?;
    let asked = SignInRequest {
        account: Some(person.session.account.clone()),
        user_name: (!is_root).then_some(name),
        root: is_root.then_some(true),
        password: Some(password.to_owned()),
        ..SignInRequest::default()
    };
    // A wrong password counts as a failed sign-in. With a second factor the answer has no session, but the password is
    // right; the factor was verified when the person signed in.
    let answer = person.request.call::<op::SignIn>(None, asked).await?;
    if let Some(session) = answer.session {
        // This session has its purpose behind it.
        let authorization = format!("Bearer {}", session.token);
        let _ = person.request.call::<op::SignOut>(Some(&authorization), SignOutRequest {}).await;
    }
    person.session.set_proved(person.request.now);
    Ok(())
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

/// The same question with the change that waits for it.
#[derive(Template)]
#[template(path = "prove_form.html")]
struct ProveFormPage {
    chrome: Chrome,
    action: String,
    members: Vec<(String, String)>,
    problem: Option<Problem>,
}
