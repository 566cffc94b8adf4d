//! Formatting of policy text.

use crate::error::PolicyError;
use crate::kind::PolicyKind;
use crate::parse::parse;
use crate::print::to_pretty_json;

/// Parses a document and prints it in the pretty form. Formatting is idempotent.
///
/// # Errors
/// The first error of a text that is not a document of that kind.
pub fn format(text: &str, kind: PolicyKind) -> Result<String, PolicyError> {
    Ok(to_pretty_json(&parse(text, kind)?))
}
