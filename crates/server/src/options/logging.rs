//! What is logged, and how it looks.

use clap::Args;

use crate::failure::Failure;
use crate::logging::{self, LogFilter, LogFormat};

/// The group "Logging".
#[derive(Args)]
#[command(next_help_heading = "Logging")]
pub(crate) struct LoggingOptions {
    /// Least important lines that are logged: off, error, warn, info, debug, trace
    ///
    /// Single parts may have levels of their own, as in `info,bailiwick_authz=debug`.
    #[arg(long, env = "BAILIWICK_LOG", default_value = "info", value_name = "LEVEL")]
    log: LogFilter,
    /// How lines of the log look
    #[arg(long, env = "BAILIWICK_LOG_FORMAT", value_enum, default_value = "text")]
    log_format: LogFormat,
}

impl LoggingOptions {
    /// Sets up logging once for the process.
    pub(crate) fn start(&self) -> Result<(), Failure> {
        logging::start(&self.log, self.log_format)
    }

    /// Whether standard error is read by a program, so that every line there is a JSON object.
    pub(crate) fn is_json(&self) -> bool {
        self.log_format == LogFormat::Json
    }
}
