//! Gives a page's own text back as a file, since a page that works without JavaScript cannot save one.

use bailiwick_model::IamError;

use crate::person::{Page, Person};
use crate::reply;

/// Answers `/console/file`: the text that the form carries, under the name that it carries. Nothing is kept.
pub(crate) fn answer(person: &Person<'_>) -> Page {
    let (name, content) = (person.form().typed("name"), person.form().raw("content"));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '=' | '@' | ',');
    if !person.is_post() || name.is_empty() || name.len() > 200 || !name.chars().all(is_plain) {
        return Err(person.failure(IamError::validation("the form must name a file by letters, digits and _+=,.@-")));
    }
    Ok(reply::download(&name, "text/csv; charset=utf-8", content.as_bytes().to_vec()))
}
