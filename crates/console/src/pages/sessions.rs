//! Sessions: the sign-in sessions of a user or of the person, and the forms that end sessions of roles, users and keys.

use bailiwick_api::op;
use bailiwick_api::signin::{
    ListSignInSessionsRequest, RevokeSessionsRequest, RevokeSignInSessionsRequest, SignInSession,
};
use bailiwick_model::IamError;
use http::StatusCode;

use crate::pages::{credentials, rows};
use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::view::{Cell, DetailPage, Field, Problem, Section, url};

/// Answers `/console/sessions`. The address may name a `user`; the person's own are shown otherwise.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    let user = person.query().text("user");
    let error = match person.is_post() {
        true => match change(person, user.as_deref()).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        },
        false => None,
    };
    let whose = match &user {
        Some(name) => Cell::link("users/user", "name", name, name),
        None => Cell::text(format!("your own, {}", person.session.arn)),
    };
    let page = DetailPage {
        chrome: person.chrome("Sessions"),
        back: ("/console", "Home"),
        problem: error.as_ref().map(Problem::new),
        facts: person.facts(vec![("Sign-in sessions shown", whose)]),
        changes: vec![show(person)],
        sections: vec![signed_in(person, user).await, others(person)],
        documents: Vec::new(),
        destroying: Vec::new(),
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

fn show(person: &Person<'_>) -> crate::view::Change {
    let field = Field::line("user", "User", 64).required();
    person.change("Show the sessions of a user", "show", vec![field])
}

/// The sign-in sessions of a user, or of the person; the person who has none is not asked for.
async fn signed_in(person: &Person<'_>, user_name: Option<String>) -> Section {
    let table = person.table("Sign-in sessions", &SESSION_COLUMNS, "No sign-in session.");
    let has_own = person.role.is_none() && !person.session.is_temporary;
    let called = match (&user_name, has_own) {
        (None, false) => Err(person.failure(IamError::validation(credentials::NO_USER))),
        _ => {
            let asked = ListSignInSessionsRequest { user_name };
            person.call::<op::ListSignInSessions>(asked).await.map(|listed| listed.sessions)
        }
    };
    let table =
        rows(table, called.map(|sessions| sessions.into_iter().map(|session| session_row(person, session)).collect()));
    let all = person.change("End all these sessions", "end-sessions", Vec::new());
    let all =
        all.about("Yours too, if it is among them. Temporary keys that were issued for them end too.").dangerous();
    Section::new("Sign-in sessions", table).with(all)
}

/// What sign-in sessions are shown with, here and in the own profile.
pub(super) const SESSION_COLUMNS: [&str; 6] = ["Signed in", "Ends", "Address", "Browser", "Second factor", "Change"];

/// A sign-in session, with a button that ends it.
pub(super) fn session_row(person: &Person<'_>, session: SignInSession) -> Vec<Cell> {
    let id = session.session_id;
    vec![
        Cell::Time(person.moment(session.create_date.as_ref())),
        Cell::Time(person.moment(session.expiration.as_ref())),
        Cell::text(session.source_ip),
        Cell::text(session.user_agent),
        Cell::text(if session.mfa_authenticated { "yes" } else { "no" }.to_owned()),
        if session.current {
            Cell::badge("good", "this one")
        } else {
            Cell::button("End", &id, &[("do", "end-session"), ("session", &id)])
        },
    ]
}

/// The forms for sessions that are not listed: temporary credentials are issued without a record of each.
fn others(person: &Person<'_>) -> Section {
    let about = "Temporary credentials are not listed one by one. The trail has the calls that issued them.";
    let table = person.table("Temporary credentials", &["Sessions"], about);
    let role =
        person.change("End the sessions of a role", "revoke-role", vec![Field::line("role", "Role", 64).required()]);
    let role = role.about("All that were issued until now end at their next call. New ones can be issued: to prevent it, change the trust policy.");
    let user =
        person.change("End the sessions of a user", "revoke-user", vec![Field::line("user", "User", 64).required()]);
    let user = user.about("Sign-ins, and sessions of GetSessionToken and GetFederationToken. Access keys stay.");
    let key = person.change(
        "End the session of an access key",
        "revoke-key",
        vec![Field::line("key", "Access key id", 128).required()],
    );
    let key = key.about(
        "A temporary key (ASIA…): that session, and those issued to it. A long-term key: all that were issued to it.",
    );
    Section::new("Temporary credentials", table).with(role.dangerous()).with(user.dangerous()).with(key.dangerous())
}

async fn change(person: &Person<'_>, user: Option<&str>) -> Called<Page> {
    let form = person.form();
    let user_name = user.map(str::to_owned);
    let none = RevokeSessionsRequest::default();
    let needed = |name: &str| {
        form.text(name).ok_or_else(|| person.failure(IamError::validation("the form names nothing to end")))
    };
    let (asked, message) = match person.asked() {
        "show" => return Ok(Ok(crate::reply::redirect(&url("sessions", &[("user", &needed("user")?)])))),
        "end-session" => {
            // Without an id it would end all.
            let asked = RevokeSignInSessionsRequest { user_name, session_ids: vec![needed("session")?] };
            person.call::<op::RevokeSignInSessions>(asked).await?;
            return Ok(person.changed("The session has ended."));
        }
        "end-sessions" => {
            let asked = RevokeSignInSessionsRequest { user_name, session_ids: Vec::new() };
            person.call::<op::RevokeSignInSessions>(asked).await?;
            return Ok(person.changed("All these sessions have ended."));
        }
        "revoke-role" => {
            let role = needed("role")?;
            (
                RevokeSessionsRequest { role_name: Some(role.clone()), ..none },
                format!("The sessions of the role {role} have ended."),
            )
        }
        "revoke-user" => {
            let name = needed("user")?;
            (
                RevokeSessionsRequest { user_name: Some(name.clone()), ..none },
                format!("The sessions of the user {name} have ended."),
            )
        }
        "revoke-key" => {
            let key = needed("key")?;
            (
                RevokeSessionsRequest { access_key_id: Some(key.clone()), ..none },
                format!("The sessions of {key} have ended."),
            )
        }
        _ => return Err(person.unknown_change()),
    };
    person.call::<op::RevokeSessions>(asked).await?;
    Ok(person.changed(message))
}
