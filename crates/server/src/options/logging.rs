//! The log's level and format.

use clap::Args;

use crate::failure::Failure;
use crate::logging::{self, LogFilter, LogFormat};

/// The group "Logging".
#[derive(Args)]
#[command(next_help_heading = "Logging")]
pub(crate) struct LoggingOptions {
    /// Log level: off, error, warn, info, debug, trace
    ///
    /// Parts of the program can have their own levels, as in `info,bailiwick_authz=debug`.
    #[arg(long, env = "BAILIWICK_LOG", default_value = "info", value_name = "LEVEL")]
    log: LogFilter,
    /// Format of log lines
    #[arg(long, env = "BAILIWICK_LOG_FORMAT", value_enum, default_value = "text")]
    log_format: LogFormat,
}

impl LoggingOptions {
    /// Sets up logging once for the process.
    pub(crate) fn start(&self) -> Result<(), Failure> {
        logging::start(&self.log, self.log_format)
    }

    /// Returns whether every line on standard error must be a JSON object.
    pub(crate) fn is_json(&self) -> bool {
        self.log_format == LogFormat::Json
    }
}
