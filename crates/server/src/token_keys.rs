//! Takes over the token keys that are in the store, which another server may have made.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_model::IamError;
use bailiwick_seal::{Keyring, WrappedKeyring};
use bailiwick_service::Service;
use bailiwick_storage::{At, StoreError, Tx, keys};
use tokio::sync::watch;

use crate::rotation::MasterKeys;
use crate::signals::stopped;

/// How long new keys only open, so that other servers have them before anything is sealed with them. Each server that reaches
/// the store follows it within a second.
const ANNOUNCED: Duration = Duration::from_secs(3);
/// The pause after a failure.
const PAUSE: Duration = Duration::from_millis(500);

/// Uses keys that are in the store. If other servers may use it, they open from now on and seal after some seconds.
pub(crate) fn adopt(service: &Service, keyring: Keyring) {
    let parts = service.parts();
    let sealer = Arc::clone(&parts.deployment.sealer);
    if parts.store.server().is_none() {
        return sealer.replace(keyring);
    }
    sealer.announce(keyring);
    tokio::spawn(async move {
        tokio::time::sleep(ANNOUNCED).await;
        // Keys that were announced meanwhile are announced for this long by their own task.
        sealer.replace((*sealer.keyring()).clone());
    });
}

/// Follows the keys of a store that other servers may use, until `stop` is set.
pub(crate) async fn follow(service: Arc<Service>, master: Arc<MasterKeys>, mut stop: watch::Receiver<bool>) {
    if service.parts().store.server().is_none() {
        return;
    }
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            Err(error) = follow_until_failure(&service, &master) => match error {
                Failure::Store(StoreError::Closed) => return,
                Failure::Store(error) => tracing::debug!(%error, "the keys of the store are read again"),
                Failure::Keys(error) => tracing::error!(?error, "the token keys in the store cannot be opened: if the master key was replaced through another server, start this one again with the new key"),
            },
        }
        tokio::time::sleep(PAUSE).await;
    }
}

enum Failure {
    Store(StoreError),
    Keys(IamError),
}

async fn follow_until_failure(service: &Service, master: &MasterKeys) -> Result<std::convert::Infallible, Failure> {
    let store = &service.parts().store;
    let mut changes = store.watch(store.head().await.map_err(Failure::Store)?).await.map_err(Failure::Store)?;
    // What changed before the subscription.
    take_over(service, master).await.map_err(Failure::Keys)?;
    let keyring = keys::keyring();
    loop {
        let set = changes.next().await.map_err(Failure::Store)?;
        if set.changes.iter().any(|change| change.key == keyring) {
            take_over(service, master).await.map_err(Failure::Keys)?;
        }
    }
}

async fn take_over(service: &Service, master: &MasterKeys) -> Result<(), IamError> {
    let parts = service.parts();
    let mut held = master.hold().await;
    let begun = Tx::begin(Arc::clone(&parts.store), Arc::clone(&parts.deployment.quotas), At::Latest);
    let stored = begun.await?.keyring().await?.unwrap_or_default();
    let keyring = held.open(&WrappedKeyring::from_bytes(stored.to_vec())).map_err(IamError::internal)?;
    adopt(service, keyring);
    Ok(())
}
