//! The settings of the process.

use clap::Args;

use crate::memory_lock::MemoryLock;

/// The group "Process".
#[derive(Args)]
#[command(next_help_heading = "Process")]
pub(crate) struct ProcessOptions {
    /// When memory is locked, so that it is not written to swap
    ///
    /// The process can lock it if the system allows that without limit. Locked memory is not returned to the system.
    #[arg(long, env = "BAILIWICK_MEMORY_LOCK", value_enum, default_value_t = MemoryLock::Auto, value_name = "WHEN")]
    pub(crate) memory_lock: MemoryLock,
}
