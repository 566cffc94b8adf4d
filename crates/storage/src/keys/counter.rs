//! The keys of counters.

use bailiwick_model::{AccountId, PolicyRef};
use bytes::Bytes;

use super::{Kind, account_bytes, join};

/// The kinds of counter. A counter belongs to an account, or to an object in it.
///
/// Counters also serialize deletions: the transaction that deletes an object reads its counters, so it conflicts with a
/// concurrent transaction that adds something to the object. Transactions that only add or remove do not conflict with
/// each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum CounterKind {
    /// Accounts in the deployment, under the deployment.
    Accounts = 0x01,
    /// Rows in the outbox, under the deployment.
    Outbox = 0x02,
    /// Registered services, under the deployment.
    Services = 0x03,
    /// Users of an account.
    Users = 0x10,
    /// Groups of an account.
    Groups = 0x11,
    /// Roles of an account.
    Roles = 0x12,
    /// Managed policies of an account.
    Policies = 0x13,
    /// Versions of all managed policies of an account.
    PolicyVersions = 0x14,
    /// Resources with a policy or tags in an account.
    Resources = 0x15,
    /// Groups that a user is in.
    GroupsOfUser = 0x20,
    /// Members of a group.
    Members = 0x21,
    /// Managed policies attached to an identity.
    Attached = 0x22,
    /// Inline policies of an identity.
    Inline = 0x23,
    /// The total size of the inline policies of an identity, as counted against the quota.
    InlineSize = 0x24,
    /// Access keys of a user, or of root.
    AccessKeys = 0x25,
    /// Signing certificates of a user, or of root.
    SigningCertificates = 0x6d,
    /// Login profiles of a user: none or one.
    LoginProfiles = 0x63,
    /// MFA devices that are enabled for a user, or for root.
    MfaDevicesOfOwner = 0x66,
    /// Virtual MFA devices of an account.
    MfaDevices = 0x67,
    /// Virtual MFA devices of an account that are enabled for a user.
    MfaDevicesInUse = 0x68,
    /// Passkeys of the users of an account and of root.
    Passkeys = 0xf0,
    /// SSH public keys of a user.
    SshPublicKeys = 0x69,
    /// Service-specific credentials of a user.
    ServiceSpecificCredentials = 0x6b,
    /// Service-specific credentials of a user for one service.
    CredentialsForService = 0x6c,
    /// Server certificates of an account.
    ServerCertificates = 0x6e,
    /// Identities of the account that a policy is attached to.
    Attachments = 0x30,
    /// Entities of the account that have a policy as their boundary.
    Boundaries = 0x31,
    /// Versions of one policy.
    Versions = 0x32,
    /// Tasks of an account that deleted service-linked roles.
    DeletionTasks = 0xb0,
    /// Actions whose last use by a user, a role or the whole account is stored.
    ServiceUses = 0xb3,
    /// Jobs of an account that report when services were last accessed.
    AccessJobs = 0xb4,
    /// Delegation requests that an account has made.
    DelegationRequests = 0xb6,
    /// Instance profiles of an account.
    InstanceProfiles = 0x33,
    /// Instance profiles that a role is in.
    InstanceProfilesOfRole = 0x34,
    /// OpenID Connect providers of an account.
    OidcProviders = 0xa0,
    /// SAML providers of an account.
    SamlProviders = 0xa1,
}

impl CounterKind {
    const ALL: [CounterKind; 36] = [
        Self::Accounts,
        Self::Outbox,
        Self::Services,
        Self::Users,
        Self::Groups,
        Self::Roles,
        Self::Policies,
        Self::PolicyVersions,
        Self::Resources,
        Self::GroupsOfUser,
        Self::Members,
        Self::Attached,
        Self::Inline,
        Self::InlineSize,
        Self::AccessKeys,
        Self::SigningCertificates,
        Self::LoginProfiles,
        Self::MfaDevicesOfOwner,
        Self::MfaDevices,
        Self::MfaDevicesInUse,
        Self::Passkeys,
        Self::SshPublicKeys,
        Self::ServiceSpecificCredentials,
        Self::CredentialsForService,
        Self::ServerCertificates,
        Self::Attachments,
        Self::Boundaries,
        Self::Versions,
        Self::DeletionTasks,
        Self::ServiceUses,
        Self::AccessJobs,
        Self::DelegationRequests,
        Self::InstanceProfiles,
        Self::InstanceProfilesOfRole,
        Self::OidcProviders,
        Self::SamlProviders,
    ];

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }
}

/// A counter of an object; of the account itself if `of` is empty.
pub(crate) fn counter(account: AccountId, what: CounterKind, of: &[u8]) -> Bytes {
    join(account, Kind::Counter, &[&[what as u8], of])
}

/// A counter of a managed policy.
pub(crate) fn policy_counter(account: AccountId, what: CounterKind, policy: PolicyRef) -> Bytes {
    join(account, Kind::Counter, &[&[what as u8], &account_bytes(policy.account), policy.id.as_bytes()])
}
