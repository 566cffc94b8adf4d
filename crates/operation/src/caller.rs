//! Who makes a request, once it is proven.

use std::fmt::Write as _;
use std::sync::Arc;

use bailiwick_model::{AccessKeyId, AccountId, Arn, Partition, Path, RoleName, SessionName, Tags, UniqueId, UserName};
use bailiwick_storage::{IdentityKind, PolicyRef, Standing};
use jiff::Timestamp;

/// A proven caller: the principal, how he proved himself, and what his session carries.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who he is.
    pub principal: Principal,
    /// What he proved himself with.
    pub credential: Credential,
    /// What temporary credentials carry; none with long-term ones.
    pub session: Option<Arc<Session>>,
    /// When he last showed a second factor, if these credentials carry that.
    pub mfa: Option<Timestamp>,
}

/// Who makes a request.
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
        /// The user's name now.
        name: UserName,
        /// The user's path now.
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
}

/// What a caller proved himself with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A signature by an access key: long-term or, with a session, temporary.
    AccessKey(AccessKeyId),
    /// A bearer token, traded for a call that was signed with this key.
    Bearer(AccessKeyId),
}

/// What temporary credentials carry.
#[derive(Clone, Debug)]
pub struct Session {
    /// The temporary access key id.
    pub access_key_id: AccessKeyId,
    /// When the credentials were issued.
    pub issued: Timestamp,
    /// When they end. No leeway.
    pub expires: Timestamp,
    /// Inline session policies, as text.
    pub policies: Vec<String>,
    /// Managed policies that act as session policies.
    pub managed_policies: Vec<SessionPolicyRef>,
    /// Session tags, inherited transitive ones included.
    pub tags: Tags,
    /// Keys of the tags that pass on to the next session of a chain.
    pub transitive_tag_keys: Vec<String>,
    /// The source identity, which no later session can change.
    pub source_identity: Option<String>,
    /// Whether a role session assumed this role.
    pub chained: bool,
}

/// A managed policy that acts as a session policy: the one that had the ARN when the session was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPolicyRef {
    /// The ARN that it had then.
    pub arn: Arn,
    /// Owner and unique id. A policy that is made later under the same ARN has another one.
    pub policy: PolicyRef,
}

impl Session {
    /// Whether session policies were given, which then limit the session.
    pub fn is_scoped(&self) -> bool {
        !self.policies.is_empty() || !self.managed_policies.is_empty()
    }
}

impl Caller {
    /// The account that the caller belongs to.
    pub fn account(&self) -> AccountId {
        self.principal.account()
    }

    /// The access key id that the call was signed with, or the bearer token was traded for.
    pub fn access_key_id(&self) -> &AccessKeyId {
        match &self.credential {
            Credential::AccessKey(id) | Credential::Bearer(id) => id,
        }
    }

    /// The user, when the caller is one.
    pub fn user(&self) -> Option<(&UniqueId, &UserName)> {
        match &self.principal {
            Principal::User { id, name, .. } => Some((id, name)),
            _ => None,
        }
    }

    /// The records that a change by this caller depends on.
    pub fn standing(&self) -> Standing<'_> {
        Standing {
            account: self.account(),
            identity: match &self.principal {
                Principal::Root { .. } => None,
                Principal::User { id, .. } => Some((IdentityKind::User, id)),
                Principal::RoleSession { id, .. } => Some((IdentityKind::Role, id)),
            },
            access_key: self.session.is_none().then(|| self.access_key_id()),
        }
    }

    /// Whether the caller is root of its account.
    pub fn is_root(&self) -> bool {
        matches!(self.principal, Principal::Root { .. })
    }
}

impl Principal {
    /// The account that the principal belongs to.
    pub fn account(&self) -> AccountId {
        match self {
            Principal::Root { account } | Principal::User { account, .. } | Principal::RoleSession { account, .. } => {
                *account
            }
        }
    }

    /// The principal's own ARN, as GetCallerIdentity shows it: of a session, the session's.
    pub fn arn(&self, partition: Partition) -> Arn {
        match self {
            Principal::Root { account } => Arn::iam(partition, *account, format_args!("root")),
            Principal::User { account, name, path, .. } => {
                Arn::iam(partition, *account, format_args!("user{path}{name}"))
            }
            Principal::RoleSession { account, name, session_name, .. } => {
                Arn::sts(partition, *account, format_args!("assumed-role/{name}/{session_name}"))
            }
        }
    }

    /// What `aws:PrincipalArn` says: of a session, the role's ARN.
    pub fn identity_arn(&self, partition: Partition) -> Arn {
        match self {
            Principal::RoleSession { account, name, path, .. } => {
                Arn::iam(partition, *account, format_args!("role{path}{name}"))
            }
            _ => self.arn(partition),
        }
    }

    /// What `aws:userid` says: a unique id, of a session followed by its name; of root, the account id.
    pub fn user_id(&self) -> String {
        match self {
            Principal::Root { account } => account.to_string(),
            Principal::User { id, .. } => id.to_string(),
            Principal::RoleSession { id, session_name, .. } => {
                let mut text = String::with_capacity(22 + session_name.as_str().len());
                // Writing to a string can't fail.
                let _ = write!(text, "{id}:{session_name}");
                text
            }
        }
    }

    /// What `aws:PrincipalType` says.
    pub fn type_name(&self) -> &'static str {
        match self {
            Principal::Root { .. } => "Account",
            Principal::User { .. } => "User",
            Principal::RoleSession { .. } => "AssumedRole",
        }
    }
}
