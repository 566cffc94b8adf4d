//! Signing keys: found for who claims to have signed, kept for the day, and as slow to be missing as to be there.

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

/// How many signing keys are kept.
const MAX_SIGNING_KEYS: usize = 8 * 1024;

/// Derived signing keys of the day, with the callers that they belong to.
pub(crate) struct SigningKeys {
    cached: Cache<Box<[u8]>, Arc<CachedKey>>,
    /// The day that the newest of them is for; those of other days are dropped when it ends.
    day: Mutex<Vec<u8>>,
    decoy: Decoy,
}

struct CachedKey {
    key: SigningKey,
    /// The record of a long-term key; with another one in its place this is worth nothing.
    record: Option<Arc<AccessKey>>,
    caller: Arc<CachedCaller>,
}

/// What a signing key is found by: the day, the key that claims to have signed, region and service, between them
/// slashes, which none of them has; behind those the digest of the session token that came with it.
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

/// A key that nobody has. Who signs with an unknown key costs as much as who signs with a known one.
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

    /// Does what looking up a known key does.
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
        // Only what was verified gets here: of a later day than today's around midnight alone, of an earlier one also
        // when somebody presigned a request for longer, which must not push out the keys that are in use.
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

/// Why there is no key to verify with.
enum NoKey {
    /// The credential is none. Verifying goes on with the decoy.
    Invalid,
    /// There is something else to say.
    Refused(IamError),
}

impl Authz {
    /// Proves that the signature is that of the key that it names, and says whose it is.
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
                // Refusing must not be quicker for a key that is in use than for one that isn't there.
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
    /// Whether a long-term key's record is still the one that this was made of.
    fn is_current(&self, snapshot: &Snapshot) -> bool {
        self.record
            .as_ref()
            .is_none_or(|record| snapshot.access_key(record.id.as_str()).is_some_and(|now| Arc::ptr_eq(now, record)))
    }
}
