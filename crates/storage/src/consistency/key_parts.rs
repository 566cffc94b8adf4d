//! The parts of keys, and the records that they name.

use bailiwick_model::{AccountId, UniqueId};
use bytes::Bytes;

use crate::{error::StoreError, keys, reference::IdentityKind};

/// A key of another form than those of its kind.
pub(super) fn invalid() -> StoreError {
    StoreError::Corrupt("its key has another form than those of its kind".into())
}

/// The unique id that a key begins with.
pub(super) fn id_of(rest: &[u8]) -> Result<(UniqueId, &[u8]), StoreError> {
    keys::take_id(rest).ok_or_else(invalid)
}

/// The owner that a key begins with: none for root.
pub(super) fn owner_of(rest: &[u8]) -> Result<(Option<UniqueId>, &[u8]), StoreError> {
    match rest.split_first().ok_or_else(invalid)? {
        (0, rest) => Ok((None, rest)),
        (_, rest) => id_of(rest).map(|(id, rest)| (Some(id), rest)),
    }
}

pub(super) fn text(bytes: &[u8]) -> Result<&str, StoreError> {
    std::str::from_utf8(bytes).map_err(|_| invalid())
}

/// The record of an owner: the user, or the account for root.
pub(super) fn owner_record(account: AccountId, owner: Option<&UniqueId>) -> Bytes {
    owner.map_or_else(|| keys::account(account), |id| keys::identity(account, IdentityKind::User, id))
}

pub(super) fn identity_record(account: AccountId, id: &UniqueId) -> Result<Bytes, StoreError> {
    IdentityKind::of(id).map(|kind| keys::identity(account, kind, id)).ok_or_else(invalid)
}
