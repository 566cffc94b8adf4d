//! Sets of kinds, and the kinds whose missing rows every start detects.

use super::{HEADER, Kind};

/// The length of the end that [`end_of_kind`] appends: longer than the binary parts of ids, which alone contain `ff`.
const END: usize = 64;

/// A set of kinds: bit `n % 64` of word `n / 64` is the kind with number `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindSet([u64; 4]);

impl Default for KindSet {
    fn default() -> Self {
        KindSet::DECISIVE
    }
}

impl KindSet {
    /// The decisive kinds of this version: see [`is_decisive`].
    pub const DECISIVE: KindSet = KindSet::of(Kind::ALL, false);

    /// The decisive kinds of stores of layout 2, which did not record their set.
    pub const LAYOUT_2: KindSet = KindSet::of(
        &[
            Kind::Meta,
            Kind::Keyring,
            Kind::Account,
            Kind::Service,
            Kind::User,
            Kind::UserGroup,
            Kind::Group,
            Kind::Role,
            Kind::Policy,
            Kind::PolicyVersion,
            Kind::Attachment,
            Kind::InlinePolicy,
            Kind::AccessKey,
            Kind::Resource,
            Kind::SignInSessions,
            Kind::SessionRevocation,
        ],
        true,
    );

    /// Those of the kinds that are decisive, or `all` of them.
    const fn of(kinds: &[Kind], all: bool) -> KindSet {
        let mut words = [0; 4];
        let mut at = 0;
        while at < kinds.len() {
            if all || decides(kinds[at]) {
                let number = kinds[at] as usize;
                words[number / 64] |= 1 << (number % 64);
            }
            at += 1;
        }
        KindSet(words)
    }

    /// The set as numbers, for the stored form.
    pub fn words(self) -> [u64; 4] {
        self.0
    }

    /// The set of these numbers. Numbers of kinds that this version does not know stay in the set.
    pub fn from_words(words: [u64; 4]) -> Self {
        KindSet(words)
    }

    /// Returns whether a key is of one of these kinds.
    pub fn contains(self, key: &[u8]) -> bool {
        let Some(number) = key.get(HEADER - 1) else { return false };
        self.0[usize::from(number / 64)] >> (number % 64) & 1 == 1
    }
}

/// Returns whether a key is of a decisive kind.
///
/// Every start detects missing rows of these kinds, rows that are out of date, and rows that were added. A missing row of
/// another kind is detected by a check of the whole store.
pub fn is_decisive(key: &[u8]) -> bool {
    KindSet::DECISIVE.contains(key)
}

/// Returns a key after all others of the account and kind of this key, and before those of the next kind.
pub fn end_of_kind(key: &[u8]) -> Vec<u8> {
    let header = key.get(..HEADER).unwrap_or(key);
    [header, &[0xff; END]].concat()
}

/// Only rows that reports are made of are not decisive: without them, or with older ones, no principal is authenticated or allowed
/// anything else.
const fn decides(kind: Kind) -> bool {
    match kind {
        // When something was used.
        Kind::RoleLastUsed | Kind::AccessKeyLastUsed | Kind::ServiceUse => false,
        // Reports, and tasks whose result is shown.
        Kind::CredentialReport
        | Kind::ReportChunk
        | Kind::RequestedReport
        | Kind::AccessJob
        | Kind::AccessJobTime
        | Kind::DeletionTask
        | Kind::DeletionTaskTime => false,
        // What an object still holds: whether a user has an MFA device, whether a role may be deleted.
        Kind::Counter => true,
        // The deployment, its accounts and services.
        Kind::Meta
        | Kind::Keyring
        | Kind::Account
        | Kind::AccountEmail
        | Kind::Alias
        | Kind::AccessKeyAccount
        | Kind::Service
        | Kind::ServicePrincipal => true,
        // Audit records that are not in segments yet, and what proves those that are.
        Kind::Outbox
        | Kind::AuditCheckpoint
        | Kind::AuditSigningKeys
        | Kind::ServerOutbox
        | Kind::ServerAuditCheckpoint => true,
        // Identities and policies. Names and memberships decide whom a change is about.
        Kind::User
        | Kind::UserName
        | Kind::UserGroup
        | Kind::Group
        | Kind::GroupName
        | Kind::GroupMember
        | Kind::Role
        | Kind::RoleName
        | Kind::InstanceProfile
        | Kind::InstanceProfileName
        | Kind::RoleInstanceProfile
        | Kind::Policy
        | Kind::PolicyName
        | Kind::PolicyVersion
        | Kind::PolicyHolder
        | Kind::Attachment
        | Kind::InlinePolicy
        | Kind::Resource => true,
        // Credentials, and what services verify with the help of the server.
        Kind::AccessKey
        | Kind::AccessKeyOwner
        | Kind::LoginProfile
        | Kind::RootPassword
        | Kind::SigningCertificate
        | Kind::SigningCertificateDigest
        | Kind::SshPublicKey
        | Kind::SshPublicKeyDigest
        | Kind::ServiceSpecificCredential
        | Kind::ServiceCredentialName
        | Kind::ServerCertificate
        | Kind::ServerCertificateName => true,
        // Second factors: without its row, a device is not asked for.
        Kind::MfaDevice | Kind::MfaDeviceOwner | Kind::Passkey | Kind::PasskeyCredential => true,
        // Failures that delay further attempts, and what may be used once.
        Kind::MfaFailures
        | Kind::SignInFailures
        | Kind::SignInAttempts
        | Kind::PasskeyChallengeUse
        | Kind::SamlAssertionUse => true,
        // Sessions.
        Kind::SignInSessions | Kind::SessionRevocation => true,
        Kind::DelegationRequest | Kind::DelegationWorkflow | Kind::DelegationTime | Kind::OwnedDelegation => true,
        // Identity providers, and the account as one.
        Kind::OidcProvider | Kind::SamlProvider | Kind::SamlMetadata => true,
        Kind::TokenSigningKeys | Kind::TokenIssuer | Kind::OutboundFederation => true,
        // Settings of accounts.
        Kind::PasswordPolicy
        | Kind::AccountProperties
        | Kind::GlobalTokenVersion
        | Kind::OrganizationFeatures
        | Kind::AccountQuotas
        | Kind::CredentialRules => true,
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_model::AccountId;

    use super::*;
    use crate::keys;

    #[test]
    fn sets_contain_the_keys_of_their_kinds() {
        let key = |kind| keys::record(AccountId::NONE, kind, b"id");
        for (kind, decisive, in_layout_2) in [
            (Kind::User, true, true),
            (Kind::MfaDeviceOwner, true, false),
            (Kind::Passkey, true, false),
            (Kind::PasskeyChallengeUse, true, false),
            (Kind::Outbox, true, false),
            (Kind::Counter, true, false),
            (Kind::ServiceUse, false, false),
        ] {
            assert_eq!(is_decisive(&key(kind)), decisive, "{kind:?}");
            assert_eq!(KindSet::LAYOUT_2.contains(&key(kind)), in_layout_2, "{kind:?}");
        }
        assert!(!is_decisive(b"short"));
        assert!(!is_decisive(&[0xff; 6]), "a kind that does not exist");
        assert_eq!(KindSet::from_words(KindSet::DECISIVE.words()), KindSet::DECISIVE);
    }

    #[test]
    fn the_end_of_a_kind_is_before_the_next_kind() {
        let key = |kind, id: &[u8]| keys::record(AccountId::NONE, kind, id).to_vec();
        let end = end_of_kind(&key(Kind::ServiceUse, b"id"));
        assert!(end > key(Kind::ServiceUse, &[0xff; 32]));
        assert!(end < key(Kind::AccessJob, b""));
    }
}
