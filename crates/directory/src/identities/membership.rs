//! Memberships of users in groups.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::Result;
use bailiwick_operation::{Cx, Handle, PageRequest, Planned};
use bailiwick_storage::{Group, Tx, User};

use crate::address::Target;
use crate::{Directory, view};

/// A user and a group.
pub struct Membership {
    user: Target<User>,
    group: Target<Group>,
}

impl Membership {
    /// Plans a change of a membership. The check is on the group.
    async fn plan(
        cx: &Cx,
        tx: &mut Tx,
        user: &Option<String>,
        group: &Option<String>,
        action: &'static str,
    ) -> Result<Planned<Self>> {
        let (group, user) = (Target::look_up(cx, tx, group).await?, Target::look_up(cx, tx, user).await?);
        let membership = Membership { user, group };
        let check = membership.group.check(cx, action);
        Ok(Planned::new(membership).check(check))
    }

    /// # Errors
    /// `NoSuchEntity` for either.
    fn get(self) -> Result<(User, Group)> {
        Ok((self.user.get()?, self.group.get()?))
    }
}

/// Makes a user a member of a group. Has no effect on a member.
///
/// # Errors
/// `NoSuchEntity` for either; `LimitExceeded` if the user would be in too many groups.
impl Handle<op::AddUserToGroup> for Directory {
    type Plan = Membership;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::AddUserToGroupRequest) -> Result<Planned<Membership>> {
        Membership::plan(cx, tx, &req.user_name, &req.group_name, "iam:AddUserToGroup").await
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, plan: Membership) -> Result<pb::AddUserToGroupResponse> {
        let (user, group) = plan.get()?;
        tx.add_member(&group, &user).await?;
        Ok(pb::AddUserToGroupResponse {})
    }
}

/// Ends a membership. As in AWS it is not an error if there was none.
///
/// # Errors
/// `NoSuchEntity` for either.
impl Handle<op::RemoveUserFromGroup> for Directory {
    type Plan = Membership;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::RemoveUserFromGroupRequest) -> Result<Planned<Membership>> {
        Membership::plan(cx, tx, &req.user_name, &req.group_name, "iam:RemoveUserFromGroup").await
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, plan: Membership) -> Result<pb::RemoveUserFromGroupResponse> {
        let (user, group) = plan.get()?;
        tx.remove_member(&group, &user).await?;
        Ok(pb::RemoveUserFromGroupResponse {})
    }
}

/// Lists the groups that a user is in, by name.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::ListGroupsForUser> for Directory {
    type Plan = (Target<User>, PageRequest);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::ListGroupsForUserRequest) -> Result<Planned<Self::Plan>> {
        Ok(Target::plan(cx, tx, &req.user_name, "iam:ListGroupsForUser")
            .await?
            .with(PageRequest::new(req.marker, req.max_items)))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (user, page): Self::Plan) -> Result<pb::ListGroupsForUserResponse> {
        let pages = page.open(cx, "ListGroupsForUser")?;
        let page = pages.answer(tx.list_groups_of(&user.get()?, pages.after(), pages.limit()).await?)?;
        let groups = page.items.iter().map(|group| view::group(cx.partition(), group)).collect();
        Ok(pb::ListGroupsForUserResponse { groups, is_truncated: page.is_truncated, marker: page.marker })
    }
}

#[cfg(test)]
mod tests;
