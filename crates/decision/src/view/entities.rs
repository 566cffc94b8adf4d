//! Accounts, users, roles, groups and access keys, with the properties that decisions need.

use std::sync::LazyLock;

use bailiwick_evaluator::Policy;
use bailiwick_model::{AccessKeyId, AccountId, AccountState, Arn, Partition, Path, Tags, UniqueId};
use bytes::Bytes;
use jiff::Timestamp;
use smallvec::SmallVec;

/// The index of a managed policy or group in the view. Indexes are never reused.
pub(super) type Slot = u32;
/// Inline policies; most identities have at most one.
pub(super) type Inline = SmallVec<[Policy; 1]>;
pub(super) type Slots = SmallVec<[Slot; 8]>;

/// An account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The state, which determines whether credentials of the account are valid.
    pub state: AccountState,
    /// Whether this is the management account.
    pub management: bool,
    /// Sessions issued before this time are revoked.
    pub sessions_valid_after: Option<Timestamp>,
}

impl Account {
    /// Returns whether credentials of the account are valid.
    pub fn is_active(&self) -> bool {
        self.state == AccountState::Active
    }
}

/// A user or a role.
#[derive(Clone, Debug)]
pub struct Entity {
    /// The unique id.
    pub id: UniqueId,
    /// The account that it is in.
    pub account: AccountId,
    /// The name, with the case that it was created with.
    pub name: Box<str>,
    /// None if nothing in it is set, as for most users: a million of them take less memory.
    properties: Option<Box<Properties>>,
}

/// The properties that most users do not have.
#[derive(Clone, Debug, Default)]
pub(super) struct Properties {
    /// The properties of a role; `None` for a user.
    pub(super) role: Option<Box<Role>>,
    /// Sessions issued before this time are revoked.
    pub(super) sessions_valid_after: Option<Timestamp>,
    pub(super) tags: Tags,
    /// None for `/`, which nearly all have; [`Entity::new`] sets it.
    pub(super) path: Option<Path>,
}

/// The properties that only roles have.
#[derive(Clone, Debug)]
pub struct Role {
    /// The trust policy: which principals can assume the role.
    pub trust: Policy,
    /// The maximum session duration.
    pub max_session_seconds: u32,
    /// The service that the role is linked to.
    pub linked_service: Option<Box<str>>,
}

impl Entity {
    /// The path.
    pub fn path(&self) -> &Path {
        static ROOT: LazyLock<Path> = LazyLock::new(Path::root);
        self.properties().and_then(|properties| properties.path.as_ref()).unwrap_or(&ROOT)
    }

    /// The tags.
    pub fn tags(&self) -> &Tags {
        static NONE: Tags = Tags::new();
        self.properties().map_or(&NONE, |properties| &properties.tags)
    }

    /// The properties of a role; `None` for a user.
    pub fn role(&self) -> Option<&Role> {
        self.properties()?.role.as_deref()
    }

    /// Whether it is a role.
    pub fn is_role(&self) -> bool {
        self.role().is_some()
    }

    /// Sessions issued before this time are revoked.
    pub fn sessions_valid_after(&self) -> Option<Timestamp> {
        self.properties()?.sessions_valid_after
    }

    /// The ARN, with path.
    pub fn arn(&self, partition: Partition) -> Arn {
        let kind = if self.is_role() { "role" } else { "user" };
        Arn::iam(partition, self.account, format_args!("{kind}{}{}", self.path(), self.name))
    }

    fn properties(&self) -> Option<&Properties> {
        self.properties.as_deref()
    }

    pub(super) fn new(account: AccountId, id: UniqueId, name: &str, path: Path, properties: Properties) -> Self {
        let path = (path != Path::root()).then_some(path);
        let Properties { role, sessions_valid_after, tags, .. } = &properties;
        let is_plain = role.is_none() && sessions_valid_after.is_none() && tags.is_empty() && path.is_none();
        let properties = (!is_plain).then(|| Box::new(Properties { path, ..properties }));
        Entity { id, account, name: name.into(), properties }
    }
}

/// A group: its members refer to it, and it to its policies.
#[derive(Clone, Debug)]
pub struct Group {
    /// The account that it is in.
    pub account: AccountId,
    /// The unique id.
    pub id: UniqueId,
    /// The name; empty if the group is missing, which denies everything to its members.
    pub name: Box<str>,
    /// The path.
    pub path: Path,
    pub(super) policies: GroupPolicies,
}

impl Group {
    /// The ARN, with path.
    pub fn arn(&self, partition: Partition) -> Arn {
        Arn::iam(partition, self.account, format_args!("group{}{}", self.path, self.name))
    }
}

/// The policies of a group: inline policies, and the slots of managed ones.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupPolicies {
    pub(super) inline: Inline,
    pub(super) attached: Slots,
}

/// An access key.
#[derive(Clone)]
pub struct AccessKey {
    /// The public half.
    pub id: AccessKeyId,
    /// The account that it is of.
    pub account: AccountId,
    /// The user that it is of; none for the account's root user.
    pub user: Option<UniqueId>,
    /// Whether the key is active.
    pub active: bool,
    /// When the key was created.
    pub created: Timestamp,
    /// The sealed secret access key; empty if the view is made without secrets.
    pub sealed_secret: Bytes,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).field("active", &self.active).finish_non_exhaustive()
    }
}

/// Inserts a slot into a list that does not contain it, or removes it.
pub(super) fn set_slot(slots: &mut Slots, slot: Slot, there: bool) {
    match slots.iter().position(|found| *found == slot) {
        Some(at) if !there => {
            slots.remove(at);
        }
        None if there => slots.push(slot),
        _ => {}
    }
}
