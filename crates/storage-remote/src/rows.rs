//! Rows as they are stored, and the ranges of their keys.

use bailiwick_storage::{Authenticator, Scan, StoreError, Versioned};
use bytes::Bytes;

/// Decodes a stored row; a damaged row is an error.
///
/// # Errors
/// [`StoreError::Damaged`].
pub fn versioned(authenticator: &Authenticator, key: &[u8], row: &[u8]) -> Result<Versioned, StoreError> {
    let opened = authenticator.open_row(key, row, &mut Vec::new())?;
    match opened.value {
        Some(value) => Ok(Versioned { value: Bytes::copy_from_slice(value), revision: opened.revision }),
        None => Err(StoreError::Damaged { key: Bytes::copy_from_slice(key) }),
    }
}

/// The first key that a scan may return.
pub fn start_of(scan: &Scan<'_>) -> Vec<u8> {
    match scan.after {
        Some(after) if after >= scan.prefix => [after, &[0]].concat(),
        _ => scan.prefix.to_vec(),
    }
}

/// The first key after all keys with a prefix; none if there is no such key.
pub fn end_of(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix.get(..=last)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_follows_its_keys() {
        for (prefix, expected) in [
            (&b"a"[..], Some(&b"b"[..])),
            (b"a\xff", Some(b"b")),
            (b"a\xff\x01", Some(b"a\xff\x02")),
            (b"", None),
            (b"\xff\xff", None),
        ] {
            assert_eq!(end_of(prefix).as_deref(), expected, "{prefix:?}");
        }
    }
}
