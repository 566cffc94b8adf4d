//! Files that lie next to the data folder.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the path next to the data folder with the folder's name and this suffix.
pub(crate) fn beside(data_dir: &Path, ending: &str) -> PathBuf {
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
