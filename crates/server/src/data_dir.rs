//! The data folder and what lies beside it.

use std::path::{Path, PathBuf};

/// A file or folder beside the data folder, with its name and this ending.
pub(crate) fn beside(data_dir: &Path, ending: &str) -> PathBuf {
    let mut name = data_dir.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    data_dir.with_file_name(name)
}
