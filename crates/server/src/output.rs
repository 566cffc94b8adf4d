//! Output of commands: coloured text or JSON.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _};

use anstyle::{AnsiColor, Style};
use bailiwick_api::Operation;
use prost::Message as _;
use prost_reflect::{DynamicMessage, SerializeOptions};

use crate::failure::Failure;

/// Allowed, or as expected.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Denied, or wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Worth attention.
pub(crate) const NOTABLE: Style = AnsiColor::Yellow.on_default().bold();
/// Secondary text.
pub(crate) const ASIDE: Style = AnsiColor::Cyan.on_default();

/// Styles a text. The output stream removes the style if colours are off.
pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// `1 call` or `2 calls`.
pub(crate) fn counted<N: Display + PartialEq + From<u8>>(count: N, name: &str) -> String {
    let ending = if count == N::from(1) { "" } else { "s" };
    format!("{count} {name}{ending}")
}

/// Prints text to standard output. A closed pipe is not an error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    print_if_open(text).map(drop)
}

/// Prints text to standard output; returns false if its reader has closed it.
pub(crate) fn print_if_open(text: &str) -> Result<bool, Failure> {
    let mut output = anstream::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(Failure::new(format!("cannot write: {e}"))),
        Ok(()) => Ok(true),
    }
}

/// Converts an operation's response to JSON, with the names of its descriptor.
pub(crate) fn json<O: Operation>(answer: &O::Response) -> Result<String, Failure> {
    let fail = |why: &dyn std::fmt::Display| Failure::new(format!("cannot write the answer as JSON: {why}"));
    let method = bailiwick_api::find_operation(O::NAME).and_then(|operation| operation.response_descriptor());
    let descriptor = method.ok_or_else(|| fail(&"it has no descriptor"))?;
    let message = DynamicMessage::decode(descriptor, answer.encode_to_vec().as_slice()).map_err(|e| fail(&e))?;
    let mut out = Vec::new();
    let mut writer = serde_json::Serializer::pretty(&mut out);
    message.serialize_with_options(&mut writer, &SerializeOptions::new()).map_err(|e| fail(&e))?;
    out.push(b'\n');
    String::from_utf8(out).map_err(|e| fail(&e))
}
