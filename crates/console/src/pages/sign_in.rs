//! Sign-in: password, then a code or passkey, then a new password, each only if it is asked for; and sign-out.

use askama::Template;
use bailiwick_api::op;
use bailiwick_api::signin::{
    ChangeExpiredPasswordRequest, PasskeyAssertion, PasskeyRequest, SignInRequest, SignInToken, SignOutRequest,
};
use bailiwick_model::{ErrorCode, IamError};
use http::{StatusCode, header};
use serde_json::json;

use crate::cookie::{inner_address, set_cookie};
use crate::form::Form;
use crate::pages::bare;
use crate::person::Person;
use crate::reply::{self, Reply};
use crate::request::{CallError, Request};
use crate::session::{NewSession, Pending, State};
use crate::view::{Assets, Problem, url};

/// Answers `/console/sign-in`.
pub(crate) async fn answer(request: &Request<'_>, id: &str, state: Option<State>) -> Reply {
    match state {
        Some(State::SignedIn(_)) if !request.is_post() => reply::redirect(&inner_address(request.query.raw("next"))),
        Some(State::Pending(pending)) if request.is_post() && !request.form.is_set("account") => {
            if request.form.is_set("cancel") {
                request.context.sessions.end(id);
                return lead(request, "");
            }
            second_step(request, id, &pending).await
        }
        Some(State::Pending(pending)) if !request.is_post() => step_page(StatusCode::OK, &pending, None),
        // A new sign-in replaces whatever session the browser has.
        state if request.is_post() => {
            if state.is_some() {
                request.context.sessions.end(id);
            }
            first_step(request).await
        }
        _ => first_page(StatusCode::OK, request, None),
    }
}

/// Leads to the sign-in page, which says why: `ended` or `revoked`.
pub(crate) fn lead(request: &Request<'_>, why: &str) -> Reply {
    let mut members = Vec::new();
    if !why.is_empty() {
        members.push(("why", why));
    }
    let address = inner_address(request.address());
    if !request.is_post() && address != "/console" && request.path() != "sign-in" {
        members.push(("next", &address));
    }
    let mut reply = reply::redirect(&url("sign-in", &members));
    // Without a cookie the request may be of another site, which must not end a session.
    if request.head.headers.contains_key(header::COOKIE) {
        set_cookie(&mut reply, request.peer, "");
    }
    reply
}

/// Ends the session of the browser and the sign-in session behind it.
pub(crate) async fn sign_out(person: &Person<'_>, id: &str) -> Reply {
    let request = person.request;
    // It may have ended already.
    let _ = request.call::<op::SignOut>(Some(person.session.authorization()), SignOutRequest {}).await;
    request.context.sessions.end(id);
    lead(request, "out")
}

/// Leads a person who changed their own password, which ended their session, to the sign-in page and back to the profile.
pub(crate) fn with_new_password(person: &Person<'_>) -> Reply {
    let mut members = vec![("why", "password"), ("next", "/console/profile")];
    if person.session.is_root() {
        members.push(("root", "1"));
    }
    let mut reply = reply::redirect(&url("sign-in", &members));
    set_cookie(&mut reply, person.request.peer, "");
    reply
}

async fn first_step(request: &Request<'_>) -> Reply {
    let form = &request.form;
    let is_root = form.is_set("root");
    let asked = SignInRequest {
        account: form.text("account"),
        user_name: if is_root { None } else { form.text("user_name") },
        root: is_root.then_some(true),
        password: Some(form.raw("password").to_owned()),
        ..SignInRequest::default()
    };
    let mut pending = Pending::new(
        form.typed("account"),
        asked.user_name.clone(),
        form.raw("password"),
        inner_address(request.query.raw("next")),
    );
    match request.call::<op::SignIn>(None, asked).await {
        Err(error) => first_page(error.status(), request, Some(Problem::new(&error))),
        Ok(answer) => match answer.session {
            Some(token) => signed_in(request, token, &pending.next),
            None => {
                pending.needs_code = answer.mfa_required;
                pending.mfa_serial_numbers = answer.mfa_serial_numbers;
                pending.needs_password = answer.password_change_required;
                pending.passkey_request = answer.passkey_request;
                begin(request, pending)
            }
        },
    }
}

fn begin(request: &Request<'_>, pending: Pending) -> Reply {
    let context = request.context;
    let id = context.sessions.begin(&|buffer| context.fill(buffer), request.now, pending);
    let mut reply = reply::redirect("/console/sign-in");
    set_cookie(&mut reply, request.peer, &id);
    reply
}

async fn second_step(request: &Request<'_>, id: &str, pending: &Pending) -> Reply {
    let form = &request.form;
    let passkey = assertion(form);
    let mfa_code = form.text("code").filter(|_| passkey.is_none()).map(|code| code.replace(' ', ""));
    let mfa_serial_number = form.text("serial_number").filter(|_| mfa_code.is_some());
    let (account, user_name) = (Some(pending.account.clone()), pending.user_name.clone());
    let password = Some(pending.password.to_string());
    let result = if pending.needs_password {
        if form.raw("new_password") != form.raw("new_password_again") {
            let error = IamError::validation("the two new passwords are not the same");
            let error = CallError { error, request_id: request.context.service.request_id() };
            return step_page(StatusCode::BAD_REQUEST, pending, Some(Problem::new(&error)));
        }
        let new_password = Some(form.raw("new_password").to_owned());
        let asked = ChangeExpiredPasswordRequest {
            account,
            user_name,
            password,
            new_password,
            mfa_code,
            mfa_serial_number,
            passkey,
        };
        request.call::<op::ChangeExpiredPassword>(None, asked).await.map(|answer| answer.session)
    } else {
        let root = pending.user_name.is_none().then_some(true);
        let asked = SignInRequest { account, user_name, root, password, mfa_code, mfa_serial_number, passkey };
        request.call::<op::SignIn>(None, asked).await.map(|answer| answer.session)
    };
    match result {
        Ok(Some(token)) => {
            request.context.sessions.end(id);
            signed_in(request, token, &pending.next)
        }
        Ok(None) => step_page(StatusCode::BAD_REQUEST, pending, None),
        Err(error) if error.error.code() == ErrorCode::AccessDenied && !pending.needs_password => {
            request.context.sessions.end(id);
            lead(request, "ended")
        }
        Err(error) => step_page(error.status(), pending, Some(Problem::new(&error))),
    }
}

/// The answer of a passkey, which the script writes into the form.
fn assertion(form: &Form) -> Option<PasskeyAssertion> {
    form.is_set("credential_id").then(|| PasskeyAssertion {
        credential_id: form.text("credential_id"),
        client_data: form.text("client_data"),
        authenticator_data: form.text("authenticator_data"),
        signature: form.text("signature"),
        user_handle: form.text("user_handle"),
    })
}

/// Gives the browser a session of a person with a password, and leads it to a page.
fn signed_in(request: &Request<'_>, token: SignInToken, next: &str) -> Reply {
    start(request, NewSession::of_person(token, true), next)
}

/// Gives the browser a session, and leads it to a page.
pub(crate) fn start(request: &Request<'_>, session: NewSession, next: &str) -> Reply {
    let context = request.context;
    let id = context.sessions.sign_in(&|buffer| context.fill(buffer), request.now, session);
    let mut reply = reply::redirect(next);
    set_cookie(&mut reply, request.peer, &id);
    reply
}

fn first_page(status: StatusCode, request: &Request<'_>, problem: Option<Problem>) -> Reply {
    let (query, form) = (&request.query, &request.form);
    let typed = |name| if request.is_post() { form.typed(name) } else { query.typed(name) };
    let notice = match query.raw("why") {
        _ if problem.is_some() => "",
        "out" => "You are signed out.",
        "ended" => "Your session has ended: it was idle for too long, reached its time, or the server restarted.",
        "password" => "Your password was changed. Sign in with the new one.",
        "revoked" => "Your session was ended: it was revoked, or your password or user changed.",
        _ => "",
    };
    let next = query.raw("next");
    let members: &[(&str, &str)] = if next.is_empty() { &[] } else { &[("next", next)] };
    let page = SignInPage {
        assets: Assets::default(),
        action: url("sign-in", members),
        account: typed("account"),
        user_name: typed("user_name"),
        is_root: !typed("root").is_empty(),
        notice,
        problem,
    };
    bare(status, &page)
}

fn step_page(status: StatusCode, pending: &Pending, problem: Option<Problem>) -> Reply {
    let page = StepPage {
        assets: Assets::default(),
        who: pending.user_name.clone().unwrap_or_else(|| "root".to_owned()),
        needs_code: pending.needs_code,
        needs_password: pending.needs_password,
        serial_numbers: pending.mfa_serial_numbers.clone(),
        passkey: pending.passkey_request.as_ref().map(options).unwrap_or_default(),
        problem,
    };
    bare(status, &page)
}

/// WebAuthn's PublicKeyCredentialRequestOptionsJSON.
fn options(request: &PasskeyRequest) -> String {
    let passkeys: Vec<_> =
        request.allow_credentials.iter().map(|key| json!({ "type": key.r#type, "id": key.id })).collect();
    let options = json!({
        "challenge": request.challenge,
        "timeout": request.timeout,
        "rpId": request.rp_id,
        "allowCredentials": passkeys,
        "userVerification": request.user_verification,
    });
    options.to_string()
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    assets: Assets,
    action: String,
    account: String,
    user_name: String,
    is_root: bool,
    notice: &'static str,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "sign_in_step.html")]
struct StepPage {
    assets: Assets,
    who: String,
    needs_code: bool,
    needs_password: bool,
    serial_numbers: Vec<String>,
    passkey: String,
    problem: Option<Problem>,
}
