//! The editor of policy documents: a text with findings at its lines, and a form that adds a statement.

mod findings;
mod replay;
mod statement;

use askama::Template;
use aws_lc_rs::digest;
use bailiwick_model::{ErrorCode, IamError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;

use self::replay::Replayed;
use crate::pages::document;
use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::view::{Change, Chrome, Field, Input, Problem};

pub(crate) use self::findings::{Findings, check};
pub(crate) use self::replay::Proposed;

/// What a page with an editor edits.
pub(crate) struct Editor {
    pub(crate) title: String,
    /// The address and label of the page before.
    pub(crate) back: (String, String),
    pub(crate) about: &'static str,
    /// Other fields of the form.
    pub(crate) fields: Vec<Field>,
    /// The type of the document, as `ValidatePolicy` names it.
    pub(crate) policy_type: &'static str,
    /// The document that is edited; empty for a new one.
    pub(crate) document: String,
    /// What the document would be, if decisions can be replayed with it.
    pub(crate) proposed: Option<Proposed>,
    /// The label of the button that saves.
    pub(crate) save: &'static str,
    /// Forms that destroy what is edited.
    pub(crate) destroying: Vec<Change>,
}

impl Editor {
    /// Answers with the editor: with the document at first, then with what was typed. `error` is that of saving.
    pub(crate) async fn page(mut self, person: &Person<'_>, mut error: Option<CallError>) -> Page {
        let mut text = document::indent(&self.document);
        let (mut findings, mut is_added) = (None, false);
        if person.is_post() {
            if person.form().has("document") {
                text = typed(person);
                self.fields.iter_mut().for_each(|field| field.repeat(person.form()));
            }
            match person.asked() {
                "check" | "show-actions" => {}
                "replay" if self.proposed.is_some() => {}
                "add-statement" => match added(person, &text) {
                    Ok(document) => (text, is_added) = (document, true),
                    Err(failed) => error = Some(failed),
                },
                // The page has tried another change, and it was refused.
                _ if error.is_some() => {}
                _ => error = Some(person.unknown_change()),
            }
            findings = Some(Findings::of(person, self.policy_type, &text).await);
        }
        let has_builder = self.policy_type == "IDENTITY_POLICY";
        let replayed = match &self.proposed {
            Some(proposed) if person.asked() == "replay" => Some(proposed.replay(person, &text).await),
            _ => None,
        };
        let page = EditorPage {
            chrome: person.chrome(self.title),
            back: self.back,
            problem: error.as_ref().map(Problem::new),
            about: self.about,
            fields: self.fields,
            seen: person.form().text("seen").unwrap_or_else(|| fingerprint(&self.document)),
            document: text,
            policy_type: self.policy_type,
            findings: findings.unwrap_or_default(),
            can_replay: self.proposed.is_some(),
            replayed,
            save: self.save,
            builder: if has_builder { statement::fields(person, is_added).await } else { Vec::new() },
            builder_is_open: matches!(person.asked(), "add-statement" | "show-actions"),
            destroying: self.destroying,
        };
        person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
    }
}

/// The document that was typed. Browsers send each end of a line as two characters.
pub(crate) fn typed(person: &Person<'_>) -> String {
    person.form().raw("document").replace("\r\n", "\n")
}

/// Requires that the stored document is the one that the editor began with, so that one change does not undo another
/// that was made meanwhile.
///
/// # Errors
/// `ConcurrentModification` for another document.
pub(crate) fn check_unchanged(person: &Person<'_>, stored: &str) -> Called<()> {
    if person.form().raw("seen") == fingerprint(stored) {
        return Ok(());
    }
    let message = "the document was changed since this page was loaded: load it again in another window, and compare";
    Err(person.failure(IamError::new(ErrorCode::ConcurrentModification, message)))
}

fn fingerprint(document: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, document.as_bytes()))
}

fn added(person: &Person<'_>, text: &str) -> Called<String> {
    let refused = |message: &str| person.failure(IamError::validation(message));
    let statement = statement::write(person.form()).map_err(refused)?;
    document::append(text, &statement).map_err(refused)
}

#[derive(Template)]
#[template(path = "editor.html")]
struct EditorPage {
    chrome: Chrome,
    back: (String, String),
    problem: Option<Problem>,
    about: &'static str,
    fields: Vec<Field>,
    seen: String,
    document: String,
    policy_type: &'static str,
    findings: Findings,
    can_replay: bool,
    replayed: Option<Replayed>,
    save: &'static str,
    builder: Vec<Field>,
    builder_is_open: bool,
    destroying: Vec<Change>,
}
