//! What the parts of a backup are.

use serde::{Deserialize, Serialize};

pub(super) const MAGIC: &[u8; 9] = b"BWBACKUP\x01";
/// The most bytes of manifest, keyring and state.
pub(super) const MAX_PART: usize = 1 << 20;
pub(super) const CHECKSUM: usize = 32;

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

impl Manifest {
    /// Whether its texts are in the form that Bailiwick writes. They are shown on terminals and recorded, and the checksum of
    /// a file proves nothing about who wrote it.
    pub(super) fn is_well_formed(&self) -> bool {
        let is_word = |text: &str, longest: usize| text.len() <= longest && text.bytes().all(|b| b.is_ascii_graphic());
        let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        self.created.parse::<jiff::Timestamp>().is_ok()
            && is_word(&self.created, 64)
            && is_word(&self.version, 64)
            && is_word(&self.store_id, 36)
            && is_hex(&self.store_id)
            && is_word(&self.master_key_id, 64)
            && is_hex(&self.master_key_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_has_no_text_but_what_is_written() {
        let sound = Manifest {
            created: "2026-03-01T12:00:00.5Z".into(),
            version: "0.1.0".into(),
            store_id: "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9".into(),
            epoch: 1,
            revision: 2,
            rows: 3,
            master_key_id: "e23f8d6dbe2209a8".into(),
            audit_sequence: 4,
        };
        assert!(sound.is_well_formed());
        for (change, what) in [
            ((|m: &mut Manifest| m.created = "\u{1b}]0;x\u{7}".into()) as fn(&mut Manifest), "control sequences"),
            (|m| m.created = String::new(), "no time"),
            (|m| m.store_id = "../../x".into(), "a path"),
            (|m| m.version = "1 \n2".into(), "two lines"),
            (|m| m.master_key_id = "\u{9b}2J".into(), "control characters"),
        ] {
            let mut manifest = sound.clone();
            change(&mut manifest);
            assert!(!manifest.is_well_formed(), "{what}");
        }
    }
}
