//! Users, groups and roles by name.

use bailiwick_model::{
    AccountId, Arn, ErrorCode, GroupName, IamError, NameError, Partition, Path, Result, RoleName, Tags, UserName,
};
use bailiwick_operation::{Check, Cx, Planned};
use bailiwick_storage::{Group, IdentityNoun, Role, Tx, User};

use super::{Addressed, Target, policy_arn};
use crate::request::required;

static NO_TAGS: Tags = Tags::new();

/// A user, group or role.
pub trait IdentityRecord: IdentityNoun {
    /// Its type in ARNs and messages: `user`.
    const TYPE: &'static str;
    /// The request member that names it.
    const MEMBER: &'static str;

    /// Parses its name.
    fn parse_name(text: &str) -> Result<Self::Name, NameError>;

    /// Its tags; empty for groups, which cannot have tags.
    fn tags(&self) -> &Tags {
        &NO_TAGS
    }

    /// Checks that callers may change it.
    ///
    /// # Errors
    /// `UnmodifiableEntity` if only the service that it is linked to may change it.
    fn modifiable(&self) -> Result<()> {
        Ok(())
    }

    /// Its ARN.
    fn arn(&self, partition: Partition) -> Arn {
        arn_of::<Self>(partition, self.account(), self.path(), self.name())
    }
}

impl IdentityRecord for User {
    const TYPE: &'static str = "user";
    const MEMBER: &'static str = "userName";

    fn parse_name(text: &str) -> Result<UserName, NameError> {
        UserName::parse(text)
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
}

impl IdentityRecord for Group {
    const TYPE: &'static str = "group";
    const MEMBER: &'static str = "groupName";

    fn parse_name(text: &str) -> Result<GroupName, NameError> {
        GroupName::parse(text)
    }
}

impl IdentityRecord for Role {
    const TYPE: &'static str = "role";
    const MEMBER: &'static str = "roleName";

    fn parse_name(text: &str) -> Result<RoleName, NameError> {
        RoleName::parse(text)
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn modifiable(&self) -> Result<()> {
        match self.linked_service {
            None => Ok(()),
            Some(_) => Err(IamError::new(
                ErrorCode::UnmodifiableEntity,
                format!(
                    "Cannot perform the operation on the protected role '{}' - this role is only modifiable by AWS",
                    self.name
                ),
            )),
        }
    }
}

/// The ARN of a user, group or role with this path and name.
pub(crate) fn arn_of<I: IdentityRecord>(partition: Partition, account: AccountId, path: &Path, name: &I::Name) -> Arn {
    Arn::iam(partition, account, format_args!("{}{path}{name}", I::TYPE))
}

/// The check of an action on a stored user, group or role. A denial displays its type and name.
pub(crate) fn check_stored<I: IdentityRecord>(cx: &Cx, stored: &I, action: &'static str) -> Check {
    let check = Check::new(action, &stored.arn(cx.partition())).resource_tags(stored.tags());
    check.displayed_as(format!("{} {}", I::TYPE, stored.name()))
}

impl<I: IdentityRecord> Addressed for I {
    type Address = I::Name;

    fn parse(_: &Cx, member: &Option<String>) -> Result<I::Name> {
        Ok(I::parse_name(required(member, I::MEMBER)?)?)
    }

    async fn find(cx: &Cx, tx: &mut Tx, name: &I::Name) -> Result<Option<I>> {
        tx.find(cx.account(), name).await
    }

    /// A denial displays the type and the name as sent.
    fn check(cx: &Cx, name: &I::Name, stored: Option<&I>, action: &'static str) -> Check {
        let check = match stored {
            Some(stored) => check_stored(cx, stored, action),
            None => Check::new(action, &arn_of::<I>(cx.partition(), cx.account(), &Path::root(), name)),
        };
        check.displayed_as(format!("{} {name}", I::TYPE))
    }

    fn no_such(name: &I::Name) -> IamError {
        IamError::no_such(I::TYPE, name)
    }
}

impl<I: IdentityRecord> Target<I> {
    /// The ARN that a missing identity of the name would have, which reveals nothing of a stored one.
    pub(crate) fn absent_arn(&self, cx: &Cx) -> Arn {
        arn_of::<I>(cx.partition(), cx.account(), &Path::root(), &self.address)
    }

    /// As [`Target::check`], with the permissions boundary that the identity has.
    pub(crate) async fn check_with_boundary(&self, cx: &Cx, tx: &mut Tx, action: &'static str) -> Result<Check> {
        let boundary = match self.stored.as_ref().and_then(|stored| stored.boundary()) {
            Some(boundary) => policy_arn(cx, tx, boundary).await?,
            None => None,
        };
        Ok(self.check(cx, action).boundary(boundary.as_ref().map(Arn::as_str)))
    }

    /// As [`Target::plan`], with the permissions boundary that the identity has in the check.
    pub(crate) async fn plan_with_boundary(
        cx: &Cx,
        tx: &mut Tx,
        member: &Option<String>,
        action: &'static str,
    ) -> Result<Planned<Self>> {
        let target = Self::look_up(cx, tx, member).await?;
        let check = target.check_with_boundary(cx, tx, action).await?;
        Ok(Planned::new(target).check(check))
    }

    /// The identity that the request changes.
    ///
    /// # Errors
    /// `NoSuchEntity`; `UnmodifiableEntity` if only the service that it is linked to may change it.
    pub(crate) fn get_modifiable(self) -> Result<I> {
        let stored = self.get()?;
        stored.modifiable()?;
        Ok(stored)
    }
}
