//! Unreadable rows: what depends on them is denied.
//!
//! The key of a row determines which identities depend on it. A row that can only grant something is left out; for a
//! row that may deny something, everything is denied to the identities that it may concern.

use bailiwick_model::{AccountId, PolicyRef, Revocation};
use bailiwick_storage::StoreError;
use bailiwick_storage::keys::{self, Kind};
use bytes::Bytes;

use super::SnapshotBuilder;

impl SnapshotBuilder {
    /// Marks the row under a key as unreadable.
    ///
    /// # Errors
    /// If the key does not determine what depends on the row.
    pub(super) fn deny(&mut self, key: &[u8], why: &str) -> Result<(), StoreError> {
        self.damage.report(key, why);
        let about = keys::parse(key).and_then(|(account, kind, id)| self.deny_kind(account, kind, id));
        self.unreadable.insert(Bytes::copy_from_slice(key));
        about.ok_or_else(|| {
            StoreError::Corrupt(format!("{}: the key does not determine what depends on the row", keys::describe(key)))
        })
    }

    fn deny_kind(&mut self, account: AccountId, kind: Kind, id: &[u8]) -> Option<()> {
        match kind {
            // Credentials of an unknown account are invalid.
            Kind::Account => self.view.remove_account(keys::take_account(id)?.0),
            // So are those of an unknown user or role, and an unknown access key.
            Kind::User | Kind::Role => self.view.remove_entity(&keys::take_id(id)?.0),
            Kind::AccessKey => self.view.remove_access_key(std::str::from_utf8(id).ok()?),
            Kind::Group => self.view.deny_group(&keys::take_id(id)?.0),
            // It is unknown whether the user was a member, or whether the identity held the policy.
            Kind::UserGroup | Kind::Attachment => self.view.deny_holder(&keys::take_id(id)?.0),
            Kind::InlinePolicy => {
                let (id, name) = keys::take_id(id)?;
                match std::str::from_utf8(name) {
                    Ok(name) => self.view.deny_inline_policy(&id, name),
                    Err(_) => self.view.deny_holder(&id),
                }
            }
            Kind::Policy => {
                let (id, _) = keys::take_id(id)?;
                self.view.deny_managed_policy(PolicyRef { account, id });
            }
            Kind::PolicyVersion => {
                let (id, version) = keys::take_id(id)?;
                // A policy without its default version denies everything.
                let version = u32::from_be_bytes(version.try_into().ok()?);
                self.view.remove_policy_version(PolicyRef { account, id }, version);
            }
            Kind::Service => self.view.deny_service(std::str::from_utf8(id).ok()?),
            // Sessions that are not in the view are refused.
            Kind::SignInSessions => self.view.set_sign_ins(account, super::take_owner(id)?, Vec::new()),
            // So are those of providers that are not in it.
            Kind::OidcProvider => self.remove_provider(account, "oidc-provider", id)?,
            Kind::SamlProvider => self.remove_provider(account, "saml-provider", id)?,
            // All sessions that the revocation may be about are refused.
            Kind::SessionRevocation => {
                let subject = std::str::from_utf8(id).ok()?;
                self.view.set_session_revocation(account, subject, Some(Revocation::ALL));
            }
            // All keys that may have expired are refused.
            Kind::CredentialRules => id.is_empty().then(|| self.view.deny_keys(account))?,
            Kind::Resource => self.view.deny_resource(account, std::str::from_utf8(id).ok()?),
            // The server reads these itself; decisions do not.
            Kind::Meta | Kind::Keyring => {}
            // Indexes, counters and rows that decisions do not depend on.
            _ => {}
        }
        Some(())
    }

    fn remove_provider(&mut self, account: AccountId, kind: &str, id: &[u8]) -> Option<()> {
        self.view.set_provider(account, &format!("{kind}/{}", std::str::from_utf8(id).ok()?), None);
        Some(())
    }
}
