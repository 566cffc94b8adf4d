//! Periodic maintenance: rotates token keys, writes last uses of access keys, applies credential rules, and writes requested reports.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_model::{IamError, Result};
use bailiwick_seal::{KeyPurpose, Keyring, WrappedKeyring};
use bailiwick_service::Service;
use bailiwick_storage::{At, CommitError, Tx};
use tokio::sync::watch;

use crate::rotation::MasterKeys;
use crate::signals::stopped;
use crate::token_keys;

/// The time between writes of last uses.
const LAST_USED: Duration = Duration::from_millis(500);
/// How often requested reports are looked for.
const REPORTS: Duration = Duration::from_millis(250);
/// How often credential rules are applied.
const CREDENTIALS: Duration = Duration::from_secs(60);
/// How often keys are checked.
const KEYS: Duration = Duration::from_secs(15 * 60);
const DAY: i64 = 86_400;
/// How many accounts are listed at once.
const ACCOUNTS: usize = 100;
/// Keys that are rotated daily, with the seconds for which an old key still opens: the longest validity of what it
/// sealed, plus a margin for clocks.
const ROTATED: [(KeyPurpose, i64); 7] = [
    (KeyPurpose::SessionToken, 36 * 3_600 + 600),
    (KeyPurpose::BearerToken, 12 * 3_600 + 600),
    (KeyPurpose::CallerHandle, 3_600),
    (KeyPurpose::Marker, 7 * DAY),
    (KeyPurpose::AuthorizationMessage, DAY + 600),
    (KeyPurpose::PasskeyChallenge, 900),
    (KeyPurpose::TradeInToken, 12 * 3_600 + 600),
];

/// The last failure of a task that runs several times in a second, so that the log has it once.
#[derive(Default)]
struct Reported(Option<String>);

impl Reported {
    /// Returns the error, unless the time before failed alike.
    fn unless_repeated(&mut self, done: Result<()>) -> Option<IamError> {
        let error = done.err();
        let before = std::mem::replace(&mut self.0, error.as_ref().map(|error| format!("{error:?}")));
        error.filter(|_| before != self.0)
    }
}

/// Runs until `stopping` is set.
pub(crate) async fn run(service: Arc<Service>, master: Arc<MasterKeys>, mut stop: watch::Receiver<bool>) {
    let mut last_used = tokio::time::interval(LAST_USED);
    let mut reported = Reported::default();
    let mut keys = tokio::time::interval(KEYS);
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            _ = last_used.tick() => {
                let written = service.write_last_used().await;
                if let Some(error) = reported.unless_repeated(written) {
                    tracing::warn!(?error, "the last uses of keys could not be written");
                }
            }
            _ = keys.tick() => {
                if let Err(error) = rotate(&service, &master).await {
                    tracing::error!(?error, "token keys could not be rotated");
                }
                if let Err(error) = rotate_token_keys(&service).await {
                    tracing::error!(?error, "keys that sign tokens could not be rotated");
                }
            }
        }
    }
}

/// Writes requested reports until `stopping` is set. A large account takes a while, so this is a task of its own.
pub(crate) async fn write_reports(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    let mut reports = tokio::time::interval(REPORTS);
    let mut reported = Reported::default();
    reports.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            _ = reports.tick() => {}
        }
        // A report that is not finished when the server stops is begun again.
        tokio::select! {
            () = stopped(&mut stop) => return,
            written = service.write_reports() => if let Some(error) = reported.unless_repeated(written) {
                tracing::warn!(?error, "requested credential reports could not be looked up or written; this is tried again");
            }
        }
    }
}

/// Applies the credential rules of accounts until `stopping` is set: at once, then every minute, or less often if it takes so
/// long that it would keep a processor busy.
pub(crate) async fn apply_credential_rules(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    loop {
        let begun = tokio::time::Instant::now();
        tokio::select! {
            () = stopped(&mut stop) => return,
            applied = service.apply_credential_rules() => if let Err(error) = applied {
                tracing::warn!(?error, "the credential rules of accounts could not be applied");
            }
        }
        let pause = CREDENTIALS.max(20 * begun.elapsed());
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Creates the keys that a store of an older version lacks. If that fails, the server starts without them: what needs them
/// fails until the next rotation.
pub(crate) async fn complete_keys(service: &Service, master: &MasterKeys) {
    if let Err(error) = rotate(service, master).await {
        tracing::error!(?error, "missing keys could not be created");
    }
}

/// Replaces token keys that are a day old or missing, and removes those that nothing depends on.
async fn rotate(service: &Service, master: &MasterKeys) -> Result<()> {
    let parts = service.parts();
    let now = parts.deployment.clock.now().as_second();
    if rotated(&parts.deployment.sealer.keyring(), now)?.is_none() {
        return Ok(());
    }
    // Held until the end, so that the keyring is not wrapped under a master key that is replaced meanwhile.
    let mut held = master.hold().await;
    let mut tx = Tx::begin(Arc::clone(&parts.store), Arc::clone(&parts.deployment.quotas), At::Latest).await?;
    // The read makes the commit fail if the keyring changed meanwhile.
    let stored = tx.keyring().await?.unwrap_or_default();
    let stored = held.open(&WrappedKeyring::from_bytes(stored.to_vec())).map_err(IamError::internal)?;
    // Another server may have done it already.
    let Some(new) = rotated(&stored, now)? else { return Ok(()) };
    let wrapped = held.wrap(&new).map_err(IamError::internal)?;
    tx.put_keyring(wrapped.as_bytes().to_vec().into()).await?;
    tx.commit().await.map_err(IamError::internal)?;
    // Only a durable key may seal anything.
    token_keys::adopt(service, new);
    tracing::info!("token keys were rotated");
    Ok(())
}

/// Replaces the keys with which accounts sign tokens for services outside. One transaction for each account, so that a
/// conflict with a call delays that account only.
pub(crate) async fn rotate_token_keys(service: &Service) -> Result<()> {
    let parts = service.parts();
    let mut after = None;
    loop {
        let begin = || Tx::begin(Arc::clone(&parts.store), Arc::clone(&parts.deployment.quotas), At::Latest);
        let accounts = begin().await?.list_accounts(after, ACCOUNTS).await?.items;
        for account in &accounts {
            let mut tx = begin().await?;
            if bailiwick_sts::rotate_token_keys(&parts.deployment, &mut tx, account.id).await? {
                match tx.commit().await {
                    Ok(_) => tracing::info!(account = %account.id, "keys that sign tokens were rotated"),
                    Err(CommitError::Conflict) => {}
                    Err(error) => return Err(IamError::internal(error)),
                }
            }
        }
        match accounts.last() {
            Some(last) if accounts.len() == ACCOUNTS => after = Some(last.id),
            _ => return Ok(()),
        }
    }
}

fn rotated(old: &Keyring, now: i64) -> Result<Option<Keyring>> {
    let mut new = old.clone();
    let mut changed = false;
    for (purpose, keep) in ROTATED {
        if new.is_due(purpose, now, DAY) {
            new = new.rotate(purpose, now).map_err(IamError::internal)?;
            changed = true;
        }
        let pruned = new.prune(purpose, now, keep);
        changed |= pruned.count(purpose) != new.count(purpose);
        new = pruned;
    }
    Ok(changed.then_some(new))
}

#[cfg(test)]
mod tests {
    use bailiwick_model::ErrorCode;

    use super::*;

    #[test]
    fn a_failure_is_reported_once_until_it_is_over() {
        let failed = |message: &str| Err(IamError::new(ErrorCode::ServiceUnavailable, message));
        let mut reported = Reported::default();
        let is_reported = [failed("a"), failed("a"), failed("b"), Ok(()), failed("b"), failed("b"), Ok(())]
            .map(|done| reported.unless_repeated(done).is_some());
        assert_eq!(is_reported, [true, false, true, false, true, false, false]);
    }

    #[test]
    fn a_token_opens_until_the_longest_session_is_over() {
        let start = 1_000_000;
        let first = Keyring::generate(start).unwrap();
        let token = first.seal(KeyPurpose::SessionToken, &[], b"t").unwrap();
        assert!(rotated(&first, start + DAY - 1).unwrap().is_none());
        let mut keyring = rotated(&first, start + DAY).unwrap().unwrap();
        assert!(keyring.is_outdated(KeyPurpose::SessionToken, &token));
        let mut now = start + DAY;
        // A token that was sealed just before the first rotation may live for 36 hours.
        while now < start + DAY + 36 * 3_600 {
            now += 900;
            keyring = rotated(&keyring, now).unwrap().unwrap_or(keyring);
            assert!(keyring.open(KeyPurpose::SessionToken, &[], &token).is_ok(), "at {now}");
        }
        keyring = rotated(&keyring, now + DAY).unwrap().unwrap_or(keyring);
        assert!(keyring.open(KeyPurpose::SessionToken, &[], &token).is_err());
        let at_rest = first.seal(KeyPurpose::AtRest, &[], b"s").unwrap();
        assert!(keyring.open(KeyPurpose::AtRest, &[], &at_rest).is_ok(), "secrets at rest are never forgotten");
    }
}
