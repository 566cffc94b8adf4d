//! Credentials: whether they are still valid, and the caller that they prove.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bailiwick_decision::{ResolvedSubject, Subject};
use bailiwick_model::{AccessKeyId, Arn, ErrorCode, IamError, Issue, Result, RoleName, UserName};
use bailiwick_operation::{Caller, Credential, FederationIssuer, Principal, SessionKind};
use bailiwick_policy_lang::PolicyKind;
use bailiwick_snapshot::{AccessKey, Entity, Snapshot};
use bailiwick_sts::{Bearer, TokenError};
use jiff::Timestamp;

use super::proof::refused;
use crate::cache::Cache;
use crate::compiled::compiled;
use crate::{Authenticated, Authz};

/// A proven caller, with everything that is checked before the proof is used again.
#[derive(Debug)]
pub(crate) struct CachedCaller {
    pub(crate) caller: Arc<Caller>,
    pub(crate) subject: Arc<Subject>,
    /// The user or role at the time of the proof.
    entity: Option<Arc<Entity>>,
    /// When the long-term access key expires that the caller depends on.
    key_expires: Option<Timestamp>,
    /// The validity of the token or certificate; none for a signature by a long-term key.
    validity: Option<Validity>,
    /// The service that the caller signed for, of a handle.
    signed_for: Option<Box<str>>,
    /// The version of the view at the last check. On the same version, only the time can invalidate the proof. A revision
    /// is not enough: damage may be found when it is read again.
    checked_at: AtomicU64,
}

/// The time in which a token is valid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Validity {
    pub(crate) issued: Issue,
    pub(crate) expires: Timestamp,
}

pub(crate) fn invalid() -> IamError {
    IamError::new(ErrorCode::InvalidClientTokenId, crate::INVALID_TOKEN)
}

/// Resolves a subject on a snapshot.
///
/// # Errors
/// `InvalidClientTokenId` if the user or role no longer exists.
pub(crate) fn resolve_subject<'s>(subject: &'s Subject, snapshot: &'s Snapshot) -> Result<ResolvedSubject<'s>> {
    subject.resolve(snapshot).ok_or_else(invalid)
}

fn expired() -> IamError {
    TokenError::Expired.into()
}

impl Authz {
    /// Returns the caller of a bearer token, handle or certificate, cached by its digest.
    pub(crate) fn by_token(
        &self,
        callers: &Cache<[u8; 32], Arc<CachedCaller>>,
        snapshot: &Snapshot,
        digest: [u8; 32],
        now: Timestamp,
        open: impl FnOnce() -> Result<Bearer>,
    ) -> Result<Authenticated> {
        let current = match callers.get(&digest) {
            Some(cached) => {
                let current = self.revalidate(snapshot, &cached, now)?;
                if Arc::ptr_eq(&current, &cached) {
                    return Ok(Authenticated::of(current));
                }
                current
            }
            None => {
                let Bearer { caller, issued, expires, signed_for } = open()?;
                let resolved = self.resolve(snapshot, caller, Some(Validity { issued, expires }), now)?;
                Arc::new(CachedCaller { signed_for: signed_for.map(String::into_boxed_str), ..resolved })
            }
        };
        callers.insert(digest, Arc::clone(&current), current.weight());
        Ok(Authenticated::of(current))
    }

    /// Proves an authenticated caller again, on a snapshot and at a time: access key, user or role, account, revocations,
    /// and the expiry of session, token and signature. Sets the caller's current name and path.
    ///
    /// Call it on the snapshot that the decision is made on, if there was a wait between the proof and the decision. At the
    /// revision of the last proof it costs a few comparisons.
    ///
    /// # Errors
    /// As [`Self::authenticate`].
    pub fn prove_again(&self, snapshot: &Snapshot, authenticated: &mut Authenticated, now: Timestamp) -> Result<()> {
        if let Some(window) = &authenticated.window {
            window.check(now).map_err(|error| refused(&error))?;
        }
        let current = self.revalidate(snapshot, &authenticated.cached, now)?;
        if !Arc::ptr_eq(&current, &authenticated.cached) {
            (authenticated.caller, authenticated.cached) = (Arc::clone(&current.caller), current);
        }
        Ok(())
    }

    /// Checks that a caller's credential is valid, and computes what decisions need of the caller.
    pub(crate) fn resolve(
        &self,
        snapshot: &Snapshot,
        caller: Caller,
        validity: Option<Validity>,
        now: Timestamp,
    ) -> Result<CachedCaller> {
        let Active { entity, key_expires } = check_active(snapshot, &caller, validity, now)?;
        let entity = entity.cloned();
        let caller = Arc::new(renamed(caller, entity.as_deref())?);
        let compile = |text: &str| compiled(&self.session_policies, PolicyKind::Session, text).ok();
        let subject = Subject::of_caller(&caller, snapshot, compile);
        let checked_at = AtomicU64::new(snapshot.version());
        let subject = Arc::new(subject);
        Ok(CachedCaller { caller, subject, entity, key_expires, validity, signed_for: None, checked_at })
    }

    /// The same for a cached caller, computing only what changed.
    pub(crate) fn revalidate(
        &self,
        snapshot: &Snapshot,
        cached: &Arc<CachedCaller>,
        now: Timestamp,
    ) -> Result<Arc<CachedCaller>> {
        if cached.checked_at.load(Relaxed) == snapshot.version() {
            if cached.key_expires.is_some_and(|expires| expires <= now) {
                return Err(invalid());
            }
            return if validities(&cached.caller, cached.validity).all(|validity| validity.expires > now) {
                Ok(Arc::clone(cached))
            } else {
                Err(expired())
            };
        }
        let Active { entity, key_expires } = check_active(snapshot, &cached.caller, cached.validity, now)?;
        let same = match (entity, &cached.entity) {
            _ if key_expires != cached.key_expires => false,
            (None, None) => true,
            (Some(now), Some(then)) => Arc::ptr_eq(now, then),
            _ => false,
        };
        if same {
            cached.checked_at.store(snapshot.version(), Relaxed);
            return Ok(Arc::clone(cached));
        }
        let resolved = self.resolve(snapshot, Caller::clone(&cached.caller), cached.validity, now)?;
        Ok(Arc::new(CachedCaller { signed_for: cached.signed_for.clone(), ..resolved }))
    }
}

impl Authenticated {
    /// The caller, proved by a token.
    pub(crate) fn of(cached: Arc<CachedCaller>) -> Self {
        Authenticated { caller: Arc::clone(&cached.caller), region: None, cached, window: None }
    }

    /// The service that the caller signed for, of a handle.
    pub(crate) fn signed_for(&self) -> Option<&str> {
        self.cached.signed_for.as_deref()
    }

    pub(crate) fn subject(&self) -> &Arc<Subject> {
        &self.cached.subject
    }
}

impl CachedCaller {
    /// The weight in a cache: one, and more for the session policies, tags and lists of keys, whose size callers choose.
    pub(crate) fn weight(&self) -> usize {
        let Some(session) = self.caller.session.as_deref() else { return 1 };
        let policies = session.policies.iter().chain(&session.scopes).map(String::len);
        let arns = session.managed_policies.iter().map(|managed| managed.arn.as_str().len());
        let tags = session.tags.iter().map(|tag| tag.key.len() + tag.value.len());
        let keys = session.provider_keys.iter();
        let keys = keys.map(|(name, values)| name.len() + values.iter().map(String::len).sum::<usize>());
        let lineage = session.scoped_from.iter().chain(&session.issued_through).map(|key| key.as_str().len());
        1 + policies.chain(keys).chain(arns).chain(tags).chain(lineage).sum::<usize>() / 128
    }
}

/// What a valid credential depends on.
struct Active<'s> {
    /// The user or role.
    entity: Option<&'s Arc<Entity>>,
    /// When its long-term access key expires.
    key_expires: Option<Timestamp>,
}

/// Checks that a credential is valid: account, access key, user or role, and revocations.
fn check_active<'s>(
    snapshot: &'s Snapshot,
    caller: &Caller,
    validity: Option<Validity>,
    now: Timestamp,
) -> Result<Active<'s>> {
    let account = snapshot.account(caller.account()).filter(|account| account.is_active()).ok_or_else(invalid)?;
    let entity = match &caller.principal {
        Principal::Root { .. } | Principal::FederatedUser { issuer: None, .. } => None,
        Principal::User { account, id, .. }
        | Principal::FederatedUser { account, issuer: Some(FederationIssuer { id, .. }), .. } => {
            let user = snapshot.entity_arc(id).filter(|user| user.account == *account && !user.is_role());
            Some(user.ok_or_else(invalid)?)
        }
        Principal::RoleSession { account, id, .. } => {
            let role = snapshot.entity_arc(id).filter(|role| role.account == *account && role.is_role());
            Some(role.ok_or_else(invalid)?)
        }
    };
    let mut key_expires = None;
    if caller.session.is_none()
        && let Some(id) = caller.access_key_id()
    {
        key_expires = key_in_use(snapshot, id, caller, now)?;
        if validity.is_some_and(|token| snapshot.is_key_revoked(caller.account(), id, token.issued)) {
            return Err(expired());
        }
    }
    if let Some(session) = caller.session.as_deref() {
        if let Some(key) = session.bound_key() {
            key_expires = key_in_use(snapshot, key, caller, now)?;
        }
        if let Some(delegation) = &session.delegation {
            let requestor = snapshot.account(delegation.requestor).filter(|account| account.is_active());
            requestor.ok_or_else(invalid)?;
        }
        // Temporary keys that were issued for a sign-in session name it as their parent.
        let sign_in = session.parent_key.as_ref().unwrap_or(&session.access_key_id);
        let is_ended = session.kind == SessionKind::SignIn
            && !snapshot.has_sign_in(caller.account(), caller.principal.identity(), sign_in);
        if is_ended || snapshot.is_revoked(caller.account(), session) {
            return Err(expired());
        }
    }
    let provider = provider(caller);
    let provider = match &provider {
        Some(arn) => Some((arn, snapshot.provider_created(arn).ok_or_else(invalid)?)),
        None => None,
    };
    let is_certificate = caller.certificate().is_some();
    if is_certificate && !(caller.session.is_none() && matches!(caller.principal, Principal::User { .. })) {
        return Err(invalid());
    }
    for Validity { issued, expires } in validities(caller, validity) {
        // There is no leeway. Revoked credentials look expired, so that clients request new ones.
        // A certificate is a long-term credential, like an access key: the end of all sessions does not end it.
        let is_ended = || {
            let by_account = snapshot.is_account_revoked(account.id, account.sessions_valid_after, issued);
            let of = |entity: &Arc<Entity>| {
                snapshot.is_identity_revoked(entity.account, &entity.id, entity.sessions_valid_after(), issued)
            };
            let is_earlier = |(arn, created)| snapshot.is_of_earlier_provider(arn, created, issued);
            by_account || entity.is_some_and(of) || provider.is_some_and(is_earlier)
        };
        if expires <= now || (!is_certificate && is_ended()) {
            return Err(expired());
        }
    }
    Ok(Active { entity, key_expires })
}

/// Checks that a long-term key of the caller is active and has not expired. Returns when it expires.
fn key_in_use(snapshot: &Snapshot, id: &AccessKeyId, caller: &Caller, now: Timestamp) -> Result<Option<Timestamp>> {
    let key = snapshot.access_key(id.as_str()).filter(|key| is_of(key, caller)).ok_or_else(invalid)?;
    let expires = snapshot.key_expires(key);
    if expires.is_some_and(|expires| expires <= now) {
        return Err(invalid());
    }
    Ok(expires)
}

/// The provider that the session came through, which ends with it: a later provider of the same name is another one. `None` for
/// other sessions, and for a public provider, which has a domain and no ARN.
fn provider(caller: &Caller) -> Option<Arn> {
    let provider = caller.session.as_deref().and_then(|session| session.provider.as_deref());
    provider.and_then(|provider| Arn::parse(provider).ok())
}

/// The validity of the caller's session, and that of the token.
fn validities(caller: &Caller, token: Option<Validity>) -> impl Iterator<Item = Validity> {
    let session =
        caller.session.as_deref().map(|session| Validity { issued: session.issue(), expires: session.expires });
    session.into_iter().chain(token)
}

/// Returns whether a long-term key is active and belongs to the caller, or to the issuer of a federated user.
fn is_of(key: &AccessKey, caller: &Caller) -> bool {
    let user = caller.principal.identity().copied();
    key.active && key.account == caller.account() && key.user == user
}

/// Returns the caller that a long-term key belongs to.
pub(crate) fn owner(snapshot: &Snapshot, key: &AccessKey) -> Option<Caller> {
    let principal = match &key.user {
        None => Principal::Root { account: key.account },
        Some(id) => {
            let user = snapshot.entity(id)?;
            let name = UserName::parse(&user.name).ok()?;
            Principal::User { account: user.account, id: *id, name, path: user.path().clone() }
        }
    };
    let credential = Credential::AccessKey(key.id.clone());
    Some(Caller { principal, credential, session: None, mfa: None })
}

/// Returns the caller with the current name and path of the user or role.
fn renamed(mut caller: Caller, entity: Option<&Entity>) -> Result<Caller> {
    match (&mut caller.principal, entity) {
        (
            Principal::User { name, path, .. }
            | Principal::FederatedUser { issuer: Some(FederationIssuer { name, path, .. }), .. },
            Some(user),
        ) => {
            *name = UserName::parse(&user.name)?;
            path.clone_from(user.path());
        }
        (Principal::RoleSession { name, path, .. }, Some(role)) => {
            *name = RoleName::parse(&role.name)?;
            path.clone_from(role.path());
        }
        _ => {}
    }
    Ok(caller)
}
