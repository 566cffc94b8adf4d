//! Requests: principal, action, resource and context.

use bailiwick_model::AccountId;

use crate::context::Context;

/// A request to be decided. All fields are borrowed, so creating one allocates nothing.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The principal.
    pub principal: Principal<'a>,
    /// `service:Name`, compared without case.
    pub action: &'a str,
    /// The ARN of the resource, in the case in which it was created; `*` if the action has no resource.
    pub resource: &'a str,
    /// The account that the resource belongs to; for `*`, usually the caller's.
    pub resource_account: ResourceAccount,
    /// The context keys.
    pub context: Context<'a>,
}

/// The account of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceAccount {
    /// The id. `None` if it is unknown, in which case it differs from the account of every caller.
    pub id: Option<AccountId>,
    /// Whether it is the organization's management account, whose resources no RCP binds.
    pub is_management: bool,
}

impl From<AccountId> for ResourceAccount {
    fn from(id: AccountId) -> Self {
        Self { id: Some(id), is_management: false }
    }
}

/// The account of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerAccount {
    /// Its id.
    pub id: AccountId,
    /// Whether it is the organization's management account, which no SCP binds.
    pub is_management: bool,
}

impl From<AccountId> for CallerAccount {
    fn from(id: AccountId) -> Self {
        Self { id, is_management: false }
    }
}

/// A user or role, with the names that policies may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entity<'a> {
    /// The ARN, with path.
    pub arn: &'a str,
    /// The unique id (`AIDA…`, `AROA…`) that saved documents are bound to, where it is known.
    pub unique_id: Option<&'a str>,
}

/// The principal that makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal<'a> {
    /// The root user of an account.
    Root {
        /// The account.
        account: CallerAccount,
        /// `arn:aws:iam::…:root`.
        arn: &'a str,
    },
    /// An IAM user, with long-term keys or with keys from GetSessionToken.
    User {
        /// The account.
        account: CallerAccount,
        /// The user.
        user: Entity<'a>,
    },
    /// A session of a role.
    RoleSession {
        /// The role's account.
        account: CallerAccount,
        /// `arn:aws:sts::…:assumed-role/name/session`.
        arn: &'a str,
        /// The role.
        role: Entity<'a>,
        /// The SAML or OIDC provider that the session came through, as policies name it.
        provider: Option<&'a str>,
        /// Whether the role is a service-linked one, which neither SCPs nor RCPs bind.
        service_linked: bool,
    },
    /// A session of GetFederationToken.
    FederatedUser {
        /// The account.
        account: CallerAccount,
        /// `arn:aws:sts::…:federated-user/name`.
        arn: &'a str,
        /// The user whose keys created the session; `None` if it was the root user.
        user: Option<Entity<'a>>,
    },
    /// A service, on its own behalf.
    Service {
        /// The service principal, such as `sns.amazonaws.com`.
        name: &'a str,
    },
    /// An identity provider, in `sts:AssumeRoleWith…`.
    IdentityProvider {
        /// Its ARN, or the domain of a built-in one.
        name: &'a str,
    },
    /// An anonymous caller.
    Anonymous,
}

impl<'a> Principal<'a> {
    /// The caller's account, where there is one.
    #[must_use]
    pub fn account(&self) -> Option<CallerAccount> {
        match *self {
            Self::Root { account, .. }
            | Self::User { account, .. }
            | Self::RoleSession { account, .. }
            | Self::FederatedUser { account, .. } => Some(account),
            Self::Service { .. } | Self::IdentityProvider { .. } | Self::Anonymous => None,
        }
    }

    /// How the caller is named in messages: the ARN, the service or provider, `*` for an anonymous caller.
    #[must_use]
    pub fn name(&self) -> &'a str {
        match *self {
            Self::Root { arn, .. } | Self::RoleSession { arn, .. } | Self::FederatedUser { arn, .. } => arn,
            Self::User { user, .. } => user.arn,
            Self::Service { name } | Self::IdentityProvider { name } => name,
            Self::Anonymous => "*",
        }
    }

    /// Whether the caller acts through a service-linked role.
    #[must_use]
    pub fn is_service_linked(&self) -> bool {
        matches!(self, Self::RoleSession { service_linked: true, .. })
    }
}
