//! Where a store is: in a folder, or in a database.

use std::path::PathBuf;
use std::str::FromStr;

/// The place of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StorePlace {
    /// An embedded store, in this data folder.
    Folder(PathBuf),
    /// A database at this address.
    Database(String),
}

impl FromStr for StorePlace {
    type Err = &'static str;

    /// Reads `redb:FOLDER` or an address, which the messages do not repeat, since it may have a password.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("redb:") {
            Some("") => Err("expected a folder after redb:"),
            Some(folder) => Ok(StorePlace::Folder(PathBuf::from(folder))),
            None if text.contains("://") => Ok(StorePlace::Database(text.to_owned())),
            None => Err("expected redb:FOLDER or the address of a database, such as postgres://USER@HOST/NAME"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_folders_or_addresses() {
        for (text, expected) in [
            ("redb:/var/lib/data", Ok(StorePlace::Folder("/var/lib/data".into()))),
            ("redb:data", Ok(StorePlace::Folder("data".into()))),
            ("postgres://a@b/c", Ok(StorePlace::Database("postgres://a@b/c".into()))),
            ("redb:", Err("expected a folder after redb:")),
            (
                "/var/lib/data",
                Err("expected redb:FOLDER or the address of a database, such as postgres://USER@HOST/NAME"),
            ),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
    }
}
