//! Groups and their members.

use bailiwick_model::{AccountId, GroupName, IamError, Path, Result, UniqueId};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    identity::Identity,
    keys::{self, CounterKind, Kind},
    noun::{FoldedName, Noun, NounSpec},
    tx::{Located, Page, Tx},
    user::User,
};

/// A group of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its account.
    pub account: AccountId,
    /// Its unique id, `AGPA…`.
    pub id: UniqueId,
    /// Its name.
    pub name: GroupName,
    /// The path.
    pub path: Path,
    /// When the group was created.
    pub created: Timestamp,
}

impl Noun for Group {
    type Name = GroupName;
    const SPEC: NounSpec = NounSpec {
        record: Kind::Group,
        names: Kind::GroupName,
        label: "group",
        counter: CounterKind::Groups,
        quota_name: "GroupsPerAccount",
        quota: |quotas| quotas.groups,
        already_exists: |name| IamError::already_exists("Group", name),
    };

    fn account(&self) -> AccountId {
        self.account
    }
    fn id(&self) -> &UniqueId {
        &self.id
    }
    fn name(&self) -> &GroupName {
        &self.name
    }
    fn path(&self) -> &Path {
        &self.path
    }
}

impl AsMessage for Group {
    type Message = pb::Group;
    const NAME: &'static str = "group";

    fn to_message(&self) -> pb::Group {
        pb::Group {
            account: codec::account_number(self.account),
            id: self.id.to_string(),
            name: self.name.to_string(),
            path: self.path.to_string(),
            created: self.created.as_microsecond(),
        }
    }

    fn from_message(message: pb::Group) -> Result<Self, Malformed> {
        Ok(Group {
            account: codec::account(message.account)?,
            id: codec::id(&message.id)?,
            name: GroupName::parse(&message.name)?,
            path: codec::path(&message.path)?,
            created: codec::time(message.created)?,
        })
    }
}

impl Tx {
    /// Adds a user to a group. Does nothing if the user is already a member.
    ///
    /// # Errors
    /// `LimitExceeded` when the user would be in too many groups.
    pub async fn add_member(&mut self, group: &Group, user: &User) -> Result<()> {
        for identity in [Identity::from(group), Identity::from(user)] {
            self.require(identity.key(), || identity.missing()).await?;
        }
        let forward = keys::user_group(user.account, &user.id, &group.id);
        if self.read_key(forward.clone()).await?.is_some() {
            return Ok(());
        }
        let quota = self.quotas_of(user.account).await?.groups_per_user;
        let groups = keys::counter(user.account, CounterKind::GroupsOfUser, user.id.as_bytes());
        self.add_within(groups, 1, quota, || IamError::quota("GroupsPerUser", quota)).await?;
        self.add(keys::counter(group.account, CounterKind::Members, group.id.as_bytes()), 1);
        self.put(forward, Bytes::new());
        self.put(keys::group_member(group.account, &group.id, &user.name.folded()), codec::id_value(&user.id));
        Ok(())
    }

    /// Removes a user from a group; returns whether the user was a member.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn remove_member(&mut self, group: &Group, user: &User) -> Result<bool> {
        let identity = Identity::from(user);
        self.require(identity.key(), || identity.missing()).await?;
        let forward = keys::user_group(user.account, &user.id, &group.id);
        if self.read_key(forward.clone()).await?.is_none() {
            return Ok(false);
        }
        self.add(keys::counter(user.account, CounterKind::GroupsOfUser, user.id.as_bytes()), -1);
        self.add(keys::counter(group.account, CounterKind::Members, group.id.as_bytes()), -1);
        self.delete_key(forward);
        self.delete_key(keys::group_member(group.account, &group.id, &user.name.folded()));
        Ok(true)
    }

    /// The members of a group, by name.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_members(&self, group: &Group, after: Option<&str>, limit: usize) -> Result<Page<User>> {
        let prefix = keys::group_member(group.account, &group.id, "");
        let locate = |_: &[u8], id: &[u8]| Located::At(keys::record(group.account, Kind::User, id));
        self.page(&prefix, after, limit, locate, Some).await
    }

    /// The groups that a user is in, by name.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_groups_of(&self, user: &User, after: Option<&str>, limit: usize) -> Result<Page<Group>> {
        let mut groups = Vec::new();
        for id in self.group_ids_of(user.account, &user.id).await? {
            groups.extend(self.peek::<Group>(&keys::record(user.account, Kind::Group, id.as_bytes())).await?);
        }
        Ok(Page::of_all(groups, after, limit, |group| group.name.folded()))
    }

    pub(crate) async fn group_ids_of(&self, account: AccountId, user: &UniqueId) -> Result<Vec<UniqueId>> {
        let prefix = keys::user_groups(account, user);
        let rows = self.scan(&prefix, None, usize::MAX).await?;
        Ok(rows.iter().filter_map(|(key, _)| Some(keys::take_id(&key[prefix.len()..])?.0)).collect())
    }
}
