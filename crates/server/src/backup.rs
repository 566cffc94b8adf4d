//! The file of a backup: a manifest, the rows of the store, and a checksum.
//!
//! ```text
//! "BWBACKUP", version 1
//! length in four bytes, the manifest as JSON
//! length in four bytes, the wrapped keyring
//! length in four bytes, the sealed state of the store
//! each row: length of the key in two bytes, length of the stored form in four, both
//! two bytes of zero
//! SHA-256 of everything before
//! ```
//!
//! The checksum finds damage; the tags of the rows and the sealed state find changes by a program without the master key.

mod format;
#[cfg(test)]
mod fuzz_targets;
mod read;
mod write;

pub(crate) use format::Manifest;
pub(crate) use read::{BackupFile, verify};
pub(crate) use write::{Source, Target, save, write};
