//! Unreadable rows: what depends on them is denied.
//!
//! The key of a row determines which identities depend on it. A row that can only grant something is left out; for a
//! row that may deny something, everything is denied to the identities that it may concern.

use std::sync::Arc;

use bailiwick_model::{AccountId, IdKind, UniqueId};
use bailiwick_policy_lang::PolicyKind;
use bailiwick_storage::keys::{self, Kind};
use bailiwick_storage::{PolicyRef, StoreError};
use bytes::Bytes;

use super::SnapshotBuilder;
use super::builder::{MISSING_GROUP, set_inline};
use crate::compile::deny_all;

/// The name of policies that replace an unreadable row. The space keeps it apart from the names of inline policies, one of
/// which could otherwise replace the policy and lift the denial.
const UNREADABLE: &str = "unreadable row";

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
            Kind::Account => {
                let (account, _) = keys::take_account(id)?;
                self.next.accounts.remove(account.number(), |old| old.id == account);
                if self.next.management_account == account {
                    self.next.management_account = AccountId::NONE;
                }
            }
            // So are those of an unknown user or role, and an unknown access key.
            Kind::User | Kind::Role => self.put_entity(&keys::take_id(id)?.0, None),
            Kind::AccessKey => self.put_key(std::str::from_utf8(id).ok()?, None),
            Kind::Group => self.deny_holder(&keys::take_id(id)?.0, MISSING_GROUP),
            // It is unknown whether the user was a member, or whether the identity held the policy.
            Kind::UserGroup | Kind::Attachment => self.deny_holder(&keys::take_id(id)?.0, UNREADABLE),
            Kind::InlinePolicy => {
                let (id, name) = keys::take_id(id)?;
                // The denying policy has the name of the unreadable one, so a later write replaces it.
                self.deny_holder(&id, std::str::from_utf8(name).unwrap_or(UNREADABLE));
            }
            Kind::Policy => {
                let (id, _) = keys::take_id(id)?;
                self.deny_policy(PolicyRef { account, id });
            }
            Kind::PolicyVersion => {
                let (id, version) = keys::take_id(id)?;
                // A policy without its default version denies everything.
                self.put_version(PolicyRef { account, id }, u32::from_be_bytes(version.try_into().ok()?), None);
            }
            Kind::Service => self.next.deny_service(std::str::from_utf8(id).ok()?),
            Kind::Resource => self.next.deny_resource(account, std::str::from_utf8(id).ok()?),
            // The server reads these itself; decisions do not.
            Kind::Meta | Kind::Keyring => {}
            // Indexes, counters and rows that decisions do not depend on.
            _ => {}
        }
        Some(())
    }

    /// Denies everything to a user or role, or to all members of a group, by an inline policy.
    fn deny_holder(&mut self, id: &UniqueId, name: &str) {
        let deny = deny_all(PolicyKind::Identity, name);
        match id.kind() {
            IdKind::Group => self.change_group(id, |policies| set_inline(&mut policies.inline, name, Some(deny))),
            _ => self.change_principal(id, |principal| {
                principal.change_inline(|inline| set_inline(inline, name, Some(deny)))
            }),
        }
    }

    /// Marks a managed policy as missing, which denies everything to its holders.
    fn deny_policy(&mut self, reference: PolicyRef) {
        let slot = self.policy_slot(reference);
        let arn = self.next.managed_at(slot).and_then(|old| old.arn().cloned());
        if let Some(arn) = arn {
            let hash = self.next.hash(arn.as_str());
            self.next.policy_arns.remove(hash, |found| *found == slot);
        }
        let deny = self.next.deny_all[0].clone();
        if let Some(managed) = self.next.policies.get_mut(slot) {
            managed.policy = deny;
            Arc::make_mut(&mut managed.metadata).arn = None;
        }
    }
}
