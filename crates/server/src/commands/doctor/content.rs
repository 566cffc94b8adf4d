//! Whether the content of rows can be used: policies parse, secrets open, audit records can be read.

use bailiwick_audit::{Record, check_signing_keys, is_checkpoint};
use bailiwick_operation::{PasswordOwner, SecretOwner, SecretPlace};
use bailiwick_policy_lang::{PolicyKind, parse};
use bailiwick_seal::{MasterKey, SealError, Sealer, WrappedKeyring};
use bailiwick_storage::Content;

pub(super) struct ContentCheck {
    pub(super) sealer: Sealer,
    pub(super) master: MasterKey,
}

impl ContentCheck {
    /// Returns the reason why a content cannot be used.
    pub(super) fn check(&self, content: &Content) -> Result<(), String> {
        let sealer = &self.sealer;
        match content {
            Content::Role(role) => {
                policy("trust policy", &role.trust_policy.text, PolicyKind::Trust)?;
                policy("trust policy with unique ids", &role.trust_policy.bound, PolicyKind::Trust)
            }
            Content::PolicyVersion(version) => policy("policy", &version.document, PolicyKind::Identity),
            Content::InlinePolicy(inline) => policy("policy", &inline.document, PolicyKind::Identity),
            Content::Resource(resource) => {
                let Some(found) = &resource.policy else { return Ok(()) };
                policy("policy", &found.text, PolicyKind::Resource)?;
                policy("policy with unique ids", &found.bound, PolicyKind::Resource)
            }
            Content::AccessKey(key) => {
                let owner = SecretOwner { account: key.account, user: key.owner.user(), key: &key.id };
                opened("secret access key", owner.open(sealer, &key.sealed_secret))
            }
            Content::LoginProfile(profile) => {
                let owner = PasswordOwner { account: profile.account, user: Some(&profile.user) };
                opened("password", owner.open(sealer, &profile.sealed_hashes))
            }
            Content::RootPassword(account, password) => {
                let owner = PasswordOwner { account: *account, user: None };
                opened("password", owner.open(sealer, &password.sealed_hash))
            }
            Content::MfaDevice(device) => {
                let id = device.path_and_name();
                let place = SecretPlace::of_mfa_seed(device.account, &id);
                opened("seed", place.open(sealer, &device.sealed_seed))
            }
            Content::ServiceSpecificCredential(credential) => {
                let place = SecretPlace::of_service_credential(credential.account, &credential.user, &credential.id);
                opened("secret", place.open(sealer, &credential.sealed_secret))
            }
            Content::ServerCertificate(certificate) => {
                let place = SecretPlace::of_certificate_key(certificate.account, &certificate.id);
                opened("private key", place.open(sealer, &certificate.sealed_key))
            }
            Content::SamlProvider(provider) => provider.private_keys.iter().try_for_each(|key| {
                let place = SecretPlace::of_saml_key(provider, &key.id);
                opened("private key", place.open(sealer, &key.sealed))
            }),
            Content::TokenSigningKeys(account, keys) => keys.0.iter().try_for_each(|key| {
                let place = SecretPlace::of_token_signing_key(*account, &key.id);
                opened("signing key", place.open(sealer, &key.sealed))
            }),
            Content::Keyring(wrapped) => {
                opened("keyring", WrappedKeyring::from_bytes(wrapped.to_vec()).unwrap_with(&self.master))
            }
            Content::OutboxRow(row) => match Record::decode_row(row) {
                Ok(_) => Ok(()),
                Err(error) => Err(format!("its audit records cannot be read: {error}")),
            },
            Content::AuditCheckpoint(mark) if !is_checkpoint(mark) => {
                Err("it does not say how far the audit trail is written".to_owned())
            }
            Content::AuditSigningKeys(keys) => check_signing_keys(keys, sealer),
            _ => Ok(()),
        }
    }
}

fn policy(what: &str, text: &str, kind: PolicyKind) -> Result<(), String> {
    match parse(text, kind) {
        Ok(_) => Ok(()),
        // The message names elements and positions, not the policy's text.
        Err(error) => Err(format!("its {what} does not compile and denies everything: {error}")),
    }
}

fn opened<T>(what: &str, opened: Result<T, SealError>) -> Result<(), String> {
    opened.map(drop).map_err(|_| format!("its {what} cannot be opened with the keys of this store"))
}
