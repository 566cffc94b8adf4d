//! The stored form of rows, and its authentication.
//!
//! Backends store the bytes that this module encodes and pass them back for decoding. So all backends authenticate rows
//! in the same way, and none can omit it.

use bailiwick_seal::{RowKey, SealError, TAG, TagKind};

use crate::{error::StoreError, revision::Revision};

/// Makes and checks the stored form of rows.
#[derive(Clone)]
pub struct Authenticator(Option<RowKey>);

/// A decoded row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedRow<'r> {
    /// The revision that last changed it, as far as it can be trusted: no further than the value.
    pub revision: Revision,
    /// The value, or `None` if it is not the value that was written under this key at this revision.
    pub value: Option<&'r [u8]>,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Authenticator").field(&self.0.is_some()).finish()
    }
}

impl Authenticator {
    /// Length of the header of a stored row: the tag and the revision (eight bytes, big-endian). The value follows.
    pub const ROW_HEADER: usize = TAG + 8;

    /// Authenticates with this key.
    pub fn new(key: RowKey) -> Self {
        Authenticator(Some(key))
    }

    /// Authenticates nothing, but uses the same row format. For tests, benchmarks and stores that no other program can
    /// access.
    pub fn none() -> Self {
        Authenticator(None)
    }

    /// Appends the stored form of a row to `out`, which is empty. The caller may reuse `out` and `scratch`.
    ///
    /// # Errors
    /// [`StoreError::Backend`] when cryptography is not available.
    pub fn encode_row(
        &self,
        out: &mut Vec<u8>,
        key: &[u8],
        revision: Revision,
        value: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<(), StoreError> {
        out.extend_from_slice(&self.tag(TagKind::Row, revision, key, value, scratch)?);
        out.extend_from_slice(&revision.number().to_be_bytes());
        out.extend_from_slice(value);
        Ok(())
    }

    /// Takes a stored row apart and checks it.
    ///
    /// # Errors
    /// [`StoreError::Backend`] when cryptography is not available.
    pub fn open_row<'r>(&self, key: &[u8], row: &'r [u8], scratch: &mut Vec<u8>) -> Result<OpenedRow<'r>, StoreError> {
        let Some((tag, revision, value)) = split(row) else {
            return Ok(OpenedRow { revision: Revision::ZERO, value: None });
        };
        let good = match &self.0 {
            Some(keyed) => keyed.holds(TagKind::Row, revision.number(), key, value, tag, scratch).map_err(failed)?,
            None => true,
        };
        Ok(OpenedRow { revision, value: good.then_some(value) })
    }

    /// The revision that a stored row has, unchecked.
    pub fn revision_of(row: &[u8]) -> Revision {
        split(row).map_or(Revision::ZERO, |(_, revision, _)| revision)
    }

    /// A tag of an entry of the change log.
    ///
    /// # Errors
    /// [`StoreError::Backend`] when cryptography is not available.
    pub fn log_tag(&self, revision: Revision, entry: &[u8], scratch: &mut Vec<u8>) -> Result<[u8; TAG], StoreError> {
        self.tag(TagKind::Log, revision, &[], entry, scratch)
    }

    /// Returns whether the tag of a change log entry is valid at this revision.
    ///
    /// # Errors
    /// [`StoreError::Backend`] when cryptography is not available.
    pub fn log_holds(
        &self,
        revision: Revision,
        entry: &[u8],
        tag: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<bool, StoreError> {
        let Some(keyed) = &self.0 else { return Ok(true) };
        keyed.holds(TagKind::Log, revision.number(), &[], entry, tag, scratch).map_err(failed)
    }

    /// The digest of a row's key and revision, which row set digests add up. It cannot be computed without the key.
    pub(crate) fn row_digest(&self, key: &[u8], revision: Revision) -> u128 {
        self.0.as_ref().map_or(0, |keyed| keyed.row_digest(revision.number(), key))
    }

    pub(crate) fn seal(&self, place: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, StoreError> {
        match &self.0 {
            Some(keyed) => keyed.seal(place, plaintext).map_err(failed),
            None => Ok(plaintext.to_vec()),
        }
    }

    pub(crate) fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        match &self.0 {
            Some(keyed) => keyed.open(place, sealed).ok(),
            None => Some(sealed.to_vec()),
        }
    }

    fn tag(
        &self,
        what: TagKind,
        revision: Revision,
        key: &[u8],
        value: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<[u8; TAG], StoreError> {
        match &self.0 {
            Some(keyed) => keyed.tag(what, revision.number(), key, value, scratch).map_err(failed),
            None => Ok([0; TAG]),
        }
    }
}

fn split(row: &[u8]) -> Option<(&[u8], Revision, &[u8])> {
    let (header, value) = row.split_at_checked(Authenticator::ROW_HEADER)?;
    let (tag, revision) = header.split_last_chunk::<8>()?;
    Some((tag, Revision::new(u64::from_be_bytes(*revision)), value))
}

fn failed(error: SealError) -> StoreError {
    StoreError::Backend(Box::new(error))
}

#[cfg(test)]
mod tests {
    use bailiwick_seal::Keyring;

    use super::*;

    #[test]
    fn every_change_to_a_stored_row_is_detected() {
        let authenticator = Authenticator::new(Keyring::generate(0).unwrap().row_key().unwrap().unwrap());
        let (mut row, mut scratch) = (Vec::new(), Vec::new());
        authenticator.encode_row(&mut row, b"key", Revision::new(7), b"value", &mut scratch).unwrap();
        let mut value =
            |key: &[u8], row: &[u8]| authenticator.open_row(key, row, &mut scratch).unwrap().value.map(<[u8]>::to_vec);
        assert_eq!(value(b"key", &row).as_deref(), Some(&b"value"[..]));
        assert_eq!(value(b"kez", &row), None);
        for at in 0..row.len() {
            let mut changed = row.clone();
            changed[at] ^= 1;
            assert_eq!(value(b"key", &changed), None, "{at}");
            assert_eq!(value(b"key", &row[..at]), None, "{at}");
        }
    }
}
