//! Structured logs on standard error: level and format.

mod filter;

use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use clap::ValueEnum;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

pub(crate) use self::filter::LogFilter;
use crate::failure::Failure;

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Text.
    Text,
    /// One JSON object per line.
    Json,
}

/// Sets up logging once for the process. Panics are logged like other events.
pub(crate) fn start(filter: &LogFilter, format: LogFormat) -> Result<(), Failure> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter.targets());
    let done: Result<(), TryInitError> = match format {
        LogFormat::Text => {
            let is_terminal =
                std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
            registry.with(lines.with_ansi(is_terminal).with_target(false)).try_init()
        }
        LogFormat::Json => registry.with(lines.json().flatten_event(true).with_current_span(false)).try_init(),
    };
    done.map_err(|e| Failure::new(format!("cannot set up logging: {e}")))?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    // The store turns a panic on a damaged page into an error, which is reported there.
    if bailiwick_storage_redb::panics_are_caught() {
        return;
    }
    let place = panic.location().map(tracing::field::display);
    let why = panic.payload_as_str().unwrap_or("unknown");
    tracing::error!(place, why, "panic: this is a defect of Bailiwick");
}
