//! The data folder and the master key.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

/// The group "Store".
#[derive(Args)]
#[command(next_help_heading = "Store")]
pub(crate) struct StoreOptions {
    /// Folder of the embedded store, which `bailiwick serve` creates at its first start
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

/// The group "Store" of a command for the store of a stopped server.
#[derive(Args)]
#[command(next_help_heading = "Store")]
pub(crate) struct ExistingStoreOptions {
    /// Folder of the embedded store
    #[arg(long, env = "BAILIWICK_DATA_DIR", default_value = "./bailiwick-data", value_name = "FOLDER")]
    pub(crate) data_dir: PathBuf,
    /// File of the master key [default: the data folder's name with the suffix .key]
    #[arg(long, env = "BAILIWICK_MASTER_KEY_FILE", value_name = "FILE")]
    master_key_file: Option<PathBuf>,
}

impl ExistingStoreOptions {
    /// The file of the master key.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.master_key_file.clone().unwrap_or_else(|| beside(&self.data_dir, ".key"))
    }
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

/// Returns the path next to the data folder with the folder's name and this suffix.
pub(super) fn beside(data_dir: &Path, ending: &str) -> PathBuf {
    // A path such as `.` or `..` has no file name.
    let named = match data_dir.file_name() {
        Some(_) => data_dir.to_owned(),
        None => fs::canonicalize(data_dir).unwrap_or_else(|_| data_dir.to_owned()),
    };
    let mut name = named.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    named.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beside_the_data_folder() {
        let check =
            |data_dir: &str, expected: &str| assert_eq!(beside(Path::new(data_dir), ".key"), Path::new(expected));
        check("bailiwick-data", "bailiwick-data.key");
        check("./bailiwick-data", "./bailiwick-data.key");
        check("/var/lib/bailiwick/data/", "/var/lib/bailiwick/data.key");
        let here = std::env::current_dir().unwrap();
        check(".", &format!("{}.key", here.display()));
        check("..", &format!("{}.key", here.parent().unwrap().display()));
    }
}
