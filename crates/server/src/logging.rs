//! Structured logs on standard error.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How lines of the log look.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Sets up logging once for the process. `filter` is a level, or directives as `tracing` has them.
pub(crate) fn start(filter: &str, format: LogFormat) -> Result<(), crate::failure::Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|e| {
        crate::failure::Failure::with_code(format!("`{filter}` is not a log level, such as info or debug: {e}"), 2)
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let done = match format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    done.map_err(|e| crate::failure::Failure::new(format!("cannot set up logging: {e}")))
}
