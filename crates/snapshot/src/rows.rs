//! Applying rows of the store to the view.

use std::collections::HashSet;
use std::sync::Arc;

use bailiwick_decision::{AccessKey, Account, KeyAge, ViewBuilder, change};
use bailiwick_model::{AccountId, Partition, PolicyRef, UniqueId};
use bailiwick_storage::keys::{self, Kind};
use bailiwick_storage::{
    self as storage, ChangeSet, CredentialRules, InlinePolicy, Inspected, KeyOwner, PolicyVersion, Record, Revision,
    SessionRevocation, SignInSession, StoreError,
};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::{Damage, Snapshot};

mod damage;
#[cfg(test)]
mod tests;

/// The kinds of row that the view consists of, in the order in which an account is read.
pub(crate) const KINDS: [Kind; 16] = [
    Kind::User,
    Kind::UserGroup,
    Kind::Group,
    Kind::Role,
    Kind::Policy,
    Kind::PolicyVersion,
    Kind::Attachment,
    Kind::InlinePolicy,
    Kind::AccessKey,
    Kind::Service,
    Kind::Resource,
    Kind::SignInSessions,
    Kind::OidcProvider,
    Kind::SamlProvider,
    Kind::SessionRevocation,
    Kind::CredentialRules,
];

/// The newest state of the view, and the revision of the store that it shows.
pub(crate) struct SnapshotBuilder {
    view: ViewBuilder,
    revision: Revision,
    /// The keys of rows that could not be read.
    unreadable: HashSet<Bytes>,
    damage: Arc<Damage>,
}

impl SnapshotBuilder {
    pub(crate) fn new(partition: Partition, damage: Arc<Damage>) -> Self {
        let (view, revision) = (ViewBuilder::new(partition), Revision::ZERO);
        SnapshotBuilder { view, revision, unreadable: HashSet::new(), damage }
    }

    pub(crate) fn set_revision(&mut self, revision: Revision) {
        self.revision = revision;
    }

    /// Returns the snapshot of what was applied so far; its view has this version.
    pub(crate) fn publish(&mut self, version: u64) -> Snapshot {
        Snapshot { revision: self.revision, view: self.view.publish(version) }
    }

    /// Applies the change set of one commit.
    pub(crate) fn apply_set(&mut self, set: &ChangeSet) -> Result<(), StoreError> {
        // In key order, objects come before references to them.
        let mut changes: Vec<_> = set.changes.iter().collect();
        changes.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        for change in changes {
            self.apply(&change.key, set.revision, change.value.as_ref())?;
        }
        self.revision = set.revision;
        Ok(())
    }

    /// Applies a row as an inspection returned it.
    pub(crate) fn apply_inspected(&mut self, row: &Inspected) -> Result<(), StoreError> {
        match &row.value {
            Some(value) => self.apply(&row.key, row.revision, Some(value)),
            None => self.deny(&row.key, "it is not what was written"),
        }
    }

    /// Applies one row: the revision that changed it, and its new value, or `None` if it was deleted.
    pub(crate) fn apply(&mut self, key: &[u8], revision: Revision, value: Option<&Bytes>) -> Result<(), StoreError> {
        if !self.unreadable.is_empty() && self.unreadable.contains(key) {
            // It is not known what was denied because of this row.
            return Err(StoreError::Corrupt("a damaged row has changed".into()));
        }
        match self.put(key, revision, value) {
            Err(StoreError::Corrupt(why)) if value.is_some() => self.deny(key, &why),
            done => done,
        }
    }

    fn put(&mut self, key: &[u8], revision: Revision, value: Option<&Bytes>) -> Result<(), StoreError> {
        let Some((account, kind, rest)) = keys::parse(key) else {
            return Err(StoreError::Corrupt("a key of an unknown kind".into()));
        };
        let row = Row { account, kind, rest, value };
        match kind {
            Kind::Account => self.put_account(&row),
            Kind::User => self.put_user(&row),
            Kind::Role => self.put_role(&row),
            Kind::Group => self.put_group(&row),
            Kind::UserGroup => self.put_membership(&row),
            Kind::Policy => self.put_policy(&row),
            Kind::PolicyVersion => self.put_version(&row),
            Kind::Attachment => self.put_attachment(&row),
            Kind::InlinePolicy => self.put_inline_policy(&row),
            Kind::AccessKey => self.put_access_key(&row),
            Kind::Service => self.put_service(&row),
            Kind::Resource => self.put_resource(&row),
            Kind::SignInSessions => self.put_sign_in_sessions(&row),
            Kind::OidcProvider => {
                self.put_provider(&row, "oidc-provider", |provider: storage::OidcProvider| provider.created)
            }
            Kind::SamlProvider => {
                self.put_provider(&row, "saml-provider", |provider: storage::SamlProvider| provider.created)
            }
            Kind::SessionRevocation => self.put_session_revocation(&row, revision),
            Kind::CredentialRules => self.put_credential_rules(&row),
            // Indexes, counters and rows that decisions do not depend on.
            _ => Ok(()),
        }
    }

    fn put_provider<R: Record>(
        &mut self,
        row: &Row<'_>,
        kind: &str,
        created: impl FnOnce(R) -> Timestamp,
    ) -> Result<(), StoreError> {
        let name = std::str::from_utf8(row.rest).map_err(|_| row.invalid_key())?;
        let created = row.record::<R>()?.map(created);
        self.view.set_provider(row.account, &format!("{kind}/{name}"), created);
        Ok(())
    }

    fn put_account(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        // Accounts are closed, never removed.
        let Some(account) = row.record::<storage::Account>()? else { return Ok(()) };
        let (named, _) = keys::take_account(row.rest).ok_or_else(|| row.invalid_key())?;
        row.same(account.id, named)?;
        let storage::Account { id, state, management, sessions_valid_after, .. } = account;
        self.view.set_account(Account { id, state, management, sessions_valid_after });
        Ok(())
    }

    fn put_user(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let (id, _) = row.id()?;
        match row.record::<storage::User>()? {
            None => self.view.remove_entity(&id),
            Some(user) => self.view.set_user(change::User {
                account: row.same(user.account, row.account)?,
                id: row.same(user.id, id)?,
                name: user.name,
                path: user.path,
                tags: user.tags,
                boundary: user.boundary,
                sessions_valid_after: user.sessions_valid_after,
            }),
        }
        Ok(())
    }

    fn put_role(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let (id, _) = row.id()?;
        match row.record::<storage::Role>()? {
            None => self.view.remove_entity(&id),
            Some(role) => self.view.set_role(change::Role {
                account: row.same(role.account, row.account)?,
                id: row.same(role.id, id)?,
                name: role.name,
                path: role.path,
                tags: role.tags,
                boundary: role.boundary,
                sessions_valid_after: role.sessions_valid_after,
                trust: change::Document { text: role.trust_policy.text, bound: role.trust_policy.bound },
                max_session_seconds: role.max_session_seconds,
                linked_service: role.linked_service,
            }),
        }
        Ok(())
    }

    fn put_group(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let (id, _) = row.id()?;
        match row.record::<storage::Group>()? {
            None => self.view.remove_group(&id),
            Some(group) => self.view.set_group(change::Group {
                account: row.same(group.account, row.account)?,
                id: row.same(group.id, id)?,
                name: group.name,
                path: group.path,
            }),
        }
        Ok(())
    }

    fn put_membership(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let (user, rest) = row.id()?;
        let (group, _) = keys::take_id(rest).ok_or_else(|| row.invalid_key())?;
        match row.value {
            None => self.view.remove_member(&group, &user),
            Some(_) => self.view.add_member(&group, &user),
        }
        Ok(())
    }

    fn put_policy(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let (reference, _) = row.policy()?;
        match row.record::<storage::Policy>()? {
            None => self.view.remove_managed_policy(reference),
            Some(policy) => self.view.set_managed_policy(change::ManagedPolicy {
                reference: row.same(policy.reference(), reference)?,
                name: policy.name,
                path: policy.path,
                tags: policy.tags,
                default_version: policy.default_version,
            }),
        }
        Ok(())
    }

    fn put_version(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let (reference, rest) = row.policy()?;
        let number = u32::from_be_bytes(rest.try_into().map_err(|_| row.invalid_key())?);
        match row.record::<PolicyVersion>()? {
            None => self.view.remove_policy_version(reference, number),
            Some(version) => {
                row.same((version.policy, version.version), (reference, number))?;
                self.view.set_policy_version(reference, number, version.document);
            }
        }
        Ok(())
    }

    fn put_attachment(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let (holder, rest) = row.id()?;
        let (policy, _) = keys::take_policy(rest).ok_or_else(|| row.invalid_key())?;
        match row.value {
            None => self.view.detach(&holder, policy),
            Some(_) => self.view.attach(&holder, policy),
        }
        Ok(())
    }

    fn put_inline_policy(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let (holder, name) = row.id()?;
        let name = row.text(name)?;
        match row.record::<InlinePolicy>()? {
            None => self.view.remove_inline_policy(&holder, name),
            Some(policy) => {
                row.same(&*policy.name.key(), name)?;
                self.view.set_inline_policy(&holder, &policy.name, &policy.document);
            }
        }
        Ok(())
    }

    fn put_access_key(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let id = row.text(row.rest)?;
        let Some(key) = row.record::<storage::AccessKey>()? else {
            self.view.remove_access_key(id);
            return Ok(());
        };
        row.same((key.account, key.id.as_str()), (row.account, id))?;
        let user = match key.owner {
            KeyOwner::Root => None,
            KeyOwner::User(id) => Some(id),
        };
        let storage::AccessKey { id, account, active, created, sealed_secret, .. } = key;
        self.view.set_access_key(AccessKey { id, account, user, active, created, sealed_secret });
        Ok(())
    }

    fn put_credential_rules(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        if !row.rest.is_empty() {
            return Err(row.invalid_key());
        }
        let rules = row.record::<CredentialRules>()?;
        let age = rules.and_then(|rules| {
            Some(KeyAge {
                account: row.account,
                max_age: SignedDuration::from_hours(24 * i64::from(rules.access_key_max_age_days?)),
                in_force: rules.in_force(),
                exempt_tag: rules.exempt_tag.map(String::into_boxed_str),
                include_root: rules.include_root,
            })
        });
        self.view.set_key_age(row.account, age);
        Ok(())
    }

    fn put_service(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let prefix = row.text(row.rest)?;
        let Some(service) = row.record::<storage::Service>()? else {
            self.view.remove_service(prefix);
            return Ok(());
        };
        row.same(&*service.prefix, prefix)?;
        self.view.set_service(change::Service {
            prefix: service.prefix,
            definition: service.definition,
            principals: service.principals,
            actors: service.actors.iter().map(|actor| actor.id).collect(),
        });
        Ok(())
    }

    fn put_sign_in_sessions(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let user = row.owner()?;
        let sessions = row.value.map(|value| SignInSession::decode_all(value)).transpose()?.unwrap_or_default();
        self.view.set_sign_ins(row.account, user, sessions.into_iter().map(|session| session.id).collect());
        Ok(())
    }

    fn put_session_revocation(&mut self, row: &Row<'_>, revision: Revision) -> Result<(), StoreError> {
        let subject = row.text(row.rest)?;
        let found = row.record::<SessionRevocation>()?.map(|found| found.at(revision));
        self.view.set_session_revocation(row.account, subject, found);
        Ok(())
    }

    fn put_resource(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let arn = row.text(row.rest)?;
        let Some(resource) = row.record::<storage::Resource>()? else {
            self.view.remove_resource(row.account, arn);
            return Ok(());
        };
        row.same((resource.account, &*resource.arn), (row.account, arn))?;
        let policy = resource.policy.map(|policy| change::Document { text: policy.text, bound: policy.bound });
        self.view.set_resource(change::Resource {
            account: resource.account,
            arn: resource.arn,
            policy,
            tags: resource.tags,
        });
        Ok(())
    }
}

/// Reads the owner that a key consists of: a user, or none for root.
fn take_owner(rest: &[u8]) -> Option<Option<UniqueId>> {
    match rest {
        [0] => Some(None),
        [_, id @ ..] => keys::take_id(id).filter(|(_, rest)| rest.is_empty()).map(|(id, _)| Some(id)),
        [] => None,
    }
}

/// A row that changed.
struct Row<'a> {
    account: AccountId,
    kind: Kind,
    /// The key after its kind.
    rest: &'a [u8],
    /// The new value, or `None` if the row was deleted.
    value: Option<&'a Bytes>,
}

impl<'a> Row<'a> {
    fn record<R: Record>(&self) -> Result<Option<R>, StoreError> {
        self.value.map(|value| R::decode(value)).transpose()
    }

    /// Returns the unique id that the key begins with, and what follows.
    fn id(&self) -> Result<(UniqueId, &'a [u8]), StoreError> {
        keys::take_id(self.rest).ok_or_else(|| self.invalid_key())
    }

    /// Returns the user that the key consists of, or none for root.
    fn owner(&self) -> Result<Option<UniqueId>, StoreError> {
        take_owner(self.rest).ok_or_else(|| self.invalid_key())
    }

    /// Returns the managed policy that the key begins with, and what follows.
    fn policy(&self) -> Result<(PolicyRef, &'a [u8]), StoreError> {
        let (id, rest) = self.id()?;
        Ok((PolicyRef { account: self.account, id }, rest))
    }

    fn text(&self, part: &'a [u8]) -> Result<&'a str, StoreError> {
        std::str::from_utf8(part).map_err(|_| self.invalid_key())
    }

    /// Returns what a record says of itself, if its key says the same.
    fn same<T: PartialEq>(&self, record: T, key: T) -> Result<T, StoreError> {
        if record == key {
            Ok(record)
        } else {
            Err(StoreError::Corrupt(format!("a record under the key of another {:?}", self.kind)))
        }
    }

    fn invalid_key(&self) -> StoreError {
        StoreError::Corrupt(format!("an invalid key of kind {:?}", self.kind))
    }
}
