//! How long the console keeps a person signed in.

use std::time::Duration;

use bailiwick_console::SessionLimits;
use clap::Args;

/// The group "Console".
#[derive(Args)]
#[command(next_help_heading = "Console")]
pub(crate) struct ConsoleOptions {
    /// Seconds without a request of the person after which a session of a browser ends, 900 at most
    #[arg(long, env = "BAILIWICK_CONSOLE_IDLE_SECONDS", default_value_t = 900, value_name = "SECONDS")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=900))]
    pub(crate) console_idle_seconds: u64,
    /// Seconds after which a session of a browser ends in any case, 43200 at most
    #[arg(long, env = "BAILIWICK_CONSOLE_SESSION_SECONDS", default_value_t = 43_200, value_name = "SECONDS")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=43_200))]
    pub(crate) console_session_seconds: u64,
}

impl ConsoleOptions {
    /// The limits of sessions.
    pub(crate) fn limits(&self) -> SessionLimits {
        SessionLimits {
            idle: Duration::from_secs(self.console_idle_seconds),
            absolute: Duration::from_secs(self.console_session_seconds),
        }
    }
}
