//! What is the person's own: password, access keys, MFA devices, sessions.

use bailiwick_api::iam::ChangePasswordRequest;
use bailiwick_api::op;
use bailiwick_api::signin::{
    ListSignInSessionsRequest, PutRootPasswordRequest, RevokeSignInSessionsRequest, SignInSession,
};
use bailiwick_model::IamError;
use http::StatusCode;

use crate::pages::credentials::{NO_USER, Owner};
use crate::pages::sessions::{SESSION_COLUMNS, session_row};
use crate::pages::{rows, sign_in};
use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::view::{Cell, Change, DetailPage, Field, Problem, Section};

/// Answers `/console/profile`.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    if person.role.is_some() {
        return person.done("/console", "Your profile is not the role's: return from the role first.");
    }
    if person.session.is_temporary {
        return of_credentials(person);
    }
    let error = if person.is_post() {
        match change(person).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        }
    } else {
        None
    };
    let session = &person.session;
    let factor = if session.has_second_factor { Cell::badge("good", "yes") } else { Cell::badge("warn", "no") };
    let facts = vec![
        ("ARN", Cell::Code(session.arn.clone())),
        ("Account", Cell::Code(session.account.clone())),
        ("Signed in with a second factor", factor),
    ];
    let owner = Owner::person();
    let page = DetailPage {
        chrome: person.chrome("Your profile"),
        back: ("/console", "Home"),
        problem: error.as_ref().map(Problem::new),
        facts: person.facts(facts),
        changes: vec![password(person)],
        sections: vec![owner.devices(person).await, owner.keys(person).await, sessions(person).await],
        documents: Vec::new(),
        destroying: Vec::new(),
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

/// The page of a person who signed in with temporary credentials.
fn of_credentials(person: &Person<'_>) -> Page {
    if person.is_post() {
        return Err(person.failure(IamError::validation(NO_USER)));
    }
    let session = &person.session;
    let end = prost_types::Timestamp { seconds: session.until.as_second(), nanos: 0 };
    let facts = vec![
        ("ARN", Cell::Code(session.arn.clone())),
        ("Account", Cell::Code(session.account.clone())),
        ("The session ends", Cell::Time(person.moment(Some(&end)))),
        ("Credentials of your own", Cell::text(format!("None: {NO_USER}."))),
    ];
    person.page(&DetailPage {
        chrome: person.chrome("Your session"),
        back: ("/console", "Home"),
        problem: None,
        facts: person.facts(facts),
        changes: Vec::new(),
        sections: Vec::new(),
        documents: Vec::new(),
        destroying: Vec::new(),
    })
}

fn password(person: &Person<'_>) -> Change {
    let mut fields = Vec::new();
    if !person.session.is_root() {
        fields.push(Field::password("old_password", "Present password", "current-password").required());
    }
    fields.push(Field::password("new_password", "New password", "new-password").required());
    fields.push(Field::password("new_password_again", "The same again", "new-password").required());
    person.change("Change the password", "change-password", fields)
}

async fn sessions(person: &Person<'_>) -> Section {
    let listed = person.call::<op::ListSignInSessions>(ListSignInSessionsRequest::default()).await;
    let table = person.table("Sessions", &SESSION_COLUMNS, "No session.");
    let shown = |session: SignInSession| session_row(person, session);
    let table = rows(table, listed.map(|listed| listed.sessions.into_iter().map(shown).collect()));
    let all = person.change("End all sessions", "end-sessions", Vec::new());
    Section::new("Sessions", table).with(all.about("This one too: you sign in again afterwards.").dangerous())
}

async fn change(person: &Person<'_>) -> Called<Page> {
    let form = person.form();
    let message = match person.asked() {
        "change-password" => {
            if form.raw("new_password") != form.raw("new_password_again") {
                return Err(person.failure(IamError::validation("the two new passwords are not the same")));
            }
            let new_password = Some(form.raw("new_password").to_owned());
            if person.session.is_root() {
                if person.session.has_password
                    && let Some(page) = person.prove_first()
                {
                    return Ok(page);
                }
                person.call::<op::PutRootPassword>(PutRootPasswordRequest { password: new_password }).await?;
            } else {
                let old_password = Some(form.raw("old_password").to_owned());
                person.call::<op::ChangePassword>(ChangePasswordRequest { old_password, new_password }).await?;
            }
            // That ended this session too.
            person.leave();
            return Ok(Ok(sign_in::with_new_password(person)));
        }
        "end-session" => {
            // Without an id it would end all.
            let Some(session) = form.text("session") else {
                return Err(person.failure(IamError::validation("the form names no session")));
            };
            let asked = RevokeSignInSessionsRequest { user_name: None, session_ids: vec![session] };
            person.call::<op::RevokeSignInSessions>(asked).await?;
            "The session has ended."
        }
        "end-sessions" => {
            let asked = RevokeSignInSessionsRequest::default();
            person.call::<op::RevokeSignInSessions>(asked).await?;
            "All sessions have ended."
        }
        _ => return Owner::person().change(person).await,
    };
    Ok(person.done("/console/profile", message))
}
