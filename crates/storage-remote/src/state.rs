//! The state of a store, which is sealed in its head.

use bailiwick_storage::{Authenticator, Revision, StoreError, StoreState};

/// Opens the state in the head of a store; an unused store has none.
///
/// # Errors
/// [`StoreError::Corrupt`] if it is not authentic, or of another revision.
pub fn open_state(authenticator: &Authenticator, revision: Revision, sealed: &[u8]) -> Result<StoreState, StoreError> {
    if revision == Revision::ZERO && sealed.is_empty() {
        return Ok(StoreState::default());
    }
    let state = StoreState::open(authenticator, sealed)?;
    if state.head != revision {
        return Err(StoreError::Corrupt("its sealed state is not that of its head".into()));
    }
    Ok(state)
}
