//! The data folder and the master key.

use std::path::PathBuf;

use clap::Args;

use crate::data_dir::beside;

/// The group "Store".
#[derive(Args)]
#[command(next_help_heading = "Store")]
pub(crate) struct StoreOptions {
    /// Folder of the embedded store; created at the first start
    #[arg(long, env = "BAILIWICK_DATA_DIR", default_value = "./bailiwick-data", value_name = "FOLDER")]
    pub(crate) data_dir: PathBuf,
    /// File of the master key [default: the data folder's name with the suffix .key]
    #[arg(long, env = "BAILIWICK_MASTER_KEY_FILE", value_name = "FILE")]
    master_key_file: Option<PathBuf>,
    /// File for a new root access key if standard output is not a terminal [default: the data folder's name with the
    /// suffix .root-credentials]
    #[arg(long, env = "BAILIWICK_ROOT_CREDENTIALS_FILE", value_name = "FILE")]
    root_credentials_file: Option<PathBuf>,
}

impl StoreOptions {
    /// The file of the master key.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.master_key_file.clone().unwrap_or_else(|| beside(&self.data_dir, ".key"))
    }

    /// The file of a new root access key.
    pub(crate) fn credentials_file(&self) -> PathBuf {
        self.root_credentials_file.clone().unwrap_or_else(|| beside(&self.data_dir, ".root-credentials"))
    }
}
