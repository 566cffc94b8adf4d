//! The form of a change set in the log: per change the lengths of key and value, then both.

use bailiwick_storage::{Change, ChangeSet, Revision, StoreError};
use bytes::Bytes;

/// Stands in the place of a value's length for a key that was removed.
const REMOVED: u32 = u32::MAX;

/// Writes a change set into a buffer that is used again.
pub(crate) fn encode(out: &mut Vec<u8>, set: &ChangeSet) {
    out.clear();
    for change in &set.changes {
        // Batches with longer keys or values are refused before they come here.
        out.extend_from_slice(&(change.key.len() as u16).to_be_bytes());
        let len = change.value.as_ref().map_or(REMOVED, |value| value.len() as u32);
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&change.key);
        out.extend_from_slice(change.value.as_deref().unwrap_or_default());
    }
}

/// Reads a change set.
pub(crate) fn decode(revision: Revision, bytes: &[u8]) -> Result<ChangeSet, StoreError> {
    let mut rest = Bytes::copy_from_slice(bytes);
    let mut changes = Vec::new();
    while !rest.is_empty() {
        let change = decode_one(&mut rest);
        changes.push(change.ok_or_else(|| StoreError::Corrupt(format!("change set {}", revision.number())))?);
    }
    Ok(ChangeSet { revision, changes })
}

fn decode_one(rest: &mut Bytes) -> Option<Change> {
    let key_len = u16::from_be_bytes(take(rest, 2)?.as_ref().try_into().ok()?);
    let value_len = u32::from_be_bytes(take(rest, 4)?.as_ref().try_into().ok()?);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_sets_come_back_whole_or_not_at_all() {
        let set = ChangeSet {
            revision: Revision::new(7),
            changes: vec![
                Change { key: "key".into(), value: Some("value".into()) },
                Change { key: "gone".into(), value: None },
                Change { key: "empty".into(), value: Some(Bytes::new()) },
            ],
        };
        let mut bytes = Vec::new();
        encode(&mut bytes, &set);
        assert_eq!(decode(set.revision, &bytes).unwrap(), set);
        for cut in [1, 5, 8, bytes.len() - 1] {
            assert!(decode(set.revision, &bytes[..cut]).is_err(), "{cut}");
        }
    }
}
