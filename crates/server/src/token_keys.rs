//! Takes over the token keys that are in the store, which another server may have made.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_model::IamError;
use bailiwick_seal::{Keyring, Sealer, WrappedKeyring};
use bailiwick_service::Service;
use bailiwick_storage::{At, StoreError, Tx, keys};
use tokio::sync::watch;

use crate::options::MAX_STALENESS;
use crate::rotation::MasterKeys;
use crate::signals::stopped;

/// How long new keys only open, so that other servers have them before anything is sealed with them. Each server that reaches
/// the store follows it within a second; others answer nothing after the longest `--max-staleness`.
const ANNOUNCED: Duration = Duration::from_secs(MAX_STALENESS + 5);
/// The pause after a failure.
const PAUSE: Duration = Duration::from_millis(500);
/// The pause while the master key does not open the keys of the store.
const WRONG_KEY: Duration = Duration::from_secs(10);

/// Uses keys that are in the store. If other servers may use it, they open from now on and seal when the others have them.
pub(crate) fn adopt(service: &Service, keyring: Keyring) {
    let parts = service.parts();
    let sealer = &parts.deployment.sealer;
    if parts.store.server().is_none() {
        return sealer.replace(keyring);
    }
    announce(sealer, keyring);
}

/// The same for the keys with which the server starts: another one may have made some of them just now.
pub(crate) fn begin(service: &Service) {
    let parts = service.parts();
    let sealer = &parts.deployment.sealer;
    if parts.store.server().is_some() {
        // Twice the time, since clocks may differ.
        let time = parts.deployment.clock.now().as_second() - 2 * ANNOUNCED.as_secs() as i64;
        sealer.seal_with_keys_before(time);
        announce(sealer, (*sealer.keyring()).clone());
    }
}

fn announce(sealer: &Arc<Sealer>, keyring: Keyring) {
    let (sealer, keyring) = (Arc::clone(sealer), Arc::new(keyring));
    sealer.announce(Arc::clone(&keyring));
    tokio::spawn(async move {
        tokio::time::sleep(ANNOUNCED).await;
        // Those that were announced meanwhile are announced for this long as well.
        sealer.seal_with(&keyring);
    });
}

/// Follows the keys of a store that other servers may use, until `stop` is set.
pub(crate) async fn follow(service: Arc<Service>, master: Arc<MasterKeys>, mut stop: watch::Receiver<bool>) {
    if service.parts().store.server().is_none() {
        return;
    }
    loop {
        let failure = tokio::select! {
            () = stopped(&mut stop) => return,
            Err(failure) = follow_until_failure(&service, &master) => failure,
        };
        let pause = match failure {
            Failure::Store(StoreError::Closed) => return,
            Failure::Store(error) => {
                tracing::debug!(%error, "the keys of the store are read again");
                PAUSE
            }
            Failure::Read(error) => {
                tracing::debug!(?error, "the keys of the store are read again");
                PAUSE
            }
            Failure::Keys(why) => {
                tracing::error!(
                    why,
                    "the token keys in the store cannot be opened, and sessions that other servers begin later will be refused: if the master key was replaced through another server, put the new key where the settings of this server expect it, or start this one again with it"
                );
                WRONG_KEY
            }
        };
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

enum Failure {
    Store(StoreError),
    /// The row cannot be read at the moment.
    Read(IamError),
    /// The row cannot be opened.
    Keys(String),
}

async fn follow_until_failure(service: &Service, master: &MasterKeys) -> Result<std::convert::Infallible, Failure> {
    let store = &service.parts().store;
    let mut changes = store.watch(store.head().await.map_err(Failure::Store)?).await.map_err(Failure::Store)?;
    // What changed before the subscription.
    take_over(service, master).await?;
    let keyring = keys::keyring();
    loop {
        let set = changes.next().await.map_err(Failure::Store)?;
        if set.changes.iter().any(|change| change.key == keyring) {
            take_over(service, master).await?;
        }
    }
}

async fn take_over(service: &Service, master: &MasterKeys) -> Result<(), Failure> {
    let parts = service.parts();
    // Nothing newer is taken over before what is read here.
    let mut held = master.hold().await;
    let stored = async {
        Tx::begin(Arc::clone(&parts.store), Arc::clone(&parts.deployment.quotas), At::Latest).await?.keyring().await
    };
    let stored = stored.await.map_err(Failure::Read)?.unwrap_or_default();
    let opened = master.open(&mut held, &WrappedKeyring::from_bytes(stored.to_vec())).await;
    adopt(service, opened.map_err(Failure::Keys)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use bailiwick_seal::KeyPurpose;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn other_servers_have_each_key_before_it_seals() {
        let purpose = KeyPurpose::SessionToken;
        let first = Keyring::generate(0).unwrap();
        let second = first.rotate(purpose, 1).unwrap();
        let third = second.rotate(purpose, 2).unwrap();
        let sealer = Arc::new(Sealer::new(first.clone()));
        let opens = |keyring: &Keyring| {
            let sealed = sealer.seal(purpose, &[], b"token").unwrap();
            keyring.open(purpose, &[], &sealed).is_ok()
        };
        announce(&sealer, second.clone());
        tokio::time::sleep(ANNOUNCED - Duration::from_secs(1)).await;
        announce(&sealer, third.clone());
        assert!(opens(&first));
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(!opens(&first) && opens(&second), "the third key is announced for two seconds");
        tokio::time::sleep(ANNOUNCED).await;
        assert!(!opens(&second) && opens(&third));
    }
}
