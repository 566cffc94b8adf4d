//! Where the master key comes from.

use std::path::{Path, PathBuf};

use clap::Args;

use super::beside::beside;
use crate::failure::Failure;
use crate::master_key::{self, KeyCommand, MasterKeySource};

/// The options of the master key, in the group of the command that has them.
#[derive(Args)]
pub(crate) struct MasterKeyOptions {
    /// File of the master key [default: the data folder's name with the suffix .key]
    #[arg(long, env = "BAILIWICK_MASTER_KEY_FILE", value_name = "FILE")]
    master_key_file: Option<PathBuf>,
    /// Command that prints the master key, such as a client of a KMS: a program and its arguments, run without a shell at
    /// each start. Instead of a file and of BAILIWICK_MASTER_KEY
    #[arg(long, env = "BAILIWICK_MASTER_KEY_COMMAND", value_name = "COMMAND")]
    master_key_command: Option<String>,
}

impl MasterKeyOptions {
    /// The one source that is set; the file is the default.
    ///
    /// # Errors
    /// Exit code 2 if a command is set together with another source, or has quotes that do not close.
    pub(crate) fn source(&self, data_dir: &Path) -> Result<MasterKeySource, Failure> {
        let Some(command) = &self.master_key_command else {
            return Ok(match master_key::given() {
                Some(_) => MasterKeySource::Variable,
                None => MasterKeySource::File(self.master_key_file.clone().unwrap_or_else(|| beside(data_dir, ".key"))),
            });
        };
        let twice = |other: &str| {
            Failure::with_code(
                format!("--master-key-command and {other} are both set: the master key has one source"),
                2,
            )
        };
        match (&self.master_key_file, master_key::given()) {
            (Some(_), _) => Err(twice("--master-key-file")),
            (None, Some(_)) => Err(twice(master_key::VARIABLE)),
            (None, None) => KeyCommand::parse("--master-key-command", command).map(MasterKeySource::Command),
        }
    }
}
