//! Revisions as clients see them: opaque text with the store, the restore epoch and the number.

use bailiwick_model::{IamError, Result};
use bailiwick_storage::Revision;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The store and epoch of revisions. A restored store begins a new epoch, in which older revisions are invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionScope {
    /// The store's id.
    pub store_id: String,
    /// The number of times that the store was restored.
    pub epoch: u64,
}

impl RevisionScope {
    /// Formats a revision for `x-bailiwick-revision`.
    pub fn format(&self, revision: Revision) -> String {
        let mut text = String::with_capacity(self.store_id.len() + 34);
        text.push_str(&self.store_id);
        for number in [self.epoch, revision.number()] {
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
        if store != self.store_id || epoch != self.epoch {
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
        let scope = RevisionScope { store_id: "s-1".into(), epoch: 2 };
        for number in [0, 1, 15, 16, 255, 256, 300, u64::MAX] {
            assert_eq!(scope.format(Revision::new(number)), format!("s-1.2.{number:x}"));
        }
        let text = scope.format(Revision::new(300));
        assert_eq!(scope.parse(&text).unwrap(), Revision::new(300));
        for bad in ["", "1", "s-1.2", "s-1.2.zz", "s-1.2.", "s-2.2.12c", "s-1.3.12c", "s-1.2.12c.1", "é.2.1"] {
            assert!(scope.parse(bad).is_err(), "{bad}");
        }
    }
}
