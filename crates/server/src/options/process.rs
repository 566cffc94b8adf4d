//! The settings of the process.

use clap::Args;

use super::boolean;

/// The group "Process".
#[derive(Args)]
#[command(next_help_heading = "Process")]
pub(crate) struct ProcessOptions {
    /// Do not lock memory, so that it can be written to swap
    ///
    /// By default memory is locked if the system allows that without limit. Locked memory is not returned to the
    /// system.
    #[arg(long, env = "BAILIWICK_NO_MEMORY_LOCK", value_parser = boolean)]
    pub(crate) no_memory_lock: bool,
}
