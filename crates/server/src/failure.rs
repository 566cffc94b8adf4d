//! The error of a command.

use std::fmt;

use crate::escapes;

/// A message for the terminal, and an exit code for scripts. It is shown without characters that control the terminal, since
/// it may repeat text of a file or a server.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
    is_temporary: bool,
}

impl Failure {
    /// Exit code 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Failure { message: message.into(), code: 1, is_temporary: false }
    }

    /// A specific exit code: 2 means wrong usage, as in clap.
    pub(crate) fn with_code(message: impl Into<String>, code: u8) -> Self {
        Failure { message: message.into(), code, is_temporary: false }
    }

    /// The same with another exit code.
    pub(crate) fn coded(self, code: u8) -> Self {
        Failure { code, ..self }
    }

    /// The same for an error that may be gone at the next attempt, such as a server that is away.
    pub(crate) fn temporary(self, is_temporary: bool) -> Self {
        Failure { is_temporary, ..self }
    }

    /// Whether another attempt may succeed.
    pub(crate) fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escapes::lines(&self.message))
    }
}
