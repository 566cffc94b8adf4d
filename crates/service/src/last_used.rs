//! The last uses of access keys and roles: collected in memory, written twice a second.
//!
//! A crash loses the uses of the last second. Writing each use with its call would make every read a write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bailiwick_model::limits::Quotas;
use bailiwick_model::{AccessKeyId, AccountId, Result, UniqueId};
use bailiwick_operation::{Caller, Credential, Principal};
use bailiwick_storage::{AccessKeyLastUsed, At, CommitError, RoleLastUsed, Store, Tx};
use jiff::Timestamp;

/// The number of uses per commit.
const BATCH: usize = 500;

/// The newest use of each access key and role that is not written yet.
#[derive(Default)]
pub(crate) struct LastUsed {
    keys: Mutex<HashMap<AccessKeyId, (AccountId, AccessKeyLastUsed)>>,
    roles: Mutex<HashMap<UniqueId, (AccountId, RoleLastUsed)>>,
}

impl LastUsed {
    /// Records the use of a caller's credentials. A bearer token does not count as a use of the access key that it was
    /// issued for.
    pub(crate) fn note(&self, caller: &Caller, service: &'static str, region: &str, now: Timestamp) {
        let account = caller.account();
        match (&caller.principal, &caller.credential) {
            (Principal::RoleSession { id, .. }, _) => {
                let mut roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
                match roles.get_mut(id) {
                    Some((_, used)) => {
                        used.time = now;
                        set(&mut used.region, region);
                    }
                    None => {
                        let used = RoleLastUsed { time: now, region: region.to_owned() };
                        roles.insert(*id, (account, used));
                    }
                }
            }
            (_, Credential::AccessKey(id)) => {
                let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
                match keys.get_mut(id) {
                    Some((_, used)) => {
                        used.time = now;
                        set(&mut used.service, service);
                        set(&mut used.region, region);
                    }
                    None => {
                        let (service, region) = (service.to_owned(), region.to_owned());
                        let used = AccessKeyLastUsed { time: now, service, region };
                        keys.insert(id.clone(), (account, used));
                    }
                }
            }
            (_, Credential::Bearer(_)) => {}
        }
    }

    /// Writes the collected uses. A batch that conflicts with another change is dropped: its keys and roles are used
    /// again, or were deleted.
    pub(crate) async fn write(&self, store: &Arc<dyn Store>, quotas: &Arc<Quotas>) -> Result<()> {
        let keys: Vec<_> = take(&self.keys);
        let roles: Vec<_> = take(&self.roles);
        for chunk in keys.chunks(BATCH) {
            let mut tx = begin(store, quotas).await?;
            for (id, (account, used)) in chunk {
                tx.put_access_key_last_used(*account, id, used).await?;
            }
            commit(tx).await?;
        }
        for chunk in roles.chunks(BATCH) {
            let mut tx = begin(store, quotas).await?;
            for (id, (account, used)) in chunk {
                tx.put_role_last_used(*account, id, used).await?;
            }
            commit(tx).await?;
        }
        Ok(())
    }
}

/// Sets a text without allocating if it is unchanged, as it mostly is.
fn set(text: &mut String, value: &str) {
    if text != value {
        value.clone_into(text);
    }
}

fn take<K, V>(uses: &Mutex<HashMap<K, V>>) -> Vec<(K, V)> {
    std::mem::take(&mut *uses.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
}

async fn begin(store: &Arc<dyn Store>, quotas: &Arc<Quotas>) -> Result<Tx> {
    Tx::begin(Arc::clone(store), Arc::clone(quotas), At::Latest).await
}

async fn commit(tx: Tx) -> Result<()> {
    match tx.commit().await {
        Ok(_) | Err(CommitError::Conflict) => Ok(()),
        Err(CommitError::Failed(error)) => Err(error),
    }
}
