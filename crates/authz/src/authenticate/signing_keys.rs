//! Signing keys, and the verification of signatures. Keys are cached for a day. An unknown key takes as long as a known
//! one.

use std::cmp::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use bailiwick_model::{AccessKeyId, AccountId, IamError, Result};
use bailiwick_operation::{Deployment, SecretOwner};
use bailiwick_seal::SecretString;
use bailiwick_sigv4::{PayloadHash, Scope, SigV4Error, SigningKey, UnverifiedSignature, VerifyOptions};
use bailiwick_snapshot::{AccessKey, Snapshot};
use bailiwick_sts::{TokenError, Tokens};
use jiff::Timestamp;
use smallvec::SmallVec;

use super::credentials::{CachedCaller, invalid, owner};
use super::proof::refused;
use crate::cache::Cache;
use crate::{Authenticated, Authz};

/// The number of signing keys that are cached.
const MAX_SIGNING_KEYS: usize = 8 * 1024;

/// The derived signing keys of the day, with the callers that they belong to.
pub(crate) struct SigningKeys {
    cached: Cache<Box<[u8]>, Arc<CachedKey>>,
    /// The day of the newest key. Keys of other days are dropped when a newer day begins.
    day: Mutex<Vec<u8>>,
    decoy: Decoy,
}

struct CachedKey {
    key: SigningKey,
    /// The record of a long-term key. If it was replaced, this entry is invalid.
    record: Option<Arc<AccessKey>>,
    caller: Arc<CachedCaller>,
}

/// The key of a cache entry: day, access key id, region and service, separated by slashes, which none of them contains;
/// then the digest of the session token.
struct CacheKey(SmallVec<[u8; 128]>);

impl CacheKey {
    fn of(signed: &UnverifiedSignature<'_>) -> Self {
        let scope = signed.scope();
        let mut id = SmallVec::new();
        for part in [scope.date(), signed.access_key_id(), scope.region(), scope.service()] {
            id.extend_from_slice(part.as_bytes());
            id.push(b'/');
        }
        if let Some(token) = signed.session_token() {
            id.extend_from_slice(&PayloadHash::of(token.expose().as_bytes()).0);
        }
        CacheKey(id)
    }

    /// The day, eight digits.
    fn day(id: &[u8]) -> &[u8] {
        id.get(..8).unwrap_or(id)
    }
}

/// A key that no principal has. It makes a request with an unknown key take as long as one with a known key.
struct Decoy {
    id: Option<AccessKeyId>,
    sealed: Vec<u8>,
}

impl Decoy {
    fn new(deployment: &Deployment) -> Self {
        let mut random = [0; 30];
        deployment.random.fill(&mut random);
        let secret = SecretString::access_key(random);
        let id = AccessKeyId::parse("AKIA0000000000000000").ok();
        let sealed = id.as_ref().and_then(|key| {
            SecretOwner { account: AccountId::NONE, user: None, key }.seal(&deployment.sealer, &secret).ok()
        });
        Decoy { id, sealed: sealed.unwrap_or_default() }
    }

    /// Does the same work as a look-up of a known key.
    fn key(&self, deployment: &Deployment, scope: &Scope<'_>) -> SigningKey {
        let owner = self.id.as_ref().map(|key| SecretOwner { account: AccountId::NONE, user: None, key });
        let secret = owner.and_then(|owner| owner.open(&deployment.sealer, &self.sealed).ok());
        SigningKey::derive(secret.as_ref().map_or("", SecretString::expose).as_bytes(), scope)
    }
}

impl SigningKeys {
    pub(crate) fn new(deployment: &Deployment) -> Self {
        SigningKeys { cached: Cache::new(MAX_SIGNING_KEYS), day: Mutex::default(), decoy: Decoy::new(deployment) }
    }

    fn insert(&self, CacheKey(id): CacheKey, cached: Arc<CachedKey>) {
        let mut day = self.day.lock().unwrap_or_else(PoisonError::into_inner);
        // Only verified keys arrive here. A later day occurs around midnight; an earlier one also for a request that was
        // presigned for longer, which must not evict the keys that are in use.
        match CacheKey::day(&id).cmp(&day) {
            Ordering::Less => return,
            Ordering::Equal => {}
            Ordering::Greater => {
                day.clear();
                day.extend_from_slice(CacheKey::day(&id));
                self.cached.retain(|other, _| CacheKey::day(other) == CacheKey::day(&id));
            }
        }
        drop(day);
        let weight = cached.caller.weight();
        self.cached.insert(id.into_vec().into(), cached, weight);
    }
}

/// The reason why there is no key to verify with.
enum NoKey {
    /// The credential is invalid. Verification continues with the decoy.
    Invalid,
    /// Another error applies.
    Refused(IamError),
}

impl Authz {
    /// Verifies a signature with the key that it names, and returns the caller that the key belongs to.
    pub(crate) fn verify(
        &self,
        snapshot: &Snapshot,
        signed: &UnverifiedSignature<'_>,
        policy: &VerifyOptions<'_>,
        body: Option<&PayloadHash>,
        now: Timestamp,
    ) -> Result<Authenticated> {
        let id = CacheKey::of(signed);
        if let Some(cached) = self.signing_keys.cached.get::<[u8]>(&id.0).filter(|cached| cached.is_current(snapshot)) {
            if let Err(error) = signed.verify(&cached.key, now, policy, body) {
                // An invalid signature must not be refused faster for a key in use than for an unknown key.
                let _ = self.signing_keys.decoy.key(&self.deployment, signed.scope());
                return Err(refused(&error));
            }
            let caller = self.revalidate(snapshot, &cached.caller, now)?;
            if !Arc::ptr_eq(&caller, &cached.caller) {
                let (key, record, caller) = (cached.key.clone(), cached.record.clone(), Arc::clone(&caller));
                self.signing_keys.insert(id, Arc::new(CachedKey { key, record, caller }));
            }
            return signed_by(caller, signed, policy);
        }
        let cached = match self.look_up(snapshot, signed, now) {
            Ok(cached) => cached,
            Err(NoKey::Refused(error)) => return Err(error),
            Err(NoKey::Invalid) => {
                let key = self.signing_keys.decoy.key(&self.deployment, signed.scope());
                let _: Result<(), SigV4Error> = signed.verify(&key, now, policy, body);
                return Err(invalid());
            }
        };
        signed.verify(&cached.key, now, policy, body).map_err(|error| refused(&error))?;
        let authenticated = signed_by(Arc::clone(&cached.caller), signed, policy)?;
        self.signing_keys.insert(id, Arc::new(cached));
        Ok(authenticated)
    }

    fn look_up(
        &self,
        snapshot: &Snapshot,
        signed: &UnverifiedSignature<'_>,
        now: Timestamp,
    ) -> Result<CachedKey, NoKey> {
        let id = AccessKeyId::parse(signed.access_key_id()).map_err(|_| NoKey::Invalid)?;
        if let Some(token) = signed.session_token() {
            let opened = Tokens::of(&self.deployment).open_session(&id, token.expose(), now);
            let opened = opened.map_err(|error| match error {
                TokenError::Invalid => NoKey::Invalid,
                TokenError::Expired => NoKey::Refused(error.into()),
            })?;
            let caller = self.resolve(snapshot, opened.caller, None, now).map_err(NoKey::Refused)?;
            let key = SigningKey::derive(opened.secret.expose().as_bytes(), signed.scope());
            return Ok(CachedKey { key, record: None, caller: Arc::new(caller) });
        }
        let record = snapshot.access_key(id.as_str()).ok_or(NoKey::Invalid)?;
        let caller = owner(snapshot, record).ok_or(NoKey::Invalid)?;
        let caller = self.resolve(snapshot, caller, None, now).map_err(|_| NoKey::Invalid)?;
        let owner = SecretOwner { account: record.account, user: record.user.as_ref(), key: &record.id };
        let secret = owner.open(&self.deployment.sealer, &record.sealed_secret).map_err(|error| {
            tracing::error!(access_key = %record.id, %error, "the secret of an access key does not open");
            NoKey::Invalid
        })?;
        let key = SigningKey::derive(secret.expose().as_bytes(), signed.scope());
        Ok(CachedKey { key, record: Some(Arc::clone(record)), caller: Arc::new(caller) })
    }
}

fn signed_by(
    caller: Arc<CachedCaller>,
    signed: &UnverifiedSignature<'_>,
    policy: &VerifyOptions<'_>,
) -> Result<Authenticated> {
    let window = signed.window(policy).map_err(|error| refused(&error))?;
    Ok(Authenticated { window: Some(window), ..Authenticated::of(caller) })
}

impl CachedKey {
    /// Returns whether the record of a long-term key is still the one that this was made from.
    fn is_current(&self, snapshot: &Snapshot) -> bool {
        self.record
            .as_ref()
            .is_none_or(|record| snapshot.access_key(record.id.as_str()).is_some_and(|now| Arc::ptr_eq(now, record)))
    }
}
