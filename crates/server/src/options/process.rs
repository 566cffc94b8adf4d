//! What the process does with the system that it runs on.

use clap::Args;

use super::boolean;

/// The group "Process".
#[derive(Args)]
#[command(next_help_heading = "Process")]
pub(crate) struct ProcessOptions {
    /// Don't lock memory, so that it may be written to swap
    ///
    /// By default memory is locked where the system allows it without limit. A process whose memory is locked keeps
    /// what it once used.
    #[arg(long, env = "BAILIWICK_NO_MEMORY_LOCK", value_parser = boolean)]
    pub(crate) no_memory_lock: bool,
}
