//! The proven caller of a request.

use std::fmt::Write as _;
use std::sync::Arc;

use bailiwick_model::{
    AccessKeyId, AccountId, Arn, Issue, Partition, Path, PolicyRef, RoleName, SessionName, StorePosition, Tags,
    UniqueId, UserName,
};
use jiff::Timestamp;

/// A proven caller: the principal, the credential that proved it, and its session.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The principal.
    pub principal: Principal,
    /// The credential that proved it.
    pub credential: Credential,
    /// The session of temporary credentials; none with long-term ones.
    pub session: Option<Arc<Session>>,
    /// When the caller last authenticated with a second factor, if the credentials say so.
    pub mfa: Option<Timestamp>,
}

/// The principal that makes a request.
#[derive(Clone, Debug)]
pub enum Principal {
    /// The root user of an account.
    Root {
        /// The account.
        account: AccountId,
    },
    /// A user.
    User {
        /// The account that the user is in.
        account: AccountId,
        /// The user's unique id.
        id: UniqueId,
        /// The user's current name.
        name: UserName,
        /// The user's current path.
        path: Path,
    },
    /// A session of a role.
    RoleSession {
        /// The account that the role is in.
        account: AccountId,
        /// The role's unique id.
        id: UniqueId,
        /// The role's name.
        name: RoleName,
        /// The role's path.
        path: Path,
        /// The session's name.
        session_name: SessionName,
    },
    /// A federated user: a session of GetFederationToken. It has the policies of its issuer, limited by session policies;
    /// without session policies it has only what resource policies give it.
    FederatedUser {
        /// The issuer's account.
        account: AccountId,
        /// The user whose credentials created the session; `None` if it was the root user.
        issuer: Option<FederationIssuer>,
        /// The federated user's name.
        name: SessionName,
    },
}

/// The user that created the session of a federated user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FederationIssuer {
    /// The user's unique id.
    pub id: UniqueId,
    /// The user's current name.
    pub name: UserName,
    /// The user's current path.
    pub path: Path,
}

/// The operation that issued a session. It determines what the session may call. GetScopedCredentials keeps the kind of the
/// session that it narrows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// AssumeRole.
    AssumeRole,
    /// GetSessionToken, for a user or root.
    SessionToken,
    /// GetFederationToken.
    FederationToken,
    /// AssumeRoleWithSAML.
    Saml,
    /// AssumeRoleWithWebIdentity.
    WebIdentity,
    /// AssumeRoot: root of a member account, limited to a task.
    AssumeRoot,
    /// Sign-in with a password.
    SignIn,
    /// GetDelegatedAccessToken: the principal that accepted a delegation request, lent to the requestor.
    Delegated,
}

/// The credential that proved a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A signature by an access key: long-term or, with a session, temporary.
    AccessKey(AccessKeyId),
    /// A bearer token, issued for a call that was signed with this key.
    Bearer(AccessKeyId),
    /// A token of the console, issued for temporary credentials with this key. Only the console accepts it.
    Console(AccessKeyId),
    /// The certificate of the client's TLS connection. Its caller is a user without a session.
    Certificate(Arc<ClientCertificate>),
}

/// A verified client certificate, as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The URI in its subject alternative name that is mapped to the user.
    pub name: String,
    /// Its serial number, in hexadecimal.
    pub serial_number: String,
    /// The SHA-256 of the whole certificate.
    pub sha256: [u8; 32],
}

/// The session of temporary credentials.
#[derive(Clone, Debug)]
pub struct Session {
    /// The temporary access key id.
    pub access_key_id: AccessKeyId,
    /// When the credentials were issued.
    pub issued: Timestamp,
    /// The view that the decision to issue them was made on; none if an older version issued them.
    pub position: Option<StorePosition>,
    /// When they expire, without leeway.
    pub expires: Timestamp,
    /// Inline session policies, as text.
    pub policies: Vec<String>,
    /// Managed policies that act as session policies.
    pub managed_policies: Vec<SessionPolicyRef>,
    /// Session tags, inherited transitive ones included.
    pub tags: Tags,
    /// Keys of the transitive tags, which the next session of a chain inherits.
    pub transitive_tag_keys: Vec<String>,
    /// The source identity. Later sessions of the chain cannot change it.
    pub source_identity: Option<String>,
    /// Whether a role session assumed this role.
    pub chained: bool,
    /// The operation that issued the session.
    pub kind: SessionKind,
    /// The ARN of the SAML or OIDC provider that the session came through: `aws:FederatedProvider`. The session ends with
    /// the provider.
    pub provider: Option<String>,
    /// The access key, long-term or temporary, that signed the request for the session. Of a delegated session, the long-term
    /// access key with which the delegation request was accepted, if it was one.
    pub parent_key: Option<AccessKeyId>,
    /// The other access keys through which the signer of that request had its credentials: see [`Caller::lineage`].
    pub issued_through: Vec<AccessKeyId>,
    /// The delegation that a delegated session comes from. No other session has one.
    pub delegation: Option<Delegation>,
    /// Scope-down policies of GetScopedCredentials, as text, in the order in which they were applied. Each must allow
    /// whatever the session does.
    pub scopes: Vec<String>,
    /// The access keys of the sessions that this one was scoped down from, the first one first. The session ends with each
    /// of them.
    pub scoped_from: Vec<AccessKeyId>,
    /// Context keys that the provider set and that stay for the whole session, such as `saml:sub` or
    /// `token.actions.githubusercontent.com:sub`, with their values.
    pub provider_keys: Vec<(String, Vec<String>)>,
}

/// What a delegated session comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// The id of the delegation request.
    pub request: String,
    /// The account that made the request, and uses the session.
    pub requestor: AccountId,
    /// The access key of that account that asked for the session.
    pub access_key_id: AccessKeyId,
}

/// A managed policy that acts as a session policy: the one with this ARN when the session was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPolicyRef {
    /// Its ARN at that time.
    pub arn: Arn,
    /// Its owner and unique id, which differ from those of a policy created later under the same ARN.
    pub policy: PolicyRef,
}

impl SessionKind {
    /// Whether sessions of this kind have such a principal.
    fn fits(self, principal: &Principal) -> bool {
        let is_identity = matches!(principal, Principal::Root { .. } | Principal::User { .. });
        let is_role = matches!(principal, Principal::RoleSession { .. });
        match self {
            SessionKind::AssumeRole | SessionKind::Saml | SessionKind::WebIdentity => is_role,
            SessionKind::SessionToken | SessionKind::SignIn => is_identity,
            SessionKind::FederationToken => matches!(principal, Principal::FederatedUser { .. }),
            SessionKind::AssumeRoot => matches!(principal, Principal::Root { .. }),
            SessionKind::Delegated => is_identity || is_role,
        }
    }
}

impl Session {
    /// A session without policies, tags, source identity, provider and parent key.
    pub fn new(kind: SessionKind, access_key_id: AccessKeyId, issued: impl Into<Issue>, expires: Timestamp) -> Self {
        let Issue { time, position } = issued.into();
        Session {
            access_key_id,
            issued: time,
            position,
            expires,
            policies: Vec::new(),
            managed_policies: Vec::new(),
            tags: Tags::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            chained: false,
            kind,
            provider: None,
            parent_key: None,
            issued_through: Vec::new(),
            delegation: None,
            scopes: Vec::new(),
            scoped_from: Vec::new(),
            provider_keys: Vec::new(),
        }
    }

    /// When, and on which view, the credentials were issued.
    pub fn issue(&self) -> Issue {
        Issue { time: self.issued, position: self.position }
    }

    /// The long-term access key without which the session ends: of the user or root that GetSessionToken or
    /// GetFederationToken was called with, or that accepted the delegation request.
    pub fn bound_key(&self) -> Option<&AccessKeyId> {
        use SessionKind::{Delegated, FederationToken, SessionToken};
        let is_bound = matches!(self.kind, SessionToken | FederationToken | Delegated);
        self.parent_key.as_ref().filter(|_| is_bound)
    }

    /// What the session ends with when it is revoked, each with its account: its own access key, those of the sessions that it
    /// was scoped down from, the one that signed the request for the first of them, and those that this one came from; and
    /// the delegation request, by its id. `account` is that of the session's principal; the signing key may be of another one.
    pub fn revocable_by(&self, account: AccountId) -> impl Iterator<Item = (AccountId, &str)> {
        let own = std::iter::once(&self.access_key_id).chain(&self.scoped_from).map(move |key| (account, key));
        // The id of root's key may be chosen, so that it contains another account. Root assumes no role.
        let own_key = self.bound_key().map(move |key| (account, key));
        let parent = self.parent_key.iter().filter(move |_| own_key.is_none());
        let signers = parent.chain(&self.issued_through).map(move |key| (key.account().unwrap_or(account), key));
        let asker = self.delegation.iter().map(|delegation| (delegation.requestor, &delegation.access_key_id));
        let keys = own.chain(own_key).chain(signers).chain(asker).map(|(account, key)| (account, key.as_str()));
        keys.chain(self.delegation.iter().map(move |delegation| (account, &*delegation.request)))
    }

    /// Whether a session of this kind, and of this delegation, has such a principal. A token in which they do not fit is refused.
    pub fn is_of(&self, principal: &Principal) -> bool {
        let is_delegated = self.kind == SessionKind::Delegated;
        // A delegated session is never without the policy of its request.
        let is_limited = !is_delegated || !self.scopes.is_empty();
        self.kind.fits(principal) && is_delegated == self.delegation.is_some() && is_limited
    }

    /// Whether session policies or scope-down policies limit the session.
    pub fn is_limited(&self) -> bool {
        self.is_scoped() || !self.scopes.is_empty()
    }

    /// Whether session policies limit the session.
    pub fn is_scoped(&self) -> bool {
        !self.policies.is_empty() || !self.managed_policies.is_empty()
    }
}

impl Caller {
    /// The account that the caller belongs to.
    pub fn account(&self) -> AccountId {
        self.principal.account()
    }

    /// The access key id that signed the call, or the call that the bearer token was issued for. None with a certificate.
    pub fn access_key_id(&self) -> Option<&AccessKeyId> {
        match &self.credential {
            Credential::AccessKey(id) | Credential::Bearer(id) | Credential::Console(id) => Some(id),
            Credential::Certificate(_) => None,
        }
    }

    /// The certificate of the client's connection, if it proved the caller.
    pub fn certificate(&self) -> Option<&Arc<ClientCertificate>> {
        match &self.credential {
            Credential::Certificate(certificate) => Some(certificate),
            Credential::AccessKey(_) | Credential::Bearer(_) | Credential::Console(_) => None,
        }
    }

    /// The access keys besides its own through which the caller has its credentials, as the same principal: of the sessions that
    /// these are scoped down from, and of the user, root or sign-in that asked for the session. What is issued to the caller
    /// can be revoked by each of them, or else it could be kept from a revocation by way of another session.
    ///
    /// The key by which a role was assumed is none of them: a chain of roles would have ever more.
    pub fn lineage(&self) -> Vec<AccessKeyId> {
        let Some(session) = self.session.as_deref() else { return Vec::new() };
        let goes_on = matches!(session.kind, SessionKind::SessionToken | SessionKind::SignIn | SessionKind::Delegated);
        let asker = session.parent_key.iter().filter(|_| goes_on);
        session.scoped_from.iter().chain(asker).cloned().collect()
    }

    /// The user, if the caller is a user.
    pub fn user(&self) -> Option<(&UniqueId, &UserName)> {
        match &self.principal {
            Principal::User { id, name, .. } => Some((id, name)),
            _ => None,
        }
    }

    /// Whether the caller is root of its account, with long-term credentials or in a session.
    pub fn is_root(&self) -> bool {
        matches!(self.principal, Principal::Root { .. })
    }
}

impl Principal {
    /// The account that the principal belongs to.
    pub fn account(&self) -> AccountId {
        match self {
            Principal::Root { account }
            | Principal::User { account, .. }
            | Principal::RoleSession { account, .. }
            | Principal::FederatedUser { account, .. } => *account,
        }
    }

    /// The unique id of the user or role whose policies the principal has: for a federated user, its issuer's. None for
    /// root and for a federated user of root.
    pub fn identity(&self) -> Option<&UniqueId> {
        match self {
            Principal::Root { .. } => None,
            Principal::User { id, .. } | Principal::RoleSession { id, .. } => Some(id),
            Principal::FederatedUser { issuer, .. } => issuer.as_ref().map(|issuer| &issuer.id),
        }
    }

    /// The principal's own ARN, as GetCallerIdentity shows it; for a session, the session's ARN.
    pub fn arn(&self, partition: Partition) -> Arn {
        match self {
            Principal::Root { account } => Arn::iam(partition, *account, format_args!("root")),
            Principal::User { account, name, path, .. } => {
                Arn::iam(partition, *account, format_args!("user{path}{name}"))
            }
            Principal::RoleSession { account, name, session_name, .. } => {
                Arn::sts(partition, *account, format_args!("assumed-role/{name}/{session_name}"))
            }
            Principal::FederatedUser { account, name, .. } => {
                Arn::sts(partition, *account, format_args!("federated-user/{name}"))
            }
        }
    }

    /// The value of `aws:PrincipalArn`; for a session, the role's ARN.
    pub fn identity_arn(&self, partition: Partition) -> Arn {
        match self {
            Principal::RoleSession { account, name, path, .. } => {
                Arn::iam(partition, *account, format_args!("role{path}{name}"))
            }
            _ => self.arn(partition),
        }
    }

    /// The value of `aws:userid`: the unique id, followed by the session name for a session; the account id for root,
    /// followed by the name for a federated user.
    pub fn user_id(&self) -> String {
        match self {
            Principal::Root { account } => account.to_string(),
            Principal::User { id, .. } => id.to_string(),
            Principal::RoleSession { id, session_name, .. } => {
                let mut text = String::with_capacity(22 + session_name.as_str().len());
                // Writing to a string cannot fail.
                let _ = write!(text, "{id}:{session_name}");
                text
            }
            Principal::FederatedUser { account, name, .. } => format!("{account}:{name}"),
        }
    }

    /// The value of `aws:PrincipalType`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Principal::Root { .. } => "Account",
            Principal::User { .. } => "User",
            Principal::RoleSession { .. } => "AssumedRole",
            Principal::FederatedUser { .. } => "FederatedUser",
        }
    }
}
