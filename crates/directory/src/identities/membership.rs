//! Who is a member of which group.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::Result;
use bailiwick_operation::{Check, Checked, Cx};
use bailiwick_storage::{Group, Tx, User};

use crate::address::Addressed as _;
use crate::pages::Pages;
use crate::{Directory, view};

/// Makes a user a member of a group; one that is already stays one.
///
/// # Errors
/// `NoSuchEntity` for either; `LimitExceeded` when the user would be in too many groups.
impl Checked<op::AddUserToGroup> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::AddUserToGroupRequest) -> Result<Vec<Check>> {
        Ok(vec![Group::check(cx, tx, &req.group_name, "iam:AddUserToGroup").await?])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::AddUserToGroupRequest) -> Result<pb::AddUserToGroupResponse> {
        let user = User::get(cx, tx, &req.user_name).await?;
        let group = Group::get(cx, tx, &req.group_name).await?;
        tx.add_member(&group, &user).await?;
        Ok(pb::AddUserToGroupResponse {})
    }
}

/// Ends a membership. As in AWS it is no error when there was none.
///
/// # Errors
/// `NoSuchEntity` for either.
impl Checked<op::RemoveUserFromGroup> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::RemoveUserFromGroupRequest) -> Result<Vec<Check>> {
        Ok(vec![Group::check(cx, tx, &req.group_name, "iam:RemoveUserFromGroup").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::RemoveUserFromGroupRequest,
    ) -> Result<pb::RemoveUserFromGroupResponse> {
        let user = User::get(cx, tx, &req.user_name).await?;
        let group = Group::get(cx, tx, &req.group_name).await?;
        tx.remove_member(&group, &user).await?;
        Ok(pb::RemoveUserFromGroupResponse {})
    }
}

/// Lists the groups that a user is in, by name.
///
/// # Errors
/// `NoSuchEntity`.
impl Checked<op::ListGroupsForUser> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::ListGroupsForUserRequest) -> Result<Vec<Check>> {
        Ok(vec![User::check(cx, tx, &req.user_name, "iam:ListGroupsForUser").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::ListGroupsForUserRequest,
    ) -> Result<pb::ListGroupsForUserResponse> {
        let pages = Pages::open(cx, "ListGroupsForUser", &req.marker, req.max_items)?;
        let user = User::get(cx, tx, &req.user_name).await?;
        let page = pages.answer(tx.list_groups_of(&user, pages.after(), pages.limit()).await?)?;
        let groups = page.items.iter().map(|group| view::group(cx.partition(), group)).collect();
        Ok(pb::ListGroupsForUserResponse { groups, is_truncated: page.is_truncated, marker: page.marker })
    }
}

#[cfg(test)]
mod tests;
