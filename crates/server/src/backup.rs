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

mod read;
mod write;

pub(crate) use read::{BackupFile, verify};
pub(crate) use write::{Source, Target, save, write};

use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 9] = b"BWBACKUP\x01";
/// The most bytes of manifest, keyring and state.
const MAX_PART: usize = 1 << 20;
const CHECKSUM: usize = 32;

/// What a backup is of.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    /// When it was made.
    pub(crate) created: String,
    /// The version of Bailiwick that made it.
    pub(crate) version: String,
    /// The identity of the store.
    pub(crate) store_id: String,
    /// How often it had been restored, plus one.
    pub(crate) epoch: u64,
    /// The revision of the store.
    pub(crate) revision: u64,
    /// The number of rows.
    pub(crate) rows: u64,
    /// The identifier of the master key that opens it.
    pub(crate) master_key_id: String,
    /// The last line of the audit trail's files whose record is not in the backup as well; none before the first.
    pub(crate) audit_sequence: u64,
}
