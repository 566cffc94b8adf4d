//! Groups.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{GroupName, IdKind, Result};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, PathPage, Planned};
use bailiwick_storage::{Group, Tx};

use super::rename::{Update, new_name, new_path, plan_rename};
use crate::address::{IdentityRecord as _, Target};
use crate::request::{check_list, path_or_root, required};
use crate::{Directory, view};

/// Creates a group in the caller's account.
///
/// # Errors
/// `EntityAlreadyExists`, `LimitExceeded`.
impl Handle<op::CreateGroup> for Directory {
    type Plan = Group;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::CreateGroupRequest) -> Result<Planned<Group>> {
        let group = Group {
            account: cx.account(),
            id: cx.new_id(IdKind::Group),
            name: GroupName::parse(required(&req.group_name, "groupName")?)?,
            path: path_or_root(&req.path)?,
            created: cx.date(),
        };
        let check = Check::new("iam:CreateGroup", &group.arn(cx.partition()));
        Ok(Planned::new(group).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, group: Group) -> Result<pb::CreateGroupResponse> {
        tx.create(&group).await?;
        Ok(pb::CreateGroupResponse { group: Some(view::group(cx.partition(), &group)) })
    }
}

/// Shows a group with a page of its members, by name.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::GetGroup> for Directory {
    type Plan = (Target<Group>, PageRequest);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetGroupRequest) -> Result<Planned<Self::Plan>> {
        Ok(Target::plan(cx, tx, &req.group_name, "iam:GetGroup")
            .await?
            .with(PageRequest::new(req.marker, req.max_items)))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (group, page): Self::Plan) -> Result<pb::GetGroupResponse> {
        let pages = page.open(cx, "GetGroup")?;
        let group = group.get()?;
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
impl Handle<op::ListGroups> for Directory {
    type Plan = PathPage;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::ListGroupsRequest) -> Result<Planned<PathPage>> {
        let page = PathPage::new(req.path_prefix, req.marker, req.max_items);
        let check = check_list(cx, "iam:ListGroups", "group", &page.prefix);
        Ok(Planned::new(page).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: PathPage) -> Result<pb::ListGroupsResponse> {
        let pages = plan.page.open(cx, "ListGroups")?;
        let page = pages.answer(tx.list::<Group>(cx.account(), &plan.prefix, pages.after(), pages.limit()).await?)?;
        let groups = page.items.iter().map(|group| view::group(cx.partition(), group)).collect();
        Ok(pb::ListGroupsResponse { groups, is_truncated: page.is_truncated, marker: page.marker })
    }
}

/// Gives a group another name, another path, or both. Its members and policies stay.
///
/// # Errors
/// `NoSuchEntity`; `EntityAlreadyExists` if another group has the name.
impl Handle<op::UpdateGroup> for Directory {
    type Plan = Update<Group>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::UpdateGroupRequest) -> Result<Planned<Update<Group>>> {
        let group = Target::look_up(cx, tx, &req.group_name).await?;
        Ok(plan_rename(cx, group, "iam:UpdateGroup", |old: &Group| {
            let (name, path) = (new_name(old, "Group", &req.new_group_name)?, new_path(old, &req.new_path)?);
            Ok(Group { name, path, ..old.clone() })
        }))
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, update: Update<Group>) -> Result<pb::UpdateGroupResponse> {
        let (old, new) = update?;
        tx.update(&old, &new).await?;
        Ok(pb::UpdateGroupResponse {})
    }
}

/// Deletes a group that has no members and policies left.
///
/// # Errors
/// `NoSuchEntity`; `DeleteConflict` naming what must be removed first.
impl Handle<op::DeleteGroup> for Directory {
    type Plan = Target<Group>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::DeleteGroupRequest) -> Result<Planned<Target<Group>>> {
        Target::plan(cx, tx, &req.group_name, "iam:DeleteGroup").await
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, group: Target<Group>) -> Result<pb::DeleteGroupResponse> {
        tx.delete(&group.get()?).await?;
        Ok(pb::DeleteGroupResponse {})
    }
}

#[cfg(test)]
mod tests;
