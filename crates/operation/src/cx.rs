//! The context that a handler runs in: caller, time, randomness, the deployment.

use std::any::Any;
use std::net::IpAddr;
use std::sync::Arc;

use bailiwick_api::{CallKind, Operation};
use bailiwick_model::limits::Quotas;
use bailiwick_model::{
    AccessKeyId, AccessKeyKind, AccountId, IdKind, Issue, Partition, Region, StorePosition, UniqueId,
};
use bailiwick_storage::{OutboundFederation, Revision};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    Caller, IssuerKeys, IssuerKeysOutcome, PasswordOutcome, PasswordPool, RecentUses, RevisionScope, SamlMetadataCache,
};

/// The source of the time.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The source of randomness, which must be cryptographically secure.
pub trait Random: Send + Sync + 'static {
    /// Fills the buffer with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// The settings and services that all calls to a deployment share.
pub struct Deployment {
    /// The partition of every ARN.
    pub partition: Partition,
    /// The region of the deployment.
    pub region: Region,
    /// The URL at which clients and other services reach the server, without a slash at the end.
    pub public_url: String,
    /// The id of the cluster, created at the first start and bound to everything that is sealed.
    pub cluster_id: String,
    /// The store and restore epoch of revisions.
    pub revisions: RevisionScope,
    /// The first account, which manages the others.
    pub management_account: AccountId,
    /// The quotas.
    pub quotas: Arc<Quotas>,
    /// The source of the time.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub random: Arc<dyn Random>,
    /// Seals secrets at rest, tokens and markers.
    pub sealer: Arc<bailiwick_seal::Sealer>,
    /// The last uses of access keys and roles that may not be in the store yet.
    pub recent_uses: RecentUses,
    /// Computes with passwords.
    pub passwords: Arc<PasswordPool>,
    /// Gets the keys of OpenID Connect issuers.
    pub issuer_keys: Arc<dyn IssuerKeys>,
    /// The parsed metadata of SAML providers.
    pub saml_metadata: SamlMetadataCache,
}

impl Deployment {
    /// The path of the issuers of tokens for services outside. The random part of an issuer follows.
    pub const TOKEN_ISSUERS: &'static str = "/tokens/";

    /// Whether an issuer is one of this deployment's own, of any account.
    pub fn is_token_issuer(&self, issuer: &str) -> bool {
        issuer.strip_prefix(&*self.public_url).is_some_and(|path| path.starts_with(Self::TOKEN_ISSUERS))
    }

    /// The issuer of an account's tokens for services outside: a URL, under which its keys are published.
    pub fn token_issuer(&self, federation: &OutboundFederation) -> String {
        format!("{}{}{}", self.public_url, Self::TOKEN_ISSUERS, federation.issuer)
    }
}

/// What is known about a request besides its message.
#[derive(Clone, Debug, Default)]
pub struct RequestInfo {
    /// The id of the request in logs, responses and audit records: a UUID as text.
    pub id: String,
    /// The address of the client.
    pub source_ip: Option<IpAddr>,
    /// Whether the connection is encrypted.
    pub secure_transport: bool,
    /// The user agent, with control characters replaced.
    pub user_agent: Option<String>,
    /// The region in the signature.
    pub region: Option<Region>,
}

/// The context of one attempt at a call. Caller, time and view stay the same throughout. After a conflict the handler
/// runs in a new context, for which the caller was validated again.
///
/// An operation that is called without a signature has a `Cx<NoCaller>`, which has neither a caller nor an account:
///
/// ```compile_fail,E0599
/// # use bailiwick_operation::{Cx, NoCaller};
/// fn handle(cx: &Cx<NoCaller>) {
///     cx.account();
/// }
/// ```
#[derive(Clone)]
pub struct Cx<C = Arc<Caller>> {
    caller: C,
    request: Arc<RequestInfo>,
    deployment: Arc<Deployment>,
    now: Timestamp,
    revision: Revision,
    view: Option<Arc<dyn Any + Send + Sync>>,
    password: Option<Arc<PasswordOutcome>>,
    issuer_keys: Option<Arc<IssuerKeysOutcome>>,
    question: Bytes,
}

/// The context of an operation's handler: with the caller, or with [`NoCaller`] if the operation needs no signature.
pub type CxOf<O> = <<O as Operation>::Call as CallKind>::Select<Cx, Cx<NoCaller>>;

/// The caller in the context of an operation that needs no signature: not known before the plan has verified the request.
#[derive(Clone, Copy, Debug)]
pub struct NoCaller;

impl<C> Cx<C> {
    /// Makes the context of an attempt at the current time.
    pub fn new(deployment: Arc<Deployment>, caller: C, request: Arc<RequestInfo>) -> Self {
        let now = deployment.clock.now();
        Cx {
            caller,
            request,
            deployment,
            now,
            revision: Revision::ZERO,
            view: None,
            password: None,
            issuer_keys: None,
            question: Bytes::new(),
        }
    }

    /// Sets the time.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        Cx { now, ..self }
    }

    /// Sets the revision that the call's transaction reads at. No view that it is decided on is older.
    #[must_use]
    pub fn reading_at(self, revision: Revision) -> Self {
        Cx { revision, ..self }
    }

    /// Sets the view that everything is decided on. The caller was proved on it at [`Self::now`].
    #[must_use]
    pub fn with_view<T: Any + Send + Sync>(self, view: Arc<T>) -> Self {
        Cx { view: Some(view), ..self }
    }

    /// Sets what was computed with passwords for this call.
    #[must_use]
    pub fn with_password_outcome(self, password: Option<Arc<PasswordOutcome>>) -> Self {
        Cx { password, ..self }
    }

    /// What was computed with passwords for this call: the result of the work that its plan named.
    pub fn password_outcome(&self) -> Option<&PasswordOutcome> {
        self.password.as_deref()
    }

    /// Sets the keys that were fetched for this call.
    #[must_use]
    pub fn with_issuer_keys(self, issuer_keys: Option<Arc<IssuerKeysOutcome>>) -> Self {
        Cx { issuer_keys, ..self }
    }

    /// The keys that were fetched for this call, if its handler wanted any.
    pub fn issuer_keys(&self) -> Option<&IssuerKeysOutcome> {
        self.issuer_keys.as_deref()
    }

    /// Sets the request without its marker and page size, as [`bailiwick_api::question`] returns it.
    #[must_use]
    pub fn with_question(self, question: Bytes) -> Self {
        Cx { question, ..self }
    }

    /// The request without its marker and page size. Empty if its operation has no pages.
    pub fn question(&self) -> &[u8] {
        &self.question
    }

    /// Like [`Self::request`], shared.
    pub fn shared_request(&self) -> &Arc<RequestInfo> {
        &self.request
    }

    /// What is known about the request besides its message.
    pub fn request(&self) -> &RequestInfo {
        &self.request
    }

    /// The deployment.
    pub fn deployment(&self) -> &Arc<Deployment> {
        &self.deployment
    }

    /// The partition of every ARN.
    pub fn partition(&self) -> Partition {
        self.deployment.partition
    }

    /// The time of this attempt with its fraction of a second. It was read after everything that the call waited for, and
    /// just before the view was taken.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The same in whole seconds, as dates of stored objects are stored and shown.
    pub fn date(&self) -> Timestamp {
        // A second that the clock returned is in range.
        Timestamp::from_second(self.now.as_second()).unwrap_or(self.now)
    }

    /// The oldest view that this attempt read.
    pub fn position(&self) -> StorePosition {
        let RevisionScope { epoch, restore_id, .. } = self.deployment.revisions;
        StorePosition { epoch, restore_id, revision: self.revision.number() }
    }

    /// When something is issued by this attempt: now, on the oldest view that it read. A revocation that the view does not have ends
    /// it, whatever the clocks of the servers show.
    pub fn issue(&self) -> Issue {
        Issue { time: self.now, position: Some(self.position()) }
    }

    /// The view that everything is decided on, if it is of this type.
    pub fn view<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.view.clone().and_then(|view| view.downcast().ok())
    }

    /// Returns cryptographically secure random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.deployment.random.fill(&mut bytes);
        bytes
    }

    /// Makes a new unique id.
    pub fn new_id(&self, kind: IdKind) -> UniqueId {
        UniqueId::new(kind, self.random())
    }

    /// Makes a new access key id in an account.
    pub fn new_access_key_id(&self, kind: AccessKeyKind, account: AccountId) -> AccessKeyId {
        AccessKeyId::new(kind, account, self.random())
    }
}

impl Cx {
    /// Like [`Self::caller`], shared.
    pub fn shared_caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// The caller.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The account that the call acts in: the caller's.
    pub fn account(&self) -> AccountId {
        self.caller.account()
    }
}

/// The text that a caller's calls and work are counted under. All sessions of a role are one caller, and a user's federated
/// users count as the user: a principal that may make one can make many.
pub fn counted_as(caller: &Caller) -> String {
    let principal = &caller.principal;
    principal.identity().map_or_else(|| principal.account().to_string(), ToString::to_string)
}

const HEX: &[u8; 16] = b"0123456789abcdef";
/// Where each byte of a UUID is in its text.
const UUID_PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// Formats 16 random bytes as a UUID of version 4, for ids of requests and audit events.
pub fn uuid(random: [u8; 16]) -> String {
    let mut bytes = random;
    // Version 4, variant 1.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = *b"00000000-0000-0000-0000-000000000000";
    for (at, byte) in UUID_PLACES.into_iter().zip(bytes) {
        text[at] = HEX[usize::from(byte >> 4)];
        text[at + 1] = HEX[usize::from(byte & 15)];
    }
    // Every character is ASCII.
    String::from_utf8(text.to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[test]
    fn uuids_have_version_four() {
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid([255; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid(std::array::from_fn(|at| at as u8 * 17)), "00112233-4455-4677-8899-aabbccddeeff");
    }
}
