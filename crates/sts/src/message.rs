//! The content of a token: a caller, encoded.
//!
//! Only this crate reads these messages, and a token outlives a rolling upgrade by at most the duration of a session.
//! Field numbers never change nevertheless.

use std::sync::Arc;

use bailiwick_model::{
    AccessKeyId, AccountId, Arn, IamError, Issue, Path, RoleName, SessionName, StorePosition, Tags, UniqueId, UserName,
};
use bailiwick_operation::{
    Caller, Credential, Delegation, FederationIssuer, Principal, Session, SessionKind, SessionPolicyRef,
};
use bailiwick_storage::PolicyRef;
use jiff::Timestamp;
use prost::{Message, Oneof};

use crate::access_key::access_key;

/// A caller and the lifetime of the token.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TokenMessage {
    #[prost(oneof = "PrincipalMessage", tags = "1, 2, 3, 10")]
    principal: Option<PrincipalMessage>,
    /// The access key that signs, or signed, the caller's request.
    #[prost(string, tag = "4")]
    access_key_id: String,
    #[prost(message, optional, tag = "5")]
    session: Option<SessionMessage>,
    /// Times are microseconds since 1970.
    #[prost(int64, optional, tag = "6")]
    mfa: Option<i64>,
    #[prost(int64, tag = "7")]
    issued: i64,
    #[prost(int64, tag = "8")]
    expires: i64,
    /// In handles: the service in the scope of the caller's signature.
    #[prost(string, optional, tag = "9")]
    signed_for: Option<String>,
    /// Zeros, for a token of a minimum length.
    #[prost(bytes = "vec", tag = "11")]
    padding: Vec<u8>,
    /// In sign-in tokens: how long the session after the sign-in may last, if the request said.
    #[prost(uint32, optional, tag = "12")]
    session_seconds: Option<u32>,
    /// The view on which the token was issued. Absent in session tokens, whose session has it, and of an older version.
    #[prost(message, optional, tag = "13")]
    position: Option<PositionMessage>,
}

/// A revision of the store, and the restore epoch in which it was read.
#[derive(Clone, Copy, PartialEq, Message)]
struct PositionMessage {
    #[prost(uint64, tag = "1")]
    epoch: u64,
    #[prost(uint64, tag = "2")]
    revision: u64,
    /// The restore that the epoch began with.
    #[prost(fixed64, tag = "3")]
    restore_id: u64,
}

#[derive(Clone, PartialEq, Oneof)]
enum PrincipalMessage {
    /// Root of this account.
    #[prost(uint64, tag = "1")]
    Root(u64),
    #[prost(message, tag = "2")]
    User(EntityMessage),
    #[prost(message, tag = "3")]
    Role(EntityMessage),
    #[prost(message, tag = "10")]
    Federated(FederatedMessage),
}

#[derive(Clone, PartialEq, Message)]
struct FederatedMessage {
    #[prost(uint64, tag = "1")]
    account: u64,
    #[prost(string, tag = "2")]
    name: String,
    /// The user that created the session; absent for root.
    #[prost(message, optional, tag = "3")]
    issuer: Option<EntityMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct EntityMessage {
    #[prost(uint64, tag = "1")]
    account: u64,
    #[prost(string, tag = "2")]
    id: String,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    path: String,
    /// In role sessions.
    #[prost(string, tag = "5")]
    session_name: String,
}

#[derive(Clone, PartialEq, Message)]
struct SessionMessage {
    #[prost(string, tag = "1")]
    access_key_id: String,
    #[prost(int64, tag = "2")]
    issued: i64,
    #[prost(int64, tag = "3")]
    expires: i64,
    #[prost(string, repeated, tag = "4")]
    policies: Vec<String>,
    #[prost(message, repeated, tag = "10")]
    managed_policies: Vec<ManagedPolicyMessage>,
    #[prost(message, repeated, tag = "6")]
    tags: Vec<TagMessage>,
    #[prost(string, repeated, tag = "7")]
    transitive_tag_keys: Vec<String>,
    #[prost(string, optional, tag = "8")]
    source_identity: Option<String>,
    #[prost(bool, tag = "9")]
    chained: bool,
    /// Tokens from before the field are of AssumeRole, which is zero.
    #[prost(uint32, tag = "11")]
    kind: u32,
    #[prost(string, optional, tag = "12")]
    provider: Option<String>,
    #[prost(string, optional, tag = "13")]
    parent_key: Option<String>,
    #[prost(message, repeated, tag = "14")]
    provider_keys: Vec<ProviderKeyMessage>,
    #[prost(string, repeated, tag = "20")]
    scopes: Vec<String>,
    #[prost(string, repeated, tag = "21")]
    scoped_from: Vec<String>,
    #[prost(string, repeated, tag = "22")]
    issued_through: Vec<String>,
    #[prost(message, optional, tag = "23")]
    delegation: Option<DelegationMessage>,
    /// The view on which the session was issued. Absent: an older version issued it.
    #[prost(message, optional, tag = "24")]
    position: Option<PositionMessage>,
}

/// What a delegated session comes from.
#[derive(Clone, PartialEq, Message)]
struct DelegationMessage {
    #[prost(string, tag = "1")]
    request: String,
    #[prost(uint64, tag = "2")]
    requestor: u64,
    #[prost(string, tag = "3")]
    access_key_id: String,
}

/// A context key of the provider.
#[derive(Clone, PartialEq, Message)]
struct ProviderKeyMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, repeated, tag = "2")]
    values: Vec<String>,
}

/// The kinds of sessions, by their numbers in tokens.
const KINDS: [SessionKind; 8] = [
    SessionKind::AssumeRole,
    SessionKind::SessionToken,
    SessionKind::FederationToken,
    SessionKind::Saml,
    SessionKind::WebIdentity,
    SessionKind::AssumeRoot,
    SessionKind::SignIn,
    SessionKind::Delegated,
];

/// A managed policy as it was when the session was issued. Field 5 of the session once held ARNs alone.
#[derive(Clone, PartialEq, Message)]
struct ManagedPolicyMessage {
    #[prost(string, tag = "1")]
    arn: String,
    /// The scope that owns it: an account, or the deployment.
    #[prost(uint64, tag = "2")]
    account: u64,
    #[prost(string, tag = "3")]
    id: String,
}

#[derive(Clone, PartialEq, Message)]
struct TagMessage {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// The caller in a token, and the lifetime of the token.
pub(crate) struct Held {
    pub(crate) caller: Caller,
    pub(crate) issued: Issue,
    pub(crate) expires: Timestamp,
    pub(crate) signed_for: Option<String>,
    pub(crate) session_seconds: Option<u32>,
}

impl TokenMessage {
    /// The caller for a token.
    ///
    /// # Errors
    /// `ServiceFailure` for a caller without an access key.
    pub(crate) fn of(caller: &Caller, issued: Issue, expires: Timestamp) -> Result<Self, IamError> {
        Ok(Self {
            principal: Some(PrincipalMessage::of(&caller.principal)),
            access_key_id: access_key(caller)?.to_string(),
            session: caller.session.as_deref().map(SessionMessage::of),
            mfa: caller.mfa.map(Timestamp::as_microsecond),
            issued: issued.time.as_microsecond(),
            expires: expires.as_microsecond(),
            signed_for: None,
            padding: Vec::new(),
            session_seconds: None,
            position: issued.position.map(PositionMessage::of),
        })
    }

    /// Makes the token longer by at least this many characters, each of which holds six bits.
    pub(crate) fn padded(self, characters: usize) -> Self {
        Self { padding: vec![0; (characters * 3).div_ceil(4)], ..self }
    }

    pub(crate) fn with_service(self, service: &str) -> Self {
        Self { signed_for: Some(service.to_owned()), ..self }
    }

    pub(crate) fn with_session_seconds(self, session_seconds: Option<u32>) -> Self {
        Self { session_seconds, ..self }
    }

    /// Decodes the content of a token, with the credential of its kind. None for content that was never issued.
    pub(crate) fn into_held(self, credential: fn(AccessKeyId) -> Credential) -> Option<Held> {
        let caller = Caller {
            principal: self.principal?.into_principal()?,
            credential: credential(AccessKeyId::parse(&self.access_key_id).ok()?),
            session: match self.session {
                Some(session) => Some(Arc::new(session.into_session()?)),
                None => None,
            },
            mfa: match self.mfa {
                Some(mfa) => Some(time(mfa)?),
                None => None,
            },
        };
        let session = caller.session.as_deref();
        match &caller.principal {
            // Neither proves anything without a session.
            Principal::RoleSession { .. } | Principal::FederatedUser { .. } if session.is_none() => return None,
            principal if session.is_some_and(|session| !session.is_of(principal)) => return None,
            _ => {}
        }
        let issued = Issue { time: time(self.issued)?, position: self.position.map(PositionMessage::into_position) };
        let expires = time(self.expires)?;
        Some(Held { caller, issued, expires, signed_for: self.signed_for, session_seconds: self.session_seconds })
    }
}

impl PrincipalMessage {
    fn of(principal: &Principal) -> Self {
        match principal {
            Principal::Root { account } => Self::Root(account.number()),
            Principal::User { account, id, name, path } => Self::User(EntityMessage {
                account: account.number(),
                id: id.to_string(),
                name: name.to_string(),
                path: path.to_string(),
                session_name: String::new(),
            }),
            Principal::RoleSession { account, id, name, path, session_name } => Self::Role(EntityMessage {
                account: account.number(),
                id: id.to_string(),
                name: name.to_string(),
                path: path.to_string(),
                session_name: session_name.to_string(),
            }),
            Principal::FederatedUser { account, issuer, name } => Self::Federated(FederatedMessage {
                account: account.number(),
                name: name.to_string(),
                issuer: issuer.as_ref().map(|FederationIssuer { id, name, path }| EntityMessage {
                    account: account.number(),
                    id: id.to_string(),
                    name: name.to_string(),
                    path: path.to_string(),
                    session_name: String::new(),
                }),
            }),
        }
    }

    fn into_principal(self) -> Option<Principal> {
        Some(match self {
            Self::Root(account) => Principal::Root { account: AccountId::from_number(account)? },
            Self::User(user) => Principal::User {
                account: AccountId::from_number(user.account)?,
                id: UniqueId::parse(&user.id).ok()?,
                name: UserName::parse(&user.name).ok()?,
                path: Path::parse(&user.path).ok()?,
            },
            Self::Role(role) => Principal::RoleSession {
                account: AccountId::from_number(role.account)?,
                id: UniqueId::parse(&role.id).ok()?,
                name: RoleName::parse(&role.name).ok()?,
                path: Path::parse(&role.path).ok()?,
                session_name: SessionName::parse(&role.session_name).ok()?,
            },
            Self::Federated(user) => Principal::FederatedUser {
                account: AccountId::from_number(user.account)?,
                issuer: match user.issuer {
                    Some(issuer) => Some(FederationIssuer {
                        id: UniqueId::parse(&issuer.id).ok()?,
                        name: UserName::parse(&issuer.name).ok()?,
                        path: Path::parse(&issuer.path).ok()?,
                    }),
                    None => None,
                },
                name: SessionName::parse(&user.name).ok()?,
            },
        })
    }
}

impl SessionMessage {
    fn of(session: &Session) -> Self {
        let tag = |tag: &bailiwick_model::Tag| TagMessage { key: tag.key.clone(), value: tag.value.clone() };
        Self {
            access_key_id: session.access_key_id.to_string(),
            issued: session.issued.as_microsecond(),
            expires: session.expires.as_microsecond(),
            policies: session.policies.clone(),
            managed_policies: session.managed_policies.iter().map(ManagedPolicyMessage::of).collect(),
            tags: session.tags.iter().map(tag).collect(),
            transitive_tag_keys: session.transitive_tag_keys.clone(),
            source_identity: session.source_identity.clone(),
            chained: session.chained,
            kind: number(session.kind),
            provider: session.provider.clone(),
            parent_key: session.parent_key.as_ref().map(AccessKeyId::to_string),
            provider_keys: session.provider_keys.iter().cloned().map(ProviderKeyMessage::of).collect(),
            scopes: session.scopes.clone(),
            scoped_from: session.scoped_from.iter().map(AccessKeyId::to_string).collect(),
            issued_through: session.issued_through.iter().map(AccessKeyId::to_string).collect(),
            delegation: session.delegation.as_ref().map(DelegationMessage::of),
            position: session.position.map(PositionMessage::of),
        }
    }

    fn into_session(self) -> Option<Session> {
        Some(Session {
            access_key_id: AccessKeyId::parse(&self.access_key_id).ok()?,
            issued: time(self.issued)?,
            expires: time(self.expires)?,
            policies: self.policies,
            managed_policies: self
                .managed_policies
                .into_iter()
                .map(ManagedPolicyMessage::into_ref)
                .collect::<Option<_>>()?,
            tags: Tags::parse(self.tags.iter().map(|tag| (&tag.key, &tag.value))).ok()?,
            transitive_tag_keys: self.transitive_tag_keys,
            source_identity: self.source_identity,
            chained: self.chained,
            kind: *KINDS.get(usize::try_from(self.kind).ok()?)?,
            provider: self.provider,
            parent_key: match self.parent_key {
                Some(key) => Some(AccessKeyId::parse(&key).ok()?),
                None => None,
            },
            provider_keys: self.provider_keys.into_iter().map(|key| (key.name, key.values)).collect(),
            scopes: self.scopes,
            scoped_from: access_keys(&self.scoped_from)?,
            issued_through: access_keys(&self.issued_through)?,
            delegation: match self.delegation {
                Some(delegation) => Some(delegation.into_delegation()?),
                None => None,
            },
            position: self.position.map(PositionMessage::into_position),
        })
    }
}

impl PositionMessage {
    fn of(StorePosition { epoch, restore_id, revision }: StorePosition) -> Self {
        Self { epoch, revision, restore_id }
    }

    fn into_position(self) -> StorePosition {
        StorePosition { epoch: self.epoch, restore_id: self.restore_id, revision: self.revision }
    }
}

impl DelegationMessage {
    fn of(delegation: &Delegation) -> Self {
        Self {
            request: delegation.request.clone(),
            requestor: delegation.requestor.number(),
            access_key_id: delegation.access_key_id.to_string(),
        }
    }

    fn into_delegation(self) -> Option<Delegation> {
        Some(Delegation {
            request: self.request,
            requestor: AccountId::from_number(self.requestor)?,
            access_key_id: AccessKeyId::parse(&self.access_key_id).ok()?,
        })
    }
}

impl ProviderKeyMessage {
    fn of((name, values): (String, Vec<String>)) -> Self {
        Self { name, values }
    }
}

/// The number of a kind in tokens.
fn number(kind: SessionKind) -> u32 {
    KINDS.iter().zip(0..).find_map(|(known, number)| (*known == kind).then_some(number)).unwrap_or(u32::MAX)
}

impl ManagedPolicyMessage {
    fn of(SessionPolicyRef { arn, policy }: &SessionPolicyRef) -> Self {
        Self { arn: arn.to_string(), account: policy.account.number(), id: policy.id.to_string() }
    }

    fn into_ref(self) -> Option<SessionPolicyRef> {
        let account = AccountId::from_scope(self.account)?;
        let policy = PolicyRef { account, id: UniqueId::parse(&self.id).ok()? };
        Some(SessionPolicyRef { arn: Arn::parse(&self.arn).ok()?, policy })
    }
}

fn access_keys(ids: &[String]) -> Option<Vec<AccessKeyId>> {
    ids.iter().map(|id| AccessKeyId::parse(id).ok()).collect()
}

fn time(microseconds: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(microseconds).ok()
}
