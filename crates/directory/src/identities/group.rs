//! Groups.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{GroupName, IdKind, Path, Result};
use bailiwick_operation::{Check, Checked, Cx};
use bailiwick_storage::{Group, Tx};

use crate::address::{Addressed as _, IdentityRecord as _, arn_of, check_stored, new_name};
use crate::pages::Pages;
use crate::request::{path_or_root, required};
use crate::{Directory, view};

/// Creates a group in the caller's account.
///
/// # Errors
/// `EntityAlreadyExists`, `LimitExceeded`.
impl Checked<op::CreateGroup> for Directory {
    async fn checks(&self, cx: &Cx, _: &mut Tx, req: &pb::CreateGroupRequest) -> Result<Vec<Check>> {
        let (name, path) = (GroupName::parse(required(&req.group_name, "groupName")?)?, path_or_root(&req.path)?);
        Ok(vec![Check::new("iam:CreateGroup", &arn_of::<Group>(cx.partition(), cx.account(), &path, &name))])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::CreateGroupRequest) -> Result<pb::CreateGroupResponse> {
        let group = Group {
            account: cx.account(),
            id: cx.new_id(IdKind::Group),
            name: GroupName::parse(required(&req.group_name, "groupName")?)?,
            path: path_or_root(&req.path)?,
            created: cx.date(),
        };
        tx.create(&group).await?;
        Ok(pb::CreateGroupResponse { group: Some(view::group(cx.partition(), &group)) })
    }
}

/// Shows a group with a page of its members, by name.
///
/// # Errors
/// `NoSuchEntity`.
impl Checked<op::GetGroup> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::GetGroupRequest) -> Result<Vec<Check>> {
        Ok(vec![Group::check(cx, tx, &req.group_name, "iam:GetGroup").await?])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::GetGroupRequest) -> Result<pb::GetGroupResponse> {
        let pages = Pages::open(cx, "GetGroup", &req.marker, req.max_items)?;
        let group = Group::get(cx, tx, &req.group_name).await?;
        let page = pages.answer(tx.list_members(&group, pages.after(), pages.limit()).await?)?;
        Ok(pb::GetGroupResponse {
            group: Some(view::group(cx.partition(), &group)),
            users: page.items.iter().map(|user| view::user_summary(cx.partition(), user)).collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

/// Lists the groups of the account by name.
impl Checked<op::ListGroups> for Directory {
    async fn checks(&self, cx: &Cx, _: &mut Tx, _: &pb::ListGroupsRequest) -> Result<Vec<Check>> {
        Ok(vec![Check::without_resource("iam:ListGroups", cx.account())])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::ListGroupsRequest) -> Result<pb::ListGroupsResponse> {
        let pages = Pages::open(cx, "ListGroups", &req.marker, req.max_items)?;
        let prefix = req.path_prefix.as_deref().unwrap_or("/");
        let page = pages.answer(tx.list::<Group>(cx.account(), prefix, pages.after(), pages.limit()).await?)?;
        let groups = page.items.iter().map(|group| view::group(cx.partition(), group)).collect();
        Ok(pb::ListGroupsResponse { groups, is_truncated: page.is_truncated, marker: page.marker })
    }
}

/// Gives a group another name, another path, or both. Its members and policies stay.
///
/// # Errors
/// `NoSuchEntity`; `EntityAlreadyExists` when the name is another group's.
impl Checked<op::UpdateGroup> for Directory {
    /// Who renames needs the permission on both the old and the new ARN.
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::UpdateGroupRequest) -> Result<Vec<Check>> {
        let mut checks = vec![Group::check(cx, tx, &req.group_name, "iam:UpdateGroup").await?];
        let name = GroupName::parse(required(&req.group_name, "groupName")?)?;
        if let Some(old) = tx.find::<Group>(cx.account(), &name).await? {
            let new = updated(&old, req)?;
            if new.arn(cx.partition()) != old.arn(cx.partition()) {
                checks.push(check_stored(cx, &new, "iam:UpdateGroup"));
            }
        }
        Ok(checks)
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::UpdateGroupRequest) -> Result<pb::UpdateGroupResponse> {
        let old = Group::get(cx, tx, &req.group_name).await?;
        tx.update(&old, &updated(&old, &req)?).await?;
        Ok(pb::UpdateGroupResponse {})
    }
}

/// Deletes a group without members and policies.
///
/// # Errors
/// `NoSuchEntity`; `DeleteConflict` naming what must go first.
impl Checked<op::DeleteGroup> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::DeleteGroupRequest) -> Result<Vec<Check>> {
        Ok(vec![Group::check(cx, tx, &req.group_name, "iam:DeleteGroup").await?])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::DeleteGroupRequest) -> Result<pb::DeleteGroupResponse> {
        let group = Group::get(cx, tx, &req.group_name).await?;
        tx.delete(&group).await?;
        Ok(pb::DeleteGroupResponse {})
    }
}

fn updated(old: &Group, req: &pb::UpdateGroupRequest) -> Result<Group> {
    let mut new = old.clone();
    if let Some(name) = &req.new_group_name {
        new.name = new_name(old, "Group", name)?;
    }
    if let Some(path) = &req.new_path {
        new.path = Path::parse(path)?;
    }
    Ok(new)
}

#[cfg(test)]
mod tests;
