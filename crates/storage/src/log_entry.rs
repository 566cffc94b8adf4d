//! The encoding of change log entries: a tag, the sealed state of the store if the entry ends a transaction, and the
//! change set. Each change is the lengths of key and value, then both.

use bytes::Bytes;

use crate::{
    authenticator::Authenticator,
    change::{Change, ChangeSet},
    error::StoreError,
    revision::Revision,
};

/// Replaces the length of the value for a key that was deleted.
const REMOVED: u32 = u32::MAX;
const TAG: usize = 16;

/// Writes an entry of the change log into a buffer that is used again; `state` is sealed, and empty if the entry has none.
///
/// # Errors
/// [`StoreError::Backend`] when cryptography is not available.
pub fn encode_log_entry(
    authenticator: &Authenticator,
    out: &mut Vec<u8>,
    set: &ChangeSet,
    state: &[u8],
    scratch: &mut Vec<u8>,
) -> Result<(), StoreError> {
    out.clear();
    out.resize(TAG, 0);
    out.extend_from_slice(&(state.len() as u16).to_be_bytes());
    out.extend_from_slice(state);
    for change in &set.changes {
        // Batches with longer keys or values were refused before.
        out.extend_from_slice(&(change.key.len() as u16).to_be_bytes());
        let len = change.value.as_ref().map_or(REMOVED, |value| value.len() as u32);
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&change.key);
        out.extend_from_slice(change.value.as_deref().unwrap_or_default());
    }
    let tag = authenticator.log_tag(set.revision, &out[TAG..], scratch)?;
    out[..TAG].copy_from_slice(&tag);
    Ok(())
}

/// Reads an entry of the change log: its change set, and its sealed state.
///
/// # Errors
/// [`StoreError::Corrupt`] if the entry is not what was written at this revision.
pub fn decode_log_entry(
    authenticator: &Authenticator,
    revision: Revision,
    entry: &[u8],
) -> Result<(ChangeSet, Bytes), StoreError> {
    let damaged =
        || StoreError::Corrupt(format!("entry {} of the change log is not what was written", revision.number()));
    let (tag, body) = entry.split_at_checked(TAG).ok_or_else(damaged)?;
    if !authenticator.log_holds(revision, body, tag, &mut Vec::new())? {
        return Err(damaged());
    }
    let mut rest = Bytes::copy_from_slice(body);
    let len = take_number::<2>(&mut rest).map(u16::from_be_bytes).ok_or_else(damaged)?;
    let state = take(&mut rest, usize::from(len)).ok_or_else(damaged)?;
    let mut changes = Vec::new();
    while !rest.is_empty() {
        changes.push(decode_one(&mut rest).ok_or_else(damaged)?);
    }
    Ok((ChangeSet { revision, changes }, state))
}

fn decode_one(rest: &mut Bytes) -> Option<Change> {
    let key_len = u16::from_be_bytes(take_number(rest)?);
    let value_len = u32::from_be_bytes(take_number(rest)?);
    let key = take(rest, usize::from(key_len))?;
    let value = match value_len {
        REMOVED => None,
        len => Some(take(rest, usize::try_from(len).ok()?)?),
    };
    Some(Change { key, value })
}

fn take(rest: &mut Bytes, len: usize) -> Option<Bytes> {
    (rest.len() >= len).then(|| rest.split_to(len))
}

fn take_number<const N: usize>(rest: &mut Bytes) -> Option<[u8; N]> {
    take(rest, N)?.as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    use bailiwick_seal::Keyring;

    use super::*;

    #[test]
    fn entries_decode_unchanged_or_not_at_all() {
        let authenticator = Authenticator::new(Keyring::generate(0).unwrap().row_key().unwrap().unwrap());
        let set = ChangeSet {
            revision: Revision::new(7),
            changes: vec![
                Change { key: "key".into(), value: Some("value".into()) },
                Change { key: "gone".into(), value: None },
                Change { key: "empty".into(), value: Some(Bytes::new()) },
            ],
        };
        let mut entry = Vec::new();
        for state in ["", "state"] {
            encode_log_entry(&authenticator, &mut entry, &set, state.as_bytes(), &mut Vec::new()).unwrap();
            assert_eq!(decode_log_entry(&authenticator, set.revision, &entry).unwrap(), (set.clone(), state.into()));
            assert!(decode_log_entry(&authenticator, Revision::new(8), &entry).is_err());
            for at in 0..entry.len() {
                let mut changed = entry.clone();
                changed[at] ^= 1;
                assert!(decode_log_entry(&authenticator, set.revision, &changed).is_err(), "{at}");
                for trusting in [&authenticator, &Authenticator::none()] {
                    assert!(
                        !matches!(decode_log_entry(trusting, set.revision, &entry[..at]), Ok(read) if read.0 == set),
                        "{at}"
                    );
                }
            }
        }
    }
}
