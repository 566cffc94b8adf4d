//! The data folder and the master key.

use std::path::PathBuf;

use clap::Args;

use super::beside::beside;
use super::master_key::MasterKeyOptions;
use crate::failure::Failure;
use crate::master_key::MasterKeySource;

/// The group "Store".
#[derive(Args)]
#[command(next_help_heading = "Store")]
pub(crate) struct StoreOptions {
    /// Folder of the embedded store, which `bailiwick serve` creates at its first start
    #[arg(long, env = "BAILIWICK_DATA_DIR", default_value = "./bailiwick-data", value_name = "FOLDER")]
    pub(crate) data_dir: PathBuf,
    #[command(flatten)]
    master_key: MasterKeyOptions,
    /// File for a new root access key if standard output is not a terminal [default: the data folder's name with the
    /// suffix .root-credentials]
    #[arg(long, env = "BAILIWICK_ROOT_CREDENTIALS_FILE", value_name = "FILE")]
    root_credentials_file: Option<PathBuf>,
}

/// The group "Store" of a command for the store of a stopped server.
#[derive(Args)]
#[command(next_help_heading = "Store")]
pub(crate) struct ExistingStoreOptions {
    /// Folder of the embedded store
    #[arg(long, env = "BAILIWICK_DATA_DIR", default_value = "./bailiwick-data", value_name = "FOLDER")]
    pub(crate) data_dir: PathBuf,
    #[command(flatten)]
    master_key: MasterKeyOptions,
}

impl ExistingStoreOptions {
    /// Where the master key comes from.
    ///
    /// # Errors
    /// Exit code 2 if two sources are set.
    pub(crate) fn key_source(&self) -> Result<MasterKeySource, Failure> {
        self.master_key.source(&self.data_dir)
    }
}

impl StoreOptions {
    /// Where the master key comes from.
    ///
    /// # Errors
    /// Exit code 2 if two sources are set.
    pub(crate) fn key_source(&self) -> Result<MasterKeySource, Failure> {
        self.master_key.source(&self.data_dir)
    }

    /// The file of a new root access key.
    pub(crate) fn credentials_file(&self) -> PathBuf {
        self.root_credentials_file.clone().unwrap_or_else(|| beside(&self.data_dir, ".root-credentials"))
    }
}
