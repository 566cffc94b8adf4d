//! What commands print: colours for people, JSON for programs.

use std::io::{ErrorKind, Write as _};

use anstyle::{AnsiColor, Style};
use bailiwick_api::Operation;
use prost::Message as _;
use prost_reflect::{DynamicMessage, SerializeOptions};

use crate::failure::Failure;

/// What was allowed, or is as it should be.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What was denied or is wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What to look at.
pub(crate) const NOTABLE: Style = AnsiColor::Yellow.on_default().bold();
/// What is said beside.
pub(crate) const ASIDE: Style = AnsiColor::Cyan.on_default();

/// A text in a style. Where colours are not wanted, what prints it takes the style away.
pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Prints text to standard output. That the reader has closed it is not an error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut output = anstream::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Failure::new(format!("cannot write: {e}"))),
        _ => Ok(()),
    }
}

/// An operation's answer as JSON, with the names that its description has.
pub(super) fn json<O: Operation>(answer: &O::Response) -> Result<String, Failure> {
    let fail = |why: &dyn std::fmt::Display| Failure::new(format!("cannot write the answer as JSON: {why}"));
    let method = bailiwick_api::find_operation(O::NAME).and_then(|operation| operation.response_descriptor());
    let descriptor = method.ok_or_else(|| fail(&"it has no description"))?;
    let message = DynamicMessage::decode(descriptor, answer.encode_to_vec().as_slice()).map_err(|e| fail(&e))?;
    let mut out = Vec::new();
    let mut writer = serde_json::Serializer::pretty(&mut out);
    message.serialize_with_options(&mut writer, &SerializeOptions::new()).map_err(|e| fail(&e))?;
    out.push(b'\n');
    String::from_utf8(out).map_err(|e| fail(&e))
}
