//! Recovery of an account that no credential can administer any more: replaces its root credentials.

use bailiwick_model::{AccountId, ErrorCode, IamError, Result};
use bailiwick_operation::Random;
use bailiwick_seal::Sealer;
use bailiwick_storage::{Account, AccountState, KeyOwner, RootPassword, Tx};
use jiff::Timestamp;

use crate::accounts::bootstrap::{FirstKey, put_root_key};

/// A page size larger than the number of keys that root can have.
const ALL: usize = 100;

/// The input of a recovery.
pub struct Recovery<'a> {
    /// The account to recover.
    pub account: AccountId,
    /// The time.
    pub now: Timestamp,
    /// The source of randomness.
    pub random: &'a dyn Random,
    /// Seals the new secret.
    pub sealer: &'a Sealer,
}

/// What a recovery changed.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// The account after the recovery.
    pub account: Account,
    /// Root's only access key.
    pub root_key: FirstKey,
    /// The ids of the keys that root had before.
    pub deleted: Vec<String>,
    /// Whether the account was suspended and is active again.
    pub resumed: bool,
}

/// Deletes every access key of an account's root user, its password and its sign-in sessions, and creates a new key. A suspended management account becomes
/// active, because no caller could resume it; a member account keeps its state.
///
/// Checks no permission: only the operator has the store and its master key.
///
/// # Errors
/// `NoSuchEntity` for a missing account, `UnmodifiableEntity` for a closed one; `ServiceFailure`.
pub async fn recover_root(tx: &mut Tx, recovery: Recovery<'_>) -> Result<Recovered> {
    let id = recovery.account;
    let found = tx.find_account(id).await?;
    let mut account = found
        .ok_or_else(|| IamError::new(ErrorCode::NoSuchEntity, format!("The account with id {id} cannot be found.")))?;
    if account.state == AccountState::Closed {
        return Err(IamError::new(ErrorCode::UnmodifiableEntity, format!("account {id} is closed")));
    }
    let resumed = account.management && account.state == AccountState::Suspended;
    if resumed {
        let old = account.clone();
        account.state = AccountState::Active;
        account.state_changed = Some(recovery.now);
        tx.update_account(&old, &account).await?;
    }
    let keys = tx.list_access_keys(id, &KeyOwner::Root, None, ALL).await?.items;
    for key in &keys {
        tx.delete_access_key(id, &key.id).await?;
    }
    // A password that an intruder has set must not survive the recovery.
    tx.delete_account_setting::<RootPassword>(id).await?;
    tx.end_sign_in_sessions(id, &KeyOwner::Root).await?;
    let root_key = FirstKey::random(id, recovery.random);
    put_root_key(tx, id, &root_key, recovery.now, recovery.sealer).await?;
    let deleted = keys.iter().map(|key| key.id.to_string()).collect();
    Ok(Recovered { account, root_key, deleted, resumed })
}

#[cfg(test)]
mod tests;
