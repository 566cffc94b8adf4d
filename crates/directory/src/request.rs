//! Reading members of a request.

use bailiwick_model::{Arn, IamError, KeyCase, Result};
use bailiwick_operation::{Check, Cx};

/// Returns a required member.
///
/// # Errors
/// `ValidationError` if it is missing. The service has validated the request before; this is for other callers.
pub(crate) fn required<'a>(member: &'a Option<String>, name: &str) -> Result<&'a str> {
    member.as_deref().ok_or_else(|| {
        let message = format!(
            "1 validation error detected: Value at '{name}' failed to satisfy constraint: Member must not be null"
        );
        IamError::validation(message).field(name, "missing")
    })
}

/// The check of an action that lists objects, which has no resource. A denial displays where the list begins.
pub(crate) fn check_list(cx: &Cx, action: &'static str, kind: &str, prefix: &str) -> Check {
    let shown = Arn::iam(cx.partition(), cx.account(), format_args!("{kind}{prefix}"));
    Check::without_resource(action, cx.account()).displayed_as(shown.as_str())
}

/// Parses the tags of a request, whose keys are compared in this way.
///
/// # Errors
/// As `Tags::parse_as`.
pub(crate) fn tags(case: KeyCase, tags: &[bailiwick_api::iam::Tag]) -> Result<bailiwick_model::Tags> {
    let text = |member: &Option<String>| member.clone().unwrap_or_default();
    bailiwick_model::Tags::parse_as(case, tags.iter().map(|tag| (text(&tag.key), text(&tag.value))))
}

/// Parses a path; `/` if the request has none.
///
/// # Errors
/// `ValidationError` if it is not a path.
pub(crate) fn path_or_root(path: &Option<String>) -> Result<bailiwick_model::Path> {
    Ok(match path {
        Some(path) => bailiwick_model::Path::parse(path)?,
        None => bailiwick_model::Path::root(),
    })
}
