//! The key layout of the store. No other module knows how keys are encoded.
//!
//! A key is `account | kind | id`: five bytes of account number, big-endian, one byte of [`Kind`], and an id that
//! depends on the kind. Keys of the deployment (the account list, global indexes, its managed policies) have the number
//! of [`AccountId::NONE`], `ff ff ff ff ff`, which sorts after all accounts. Names in keys are in ASCII lower case and
//! are the last part, or are followed by a part that cannot be confused with them. Unique ids are 21 bytes long, so
//! they need no separator.

use bailiwick_model::{AccessKeyId, AccountAlias, AccountId, PolicyRef, UniqueId};
use bytes::Bytes;

use crate::{reference::IdentityKind, server_id::ServerId};

mod counter;
mod kind_set;
mod layout_1;
mod words;

pub(crate) use counter::{CounterKind, counter, policy_counter};
pub use kind_set::{KindSet, end_of_kind, is_decisive};
pub use layout_1::from_layout_1;
pub use words::describe;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// The kind of a key. The numbers are part of the store format and never change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $name = $number,)* }

        impl Kind {
            /// Every kind, in the order of this list.
            const ALL: &[Kind] = &[$(Kind::$name),*];

            fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Kind::$name),)* _ => None }
            }
        }
    };
}

kinds! {
    /// The deployment: the metadata of the store.
    Meta = 0x01,
    /// The deployment: the wrapped data keys.
    Keyring = 0x02,
    /// The deployment: `account` → the account.
    Account = 0x03,
    /// The deployment: `e-mail in lower case` → account number.
    AccountEmail = 0x04,
    /// The deployment: `alias` → account number.
    Alias = 0x05,
    /// The deployment: `access key id` → account number.
    AccessKeyAccount = 0x06,
    /// The deployment: `time-ordered key` → an audit event that waits to be shipped.
    Outbox = 0x07,
    /// The deployment: `prefix` → a registered service.
    Service = 0x08,
    /// The deployment: `name of a service principal` → the prefix of the service that it acts for.
    ServicePrincipal = 0x09,
    /// The deployment: no id → how far the outbox has been shipped.
    AuditCheckpoint = 0x0a,
    /// The deployment: no id → the keys that sign the digests of the audit trail.
    AuditSigningKeys = 0x0b,
    /// The deployment: `server id | time-ordered key` → an audit event that waits to be shipped by this server.
    ServerOutbox = 0x0c,
    /// The deployment: `server id` → how far the outbox of this server has been shipped.
    ServerAuditCheckpoint = 0x0d,
    /// `user id` → the user.
    User = 0x10,
    /// `user name` → user id.
    UserName = 0x11,
    /// `user id | group id` → empty: the user is a member of the group.
    UserGroup = 0x12,
    /// `group id` → the group.
    Group = 0x20,
    /// `group name` → group id.
    GroupName = 0x21,
    /// `group id | user name` → user id.
    GroupMember = 0x22,
    /// `role id` → the role.
    Role = 0x30,
    /// `role name` → role id.
    RoleName = 0x31,
    /// `role id` → when and where the role was last used.
    RoleLastUsed = 0x32,
    /// `task id` → a task that deleted a service-linked role.
    DeletionTask = 0x37,
    /// `time | task id` → empty; eight bytes of microseconds, big-endian.
    DeletionTaskTime = 0x38,
    /// `instance profile id` → the instance profile.
    InstanceProfile = 0x33,
    /// `instance profile name` → instance profile id.
    InstanceProfileName = 0x34,
    /// `role id | instance profile name` → the id of an instance profile with the role.
    RoleInstanceProfile = 0x35,
    /// `policy id` → the managed policy.
    Policy = 0x40,
    /// `policy name` → policy id.
    PolicyName = 0x41,
    /// `policy id | version` → the version; four bytes, big-endian.
    PolicyVersion = 0x42,
    /// `owner of the policy | policy id | usage | kind of identity | name` → the id of the identity that holds the
    /// policy.
    PolicyHolder = 0x43,
    /// `identity id | owner of the policy | policy id` → empty: the policy is attached to the identity.
    Attachment = 0x50,
    /// `identity id | policy name` → the inline policy.
    InlinePolicy = 0x51,
    /// `access key id` → the access key.
    AccessKey = 0x60,
    /// `user id, or empty for root | access key id` → empty.
    AccessKeyOwner = 0x61,
    /// `access key id` → when and for which service the key was last used.
    AccessKeyLastUsed = 0x62,
    /// `user id` → the login profile: the hashes of the user's passwords.
    LoginProfile = 0x63,
    /// `path and name in lower case` → the virtual MFA device.
    MfaDevice = 0x66,
    /// `user id, or empty for root | path and name in lower case` → empty: the MFA device is enabled for the user.
    MfaDeviceOwner = 0x67,
    /// `user id, or empty for root` → the failed attempts at MFA codes.
    MfaFailures = 0x68,
    /// `user id, or empty for root | passkey id` → the passkey.
    Passkey = 0xf0,
    /// The deployment: `SHA-256 digest of the credential id` → empty: a user, or root, has a passkey with this credential.
    PasskeyCredential = 0xf1,
    /// The deployment: `time | digest` → empty: the challenge of a passkey that expires then was used; as
    /// [`Self::SamlAssertionUse`].
    PasskeyChallengeUse = 0xf2,
    /// `user id, or empty for root | certificate id` → the signing certificate.
    SigningCertificate = 0x6d,
    /// `user id | public key id` → the SSH public key.
    SshPublicKey = 0x69,
    /// `user id | digest of the key` → empty: the user has this SSH public key.
    SshPublicKeyDigest = 0x6a,
    /// `user id | credential id` → the service-specific credential.
    ServiceSpecificCredential = 0x6b,
    /// `service name | 0 | name in lower case` → the user id and the credential id of the service-specific credential.
    ServiceCredentialName = 0x6c,
    /// `server certificate id` → the server certificate.
    ServerCertificate = 0x6e,
    /// `server certificate name` → server certificate id.
    ServerCertificateName = 0x6f,
    /// `counter kind | object` → a counter.
    Counter = 0x70,
    /// `ARN` → policy and tags of a resource of another service.
    Resource = 0x80,
    /// No id → the credential report of the account.
    CredentialReport = 0xb0,
    /// `number` → a chunk of the credential report; four bytes, big-endian.
    ReportChunk = 0xb1,
    /// The deployment: `account` → empty: its credential report is requested.
    RequestedReport = 0xb2,
    /// `user or role id, or empty for the whole account | action` → when the action was last used.
    ServiceUse = 0xb3,
    /// `job id` → a job that reports when services were last accessed.
    AccessJob = 0xb4,
    /// `time | job id` → empty; eight bytes of microseconds, big-endian.
    AccessJobTime = 0xb5,
    /// The deployment: `id` → a delegation request.
    DelegationRequest = 0xb6,
    /// In the requestor's account: `workflow id, one byte for each character` → the id of its delegation request.
    DelegationWorkflow = 0xb7,
    /// In the requestor's account: `time | id` → empty; twenty digits of microseconds, then the id of a delegation request.
    DelegationTime = 0xb8,
    /// In the owner's account: `time | id` → empty; as [`Self::DelegationTime`].
    OwnedDelegation = 0xb9,
    /// `access key id in lower case` → the revocation of its session, or of those issued to it.
    SessionRevocation = 0xba,
    /// No id → the password policy of the account.
    PasswordPolicy = 0x90,
    /// No id → the properties of the account.
    AccountProperties = 0x91,
    /// No id → the version of the session tokens of the global endpoint.
    GlobalTokenVersion = 0x92,
    /// No id → whether the account issues tokens for services outside.
    OutboundFederation = 0x93,
    /// No id, in the management account → the enabled features of the organization.
    OrganizationFeatures = 0x94,
    /// No id → the quotas of the account.
    AccountQuotas = 0x95,
    /// No id → when the credentials of the account end by themselves.
    CredentialRules = 0x96,
    /// `URL without its scheme` → the OpenID Connect provider.
    OidcProvider = 0xa0,
    /// `name` → the SAML provider.
    SamlProvider = 0xa1,
    /// `id of a SAML provider | number` → a chunk of its metadata; four bytes, big-endian.
    SamlMetadata = 0xa2,
    /// The deployment: `time | digest` → empty: a SAML assertion that expires then was used; eight bytes of microseconds,
    /// big-endian, then 32.
    SamlAssertionUse = 0xbe,
    /// No id → the keys that sign tokens for services outside.
    TokenSigningKeys = 0xc4,
    /// The deployment: `random part of an issuer` → the account number.
    TokenIssuer = 0xc5,
    /// `SHA-256 digest of the DER` → empty: a user, or root, has this signing certificate.
    SigningCertificateDigest = 0xa8,
    /// `user id, or empty for root` → the sign-in sessions that were not revoked.
    SignInSessions = 0xc0,
    /// `user id, or empty for root` → the failed attempts to sign in.
    SignInFailures = 0xc1,
    /// The deployment: `number` → failed attempts to sign in, by source and for names without a user; two bytes,
    /// big-endian.
    SignInAttempts = 0xc2,
    /// No id → the password of the account's root user.
    RootPassword = 0xc3,
}

impl Kind {
    /// The kind of the record of a user, group or role.
    const fn of(identity: IdentityKind) -> Self {
        match identity {
            IdentityKind::Group => Kind::Group,
            IdentityKind::User => Kind::User,
            IdentityKind::Role => Kind::Role,
        }
    }
}

/// The length of a key before its id.
pub const HEADER: usize = 6;

/// The prefix of all keys of one kind in an account. Followed by an id it is a key.
pub fn kind(account: AccountId, kind: Kind) -> Vec<u8> {
    let mut key = Vec::with_capacity(64);
    key.extend_from_slice(&account_bytes(account));
    key.push(kind as u8);
    key
}

/// Takes a key apart: its account, its kind and the rest. None if it is not a key of this layout.
pub fn parse(key: &[u8]) -> Option<(AccountId, Kind, &[u8])> {
    let (account, rest) = take_account(key)?;
    let (number, id) = rest.split_first()?;
    let kind = Kind::from_number(*number)?;
    Some((account, kind, id))
}

/// An account's number as keys have it.
pub fn account_bytes(account: AccountId) -> [u8; 5] {
    let [_, _, _, bytes @ ..] = account.number().to_be_bytes();
    bytes
}

/// Reads an account's number off the front.
pub fn take_account(bytes: &[u8]) -> Option<(AccountId, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<5>()?;
    let mut wide = [0; 8];
    wide[3..].copy_from_slice(number);
    Some((AccountId::from_scope(u64::from_be_bytes(wide))?, rest))
}

/// Reads a unique id off the front.
pub fn take_id(bytes: &[u8]) -> Option<(UniqueId, &[u8])> {
    let (id, rest) = bytes.split_at_checked(21)?;
    Some((UniqueId::parse(std::str::from_utf8(id).ok()?).ok()?, rest))
}

/// Reads a reference to a managed policy off the front.
pub fn take_policy(bytes: &[u8]) -> Option<(PolicyRef, &[u8])> {
    let (account, rest) = take_account(bytes)?;
    let (id, rest) = take_id(rest)?;
    Some((PolicyRef { account, id }, rest))
}

fn join(account: AccountId, of: Kind, parts: &[&[u8]]) -> Bytes {
    // The capacity is exact, so the conversion to `Bytes` does not reallocate.
    let mut key = Vec::with_capacity(HEADER + parts.iter().map(|part| part.len()).sum::<usize>());
    key.extend_from_slice(&account_bytes(account));
    key.push(of as u8);
    for part in parts {
        key.extend_from_slice(part);
    }
    key.into()
}

/// The key of a kind with this id.
pub(crate) fn record(account: AccountId, of: Kind, id: &[u8]) -> Bytes {
    join(account, of, &[id])
}

/// The record of a user, group or role.
pub fn identity(account: AccountId, of: IdentityKind, id: &UniqueId) -> Bytes {
    join(account, Kind::of(of), &[id.as_bytes()])
}

pub(crate) fn meta() -> Bytes {
    join(AccountId::NONE, Kind::Meta, &[])
}

/// The key of the wrapped data keys, which is read before rows can be authenticated.
pub fn keyring() -> Bytes {
    join(AccountId::NONE, Kind::Keyring, &[])
}

pub(crate) fn account(account: AccountId) -> Bytes {
    join(AccountId::NONE, Kind::Account, &[&account_bytes(account)])
}

pub(crate) fn account_email(email: &str) -> Bytes {
    join(AccountId::NONE, Kind::AccountEmail, &[email.to_lowercase().as_bytes()])
}

pub(crate) fn alias(alias: &AccountAlias) -> Bytes {
    join(AccountId::NONE, Kind::Alias, &[alias.as_str().as_bytes()])
}

pub(crate) fn access_key_account(id: &AccessKeyId) -> Bytes {
    join(AccountId::NONE, Kind::AccessKeyAccount, &[id.as_str().as_bytes()])
}

/// The outbox of a server, or of the only one.
pub(crate) fn outbox(server: Option<ServerId>) -> Bytes {
    match server {
        Some(ServerId(id)) => join(AccountId::NONE, Kind::ServerOutbox, &[&id]),
        None => join(AccountId::NONE, Kind::Outbox, &[]),
    }
}

pub(crate) fn outbox_counter(server: Option<ServerId>) -> Bytes {
    let id = server.map(|ServerId(id)| id);
    counter(AccountId::NONE, CounterKind::Outbox, id.as_ref().map_or(&[][..], |id| id))
}

pub(crate) fn audit_checkpoint(server: Option<ServerId>) -> Bytes {
    match server {
        Some(ServerId(id)) => join(AccountId::NONE, Kind::ServerAuditCheckpoint, &[&id]),
        None => join(AccountId::NONE, Kind::AuditCheckpoint, &[]),
    }
}

pub(crate) fn service(prefix: &str) -> Bytes {
    join(AccountId::NONE, Kind::Service, &[prefix.as_bytes()])
}

pub(crate) fn service_principal(name: &str) -> Bytes {
    join(AccountId::NONE, Kind::ServicePrincipal, &[name.as_bytes()])
}

/// A setting of an account: a kind without an id.
pub(crate) fn account_setting(account: AccountId, of: Kind) -> Bytes {
    join(account, of, &[])
}

pub(crate) fn token_issuer(issuer: &str) -> Bytes {
    join(AccountId::NONE, Kind::TokenIssuer, &[issuer.as_bytes()])
}

pub(crate) fn oidc_provider(account: AccountId, url: &str) -> Bytes {
    join(account, Kind::OidcProvider, &[url.as_bytes()])
}

/// The record of the identity provider with this resource in its ARN, as in `saml-provider/NAME`.
pub(crate) fn provider(account: AccountId, resource: &str) -> Option<Bytes> {
    let (of, name) = match resource.split_once('/')? {
        ("saml-provider", name) => (Kind::SamlProvider, name),
        ("oidc-provider", url) => (Kind::OidcProvider, url),
        _ => return None,
    };
    Some(join(account, of, &[name.as_bytes()]))
}

pub(crate) fn saml_metadata(account: AccountId, uuid: &str, number: u32) -> Bytes {
    join(account, Kind::SamlMetadata, &[uuid.as_bytes(), &number.to_be_bytes()])
}

/// The use of what may be used once, ordered by the time when it expires.
pub(crate) fn single_use(of: Kind, micros: u64, digest: &[u8; 32]) -> Bytes {
    join(AccountId::NONE, of, &[&micros.to_be_bytes(), digest])
}

pub(crate) fn resource(account: AccountId, arn: &str) -> Bytes {
    join(account, Kind::Resource, &[arn.as_bytes()])
}

pub(crate) fn user_group(account: AccountId, user: &UniqueId, group: &UniqueId) -> Bytes {
    join(account, Kind::UserGroup, &[user.as_bytes(), group.as_bytes()])
}

pub(crate) fn user_groups(account: AccountId, user: &UniqueId) -> Bytes {
    join(account, Kind::UserGroup, &[user.as_bytes()])
}

pub(crate) fn group_member(account: AccountId, group: &UniqueId, user_name: &str) -> Bytes {
    join(account, Kind::GroupMember, &[group.as_bytes(), user_name.as_bytes()])
}

pub(crate) fn role_last_used(account: AccountId, role: &UniqueId) -> Bytes {
    join(account, Kind::RoleLastUsed, &[role.as_bytes()])
}

/// The row that orders an expiring record by time.
pub(crate) fn expiring_time(account: AccountId, of: Kind, micros: u64, id: &str) -> Bytes {
    join(account, of, &[&micros.to_be_bytes(), id.as_bytes()])
}

pub(crate) fn report_chunk(account: AccountId, number: u32) -> Bytes {
    join(account, Kind::ReportChunk, &[&number.to_be_bytes()])
}

pub(crate) fn requested_report(account: AccountId) -> Bytes {
    join(AccountId::NONE, Kind::RequestedReport, &[&account_bytes(account)])
}

pub(crate) fn role_instance_profile(account: AccountId, role: &UniqueId, folded: &str) -> Bytes {
    join(account, Kind::RoleInstanceProfile, &[role.as_bytes(), folded.as_bytes()])
}

pub(crate) fn policy(policy: PolicyRef) -> Bytes {
    join(policy.account, Kind::Policy, &[policy.id.as_bytes()])
}

/// The key of one version of a managed policy.
pub fn policy_version(policy: PolicyRef, version: u32) -> Bytes {
    join(policy.account, Kind::PolicyVersion, &[policy.id.as_bytes(), &version.to_be_bytes()])
}

pub(crate) fn policy_versions(policy: PolicyRef) -> Bytes {
    join(policy.account, Kind::PolicyVersion, &[policy.id.as_bytes()])
}

/// The prefix of a policy's holders in `account`; `parts` narrow it down to a usage, a kind and a name.
pub(crate) fn policy_holder(account: AccountId, policy: PolicyRef, parts: &[&[u8]]) -> Bytes {
    let owner = account_bytes(policy.account);
    let mut all: Vec<&[u8]> = vec![&owner, policy.id.as_bytes()];
    all.extend_from_slice(parts);
    join(account, Kind::PolicyHolder, &all)
}

pub(crate) fn attachment(account: AccountId, identity: &UniqueId, policy: PolicyRef) -> Bytes {
    join(account, Kind::Attachment, &[identity.as_bytes(), &account_bytes(policy.account), policy.id.as_bytes()])
}

pub(crate) fn attachments(account: AccountId, identity: &UniqueId) -> Bytes {
    join(account, Kind::Attachment, &[identity.as_bytes()])
}

pub(crate) fn inline_policy(account: AccountId, identity: &UniqueId, folded: &str) -> Bytes {
    join(account, Kind::InlinePolicy, &[identity.as_bytes(), folded.as_bytes()])
}

pub(crate) fn access_key(account: AccountId, id: &AccessKeyId) -> Bytes {
    join(account, Kind::AccessKey, &[id.as_str().as_bytes()])
}

pub(crate) fn access_key_last_used(account: AccountId, id: &AccessKeyId) -> Bytes {
    join(account, Kind::AccessKeyLastUsed, &[id.as_str().as_bytes()])
}

pub(crate) fn login_profile(account: AccountId, user: &UniqueId) -> Bytes {
    join(account, Kind::LoginProfile, &[user.as_bytes()])
}

/// The keys of an owner.
pub(crate) fn owner_keys(account: AccountId, user: Option<&UniqueId>, id: &str) -> Bytes {
    owned(account, Kind::AccessKeyOwner, user, id)
}

/// A key that begins with its owner. A length byte distinguishes root (length 0) from users.
pub(crate) fn owned(account: AccountId, of: Kind, user: Option<&UniqueId>, id: &str) -> Bytes {
    let owner: &[u8] = user.map_or(&[], |user| user.as_bytes());
    join(account, of, &[&[owner.len() as u8], owner, id.as_bytes()])
}

/// A key that begins with a user, and continues with a part of its own.
pub(crate) fn of_user(account: AccountId, of: Kind, user: &UniqueId, id: &str) -> Bytes {
    join(account, of, &[user.as_bytes(), id.as_bytes()])
}

/// The name of a service-specific credential.
pub(crate) fn service_credential_name(account: AccountId, service: &str, name: &str) -> Bytes {
    let name = name.to_ascii_lowercase();
    join(account, Kind::ServiceCredentialName, &[service.as_bytes(), &[0], name.as_bytes()])
}

/// The virtual MFA device with this path and name.
pub(crate) fn mfa_device(account: AccountId, path_and_name: &str) -> Bytes {
    join(account, Kind::MfaDevice, &[path_and_name.to_ascii_lowercase().as_bytes()])
}

/// One of the rows with failed attempts to sign in.
pub(crate) fn sign_in_attempts(number: u16) -> Bytes {
    join(AccountId::NONE, Kind::SignInAttempts, &[&number.to_be_bytes()])
}

#[cfg(test)]
mod tests;
