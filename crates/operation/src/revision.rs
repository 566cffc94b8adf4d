//! Revisions as clients see them: opaque text with the store, the restore that it comes from, and the number.

use bailiwick_model::{IamError, Result};
use bailiwick_storage::Revision;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The store and epoch of revisions. A restored store begins a new epoch, in which older revisions are invalid, and those of other
/// stores that were restored from the same backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionScope {
    /// The store's id.
    pub store_id: String,
    /// The number of times that the store was restored.
    pub epoch: u64,
    /// Distinguishes stores that were restored from the same backup; 0 in a store that was not restored.
    pub restore_id: u64,
}

impl RevisionScope {
    /// Formats a revision for `x-bailiwick-revision`.
    pub fn format(&self, revision: Revision) -> String {
        let mut text = String::with_capacity(self.store_id.len() + 51);
        text.push_str(&self.store_id);
        let restore_id = (self.restore_id != 0).then_some(self.restore_id);
        for number in restore_id.into_iter().chain([self.epoch, revision.number()]) {
            text.push('.');
            let digits = 16 - (number | 1).leading_zeros() / 4;
            text.extend((0..digits).rev().map(|i| char::from(HEX[(number >> (4 * i)) as usize & 15])));
        }
        text
    }

    /// Parses the output of [`format`](Self::format).
    ///
    /// # Errors
    /// `ValidationError` if the text is not a revision, or one of another store.
    pub fn parse(&self, text: &str) -> Result<Revision> {
        let refuse = |why: &str| IamError::validation(format!("the minimum revision {why}"));
        let shape = "is not one that an answer gave";
        let (rest, number) = text.rsplit_once('.').ok_or_else(|| refuse(shape))?;
        let (store, epoch) = rest.rsplit_once('.').ok_or_else(|| refuse(shape))?;
        let hex = |text: &str| u64::from_str_radix(text, 16).map_err(|_| refuse(shape));
        let (epoch, number) = (hex(epoch)?, hex(number)?);
        let (store, restore_id) = match store.split_once('.') {
            Some((store, restore_id)) => (store, hex(restore_id)?),
            None => (store, 0),
        };
        if store != self.store_id || epoch != self.epoch || restore_id != self.restore_id {
            return Err(refuse("is of another store, or from before this one was restored"));
        }
        Ok(Revision::new(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_of_other_stores_and_epochs_are_refused() {
        let scope = RevisionScope { store_id: "s-1".into(), epoch: 2, restore_id: 0 };
        for number in [0, 1, 15, 16, 255, 256, 300, u64::MAX] {
            assert_eq!(scope.format(Revision::new(number)), format!("s-1.2.{number:x}"));
        }
        let text = scope.format(Revision::new(300));
        assert_eq!(scope.parse(&text).unwrap(), Revision::new(300));
        for bad in ["", "1", "s-1.2", "s-1.2.zz", "s-1.2.", "s-2.2.12c", "s-1.3.12c", "s-1.2.12c.1", "é.2.1"] {
            assert!(scope.parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn revisions_of_two_restores_of_one_backup_are_distinguished() {
        let scope = |restore_id| RevisionScope { store_id: "s-1".into(), epoch: 2, restore_id };
        let text = scope(0xab).format(Revision::new(300));
        assert_eq!(text, "s-1.ab.2.12c");
        assert_eq!(scope(0xab).parse(&text).unwrap(), Revision::new(300));
        for other in [0, 0xac, u64::MAX] {
            assert!(scope(other).parse(&text).is_err(), "{other}");
            assert!(scope(0xab).parse(&scope(other).format(Revision::new(300))).is_err(), "{other}");
        }
        for bad in ["s-1.2.12c", "s-1..2.12c", "s-1.zz.2.12c", "s-1.ab.ab.2.12c", "s-1.ab.2.12c.1", ".ab.2.12c"] {
            assert!(scope(0xab).parse(bad).is_err(), "{bad}");
        }
    }
}
