//! Reading members of a request.

use bailiwick_model::{IamError, Result};

/// A member that must be there. Validation has made sure of it; this is for who calls a handler without it.
pub(crate) fn required<'a>(member: &'a Option<String>, name: &str) -> Result<&'a str> {
    member.as_deref().ok_or_else(|| {
        let message = format!(
            "1 validation error detected: Value at '{name}' failed to satisfy constraint: Member must not be null"
        );
        IamError::validation(message).field(name, "missing")
    })
}

/// Tags as a request brings them.
///
/// # Errors
/// As `Tags::parse`.
pub(crate) fn tags(tags: &[bailiwick_api::iam::Tag]) -> Result<bailiwick_model::Tags> {
    let text = |member: &Option<String>| member.clone().unwrap_or_default();
    bailiwick_model::Tags::parse(tags.iter().map(|tag| (text(&tag.key), text(&tag.value))))
}

/// A path that stays `/` when the request brings none.
///
/// # Errors
/// `ValidationError` when it is no path.
pub(crate) fn path_or_root(path: &Option<String>) -> Result<bailiwick_model::Path> {
    Ok(match path {
        Some(path) => bailiwick_model::Path::parse(path)?,
        None => bailiwick_model::Path::root(),
    })
}
