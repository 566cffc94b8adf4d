//! Instance profiles: containers that hand a role to a machine.

use bailiwick_model::{AccountId, ErrorCode, IamError, InstanceProfileName, KeyCase, Path, Result, Tags, UniqueId};
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, id_value, pb},
    keys::{self, CounterKind, Kind},
    noun::{FoldedName as _, Noun, NounSpec},
    reference::IdentityKind,
    role::Role,
    tx::{Located, Page, Tx},
};

/// How many roles an instance profile has at most. AWS does not raise this quota.
const ROLES: usize = 1;

/// An instance profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceProfile {
    /// Its account.
    pub account: AccountId,
    /// Its unique id, `AIPA…`.
    pub id: UniqueId,
    /// Its name.
    pub name: InstanceProfileName,
    /// The path.
    pub path: Path,
    /// When it was created.
    pub created: Timestamp,
    /// Its tags.
    pub tags: Tags,
    /// The id of the role in it.
    pub role: Option<UniqueId>,
}

impl Tx {
    /// Creates an instance profile without a role.
    ///
    /// # Errors
    /// `EntityAlreadyExists`, `LimitExceeded`.
    pub async fn create_instance_profile(&mut self, new: &InstanceProfile) -> Result<()> {
        self.create_noun(new).await
    }

    /// Replaces the tags of an instance profile that this transaction read.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn retag_instance_profile(&mut self, old: &InstanceProfile, tags: Tags) -> Result<()> {
        self.update_noun(old, &InstanceProfile { tags, ..old.clone() }).await.map(drop)
    }

    /// Adds a role to an instance profile. Both were read by this transaction.
    ///
    /// # Errors
    /// `LimitExceeded` if the profile has a role.
    pub async fn add_role_to_instance_profile(&mut self, old: &InstanceProfile, role: &Role) -> Result<()> {
        if old.role.is_some() {
            return Err(IamError::quota("InstanceSessionsPerInstanceProfile", ROLES));
        }
        // The deletion of the role deletes this key, so it conflicts with this transaction.
        let key = keys::identity(role.account, IdentityKind::Role, &role.id);
        self.require(key, || IamError::no_such("role", &role.name)).await?;
        self.update_noun(old, &InstanceProfile { role: Some(role.id), ..old.clone() }).await?;
        self.put(keys::role_instance_profile(old.account, &role.id, &old.name.folded()), id_value(&old.id));
        self.add(profiles_of(old.account, &role.id), 1);
        Ok(())
    }

    /// Removes the role from an instance profile that this transaction read. Returns whether it was in it.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn remove_role_from_instance_profile(&mut self, old: &InstanceProfile, role: &Role) -> Result<bool> {
        if old.role != Some(role.id) {
            return Ok(false);
        }
        self.update_noun(old, &InstanceProfile { role: None, ..old.clone() }).await?;
        self.delete_key(keys::role_instance_profile(old.account, &role.id, &old.name.folded()));
        self.add(profiles_of(old.account, &role.id), -1);
        Ok(true)
    }

    /// Deletes an instance profile that this transaction read.
    ///
    /// # Errors
    /// `DeleteConflict` if it has a role.
    pub async fn delete_instance_profile(&mut self, profile: &InstanceProfile) -> Result<()> {
        if profile.role.is_some() {
            let message = "Cannot delete entity, must remove roles from instance profile first.";
            return Err(IamError::new(ErrorCode::DeleteConflict, message));
        }
        self.delete_noun(profile).await
    }

    /// Lists the instance profiles that a role is in, by name.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_instance_profiles_of(
        &self,
        role: &Role,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<InstanceProfile>> {
        let prefix = keys::role_instance_profile(role.account, &role.id, "");
        let locate = |_: &[u8], id: &[u8]| Located::At(keys::record(role.account, Kind::InstanceProfile, id));
        self.page(&prefix, after, limit, locate, Some).await
    }
}

fn profiles_of(account: AccountId, role: &UniqueId) -> bytes::Bytes {
    keys::counter(account, CounterKind::InstanceProfilesOfRole, role.as_bytes())
}

impl Noun for InstanceProfile {
    type Name = InstanceProfileName;
    const SPEC: NounSpec = NounSpec {
        record: Kind::InstanceProfile,
        names: Kind::InstanceProfileName,
        label: "instance profile",
        counter: CounterKind::InstanceProfiles,
        quota_name: "InstanceProfilesPerAccount",
        quota: |quotas| quotas.instance_profiles,
        already_exists: |name| {
            IamError::new(ErrorCode::EntityAlreadyExists, format!("Instance Profile {name} already exists."))
        },
    };

    fn account(&self) -> AccountId {
        self.account
    }
    fn id(&self) -> &UniqueId {
        &self.id
    }
    fn name(&self) -> &InstanceProfileName {
        &self.name
    }
    fn path(&self) -> &Path {
        &self.path
    }
}

impl AsMessage for InstanceProfile {
    type Message = pb::InstanceProfile;
    const NAME: &'static str = "instance profile";

    fn to_message(&self) -> pb::InstanceProfile {
        pb::InstanceProfile {
            account: codec::account_number(self.account),
            id: self.id.to_string(),
            name: self.name.to_string(),
            path: self.path.to_string(),
            created: self.created.as_microsecond(),
            tags: codec::tag_messages(&self.tags),
            role: self.role.map(|role| role.to_string()),
        }
    }

    fn from_message(message: pb::InstanceProfile) -> Result<Self, Malformed> {
        Ok(InstanceProfile {
            account: codec::account(message.account)?,
            id: codec::id(&message.id)?,
            name: InstanceProfileName::parse(&message.name)?,
            path: codec::path(&message.path)?,
            created: codec::time(message.created)?,
            tags: codec::tags(KeyCase::Sensitive, &message.tags)?,
            role: message.role.map(|role| codec::id(&role)).transpose()?,
        })
    }
}
