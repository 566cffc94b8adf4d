//! Entries of the change log, which follow each other.

use std::sync::Arc;

use bailiwick_storage::{Authenticator, ChangeSet, Revision, StoreError, decode_log_entry};

/// Decodes entries, which follow each other from the one after a revision on.
///
/// # Errors
/// [`StoreError::Corrupt`] if one is missing, or is not what was written.
pub fn decode<'e>(
    authenticator: &Authenticator,
    after: Revision,
    entries: impl IntoIterator<Item = (u64, &'e [u8])>,
) -> Result<Vec<Arc<ChangeSet>>, StoreError> {
    let (mut sets, mut next) = (Vec::new(), after.next());
    for (revision, entry) in entries {
        if revision != next.number() {
            return Err(StoreError::Corrupt(format!("entry {} of the change log is missing", next.number())));
        }
        sets.push(Arc::new(decode_log_entry(authenticator, next, entry)?.0));
        next = next.next();
    }
    Ok(sets)
}
