//! The keys that sign an account's tokens for services outside.
//!
//! An account has keys of its own, so a token of one account never verifies with the keys of another. A key is made when
//! the first token of its algorithm is asked for. Maintenance makes a new one each month. A new key is published for an
//! hour before it signs, so that verifiers that keep a copy of the keys have it in time; a replaced key stays published
//! until the last token that it signed has expired.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_federation::{SigningAlgorithm, SigningKey, SigningKeyError};
use bailiwick_model::{AccountId, IamError, Result};
use bailiwick_operation::{Deployment, SecretPlace};
use bailiwick_storage::{OutboundFederation, TokenSigningKey, TokenSigningKeys, Tx};
use jiff::Timestamp;
use tokio::sync::Mutex;

/// The longest validity of a token, in seconds.
pub(crate) const MAX_TOKEN_SECONDS: i64 = 3_600;
/// How long the newest key of an algorithm signs before it is replaced.
const LIFETIME: i64 = 30 * 86_400;
/// How long a new key is published before it signs.
const ANNOUNCED: i64 = 3_600;
/// How much longer than its tokens a replaced key is published, for clocks that differ.
const MARGIN: i64 = 600;

/// One key is made at a time: an RSA key keeps a processor busy for a while.
static MAKING: Mutex<Option<FirstKey>> = Mutex::const_new(None);

/// The first key of an account and algorithm that was made last. Calls at the same time get the same one; after one of them
/// stored it, the others find it in the store.
struct FirstKey {
    cluster: String,
    account: AccountId,
    key: Arc<SigningKey>,
}

/// Returns the key that signs an account's tokens with an algorithm, and makes it if there is none.
///
/// # Errors
/// `ServiceFailure` if a stored key cannot be opened or no key can be made.
pub(crate) async fn signing_key(
    deployment: &Deployment,
    tx: &mut Tx,
    account: AccountId,
    algorithm: SigningAlgorithm,
    now: Timestamp,
) -> Result<Arc<SigningKey>> {
    let mut keys = tx.account_setting::<TokenSigningKeys>(account).await?.unwrap_or_default();
    if let Some(stored) = signer(&keys.0, algorithm, now) {
        let opened = SecretPlace::of_token_signing_key(account, &stored.id)
            .open(&deployment.sealer, &stored.sealed)
            .map_err(IamError::internal)?;
        let key = SigningKey::from_pkcs8(algorithm, opened.expose()).map_err(IamError::internal)?;
        if key.id() != stored.id {
            return Err(IamError::internal("a signing key is stored under the id of another one"));
        }
        return Ok(Arc::new(key));
    }
    let key = make_first(deployment, account, algorithm).await?;
    keys.0.push(sealed(deployment, account, &key, now)?);
    tx.put_account_setting(account, &keys).await?;
    Ok(key)
}

/// Replaces the keys of an account that have signed for a month, if tokens are still issued, and removes those whose
/// tokens have all expired. Returns whether something changed.
///
/// # Errors
/// `ServiceFailure` when the store fails or no key can be made.
pub async fn rotate_token_keys(deployment: &Deployment, tx: &mut Tx, account: AccountId) -> Result<bool> {
    let now = deployment.clock.now();
    let Some(stored) = tx.account_setting::<TokenSigningKeys>(account).await? else { return Ok(false) };
    let mut keys = TokenSigningKeys(remaining(&stored.0, now));
    let federation = tx.account_setting::<OutboundFederation>(account).await?;
    if federation.is_some_and(|federation| federation.enabled) {
        for algorithm in due(&keys.0, now) {
            let key = make_next(algorithm).await?;
            keys.0.push(sealed(deployment, account, &key, now)?);
        }
    }
    let is_changed = keys != stored;
    if is_changed {
        tx.put_account_setting(account, &keys).await?;
    }
    Ok(is_changed)
}

/// The key that signs: the newest one that has been published long enough, or else the oldest one.
fn signer(keys: &[TokenSigningKey], algorithm: SigningAlgorithm, now: Timestamp) -> Option<&TokenSigningKey> {
    let mut own = keys.iter().filter(|key| key.algorithm == algorithm.as_str());
    let announced = own.clone().rfind(|key| age(key, now) >= ANNOUNCED);
    announced.or_else(|| own.next())
}

/// The algorithms whose newest key has signed long enough.
fn due(keys: &[TokenSigningKey], now: Timestamp) -> Vec<SigningAlgorithm> {
    let newest = |algorithm: &SigningAlgorithm| keys.iter().rfind(|key| key.algorithm == algorithm.as_str());
    let is_due = |algorithm: &SigningAlgorithm| newest(algorithm).is_some_and(|key| age(key, now) >= LIFETIME);
    SigningAlgorithm::ALL.into_iter().filter(is_due).collect()
}

/// The keys without those whose successor has signed for longer than a token is valid.
fn remaining(keys: &[TokenSigningKey], now: Timestamp) -> Vec<TokenSigningKey> {
    let is_over = |at: usize, key: &TokenSigningKey| {
        let successor = keys[at + 1..].iter().find(|other| other.algorithm == key.algorithm);
        successor.is_some_and(|other| age(other, now) >= ANNOUNCED + MAX_TOKEN_SECONDS + MARGIN)
    };
    let kept = keys.iter().enumerate().filter(|(at, key)| !is_over(*at, key));
    kept.map(|(_, key)| key.clone()).collect()
}

/// Seconds since a key was made.
fn age(key: &TokenSigningKey, now: Timestamp) -> i64 {
    now.as_second().saturating_sub(key.created.as_second())
}

/// Makes the first key of an account and algorithm, or returns the one that another call makes or has just made.
async fn make_first(
    deployment: &Deployment,
    account: AccountId,
    algorithm: SigningAlgorithm,
) -> Result<Arc<SigningKey>> {
    let mut made = MAKING.lock().await;
    let is_same = |made: &&FirstKey| {
        made.cluster == deployment.cluster_id && made.account == account && made.key.algorithm() == algorithm
    };
    if let Some(made) = made.as_ref().filter(is_same) {
        return Ok(Arc::clone(&made.key));
    }
    let key = Arc::new(generate(algorithm).await?);
    *made = Some(FirstKey { cluster: deployment.cluster_id.clone(), account, key: Arc::clone(&key) });
    Ok(key)
}

/// Makes a key that replaces another one.
async fn make_next(algorithm: SigningAlgorithm) -> Result<SigningKey> {
    let _one = MAKING.lock().await;
    generate(algorithm).await
}

async fn generate(algorithm: SigningAlgorithm) -> Result<SigningKey> {
    let made: Result<SigningKey, SigningKeyError> =
        tokio::task::spawn_blocking(move || SigningKey::generate(algorithm)).await.map_err(IamError::internal)?;
    made.map_err(IamError::internal)
}

fn sealed(deployment: &Deployment, account: AccountId, key: &SigningKey, now: Timestamp) -> Result<TokenSigningKey> {
    let pkcs8 = key.to_pkcs8().map_err(IamError::internal)?;
    Ok(TokenSigningKey {
        id: key.id().to_owned(),
        algorithm: key.algorithm().as_str().to_owned(),
        created: now,
        sealed: SecretPlace::of_token_signing_key(account, key.id()).seal(&deployment.sealer, &pkcs8)?.into(),
        jwk: key.to_jwk().map_err(IamError::internal)?,
    })
}

/// How long verifiers may keep a copy of the keys. A key is published for longer before it signs.
pub const TOKEN_KEYS_MAX_AGE: Duration = Duration::from_secs(900);

#[cfg(test)]
mod tests;
