//! Users.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{IdKind, KeyCase, Result, UserName};
use bailiwick_operation::{Check, Cx, Handle, PathPage, Planned};
use bailiwick_storage::{PolicyRef, Tx, User};

use super::rename::{Update, new_name, new_path, plan_rename};
use crate::address::{IdentityRecord as _, Target};
use crate::policies::boundary;
use crate::request::{check_list, path_or_root, required, tags};
use crate::user_or_root::{UserOrCaller, UserOrRoot};
use crate::{Directory, view};

/// A user to create. The boundary is set by `handle`, because only an authorized caller may learn that it is missing.
pub struct NewUser {
    user: User,
    boundary: Result<Option<PolicyRef>>,
}

/// Creates a user in the caller's account.
///
/// Names are unique per account without regard to case; the path takes no part in uniqueness.
///
/// # Errors
/// `EntityAlreadyExists`, `LimitExceeded`, `InvalidInput` (tags), `NoSuchEntity` (boundary).
impl Handle<op::CreateUser> for Directory {
    type Plan = NewUser;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::CreateUserRequest) -> Result<Planned<NewUser>> {
        let user = User {
            account: cx.account(),
            id: cx.new_id(IdKind::User),
            name: UserName::parse(required(&req.user_name, "userName")?)?,
            path: path_or_root(&req.path)?,
            created: cx.date(),
            tags: tags(KeyCase::Insensitive, &req.tags)?,
            boundary: None,
            password_last_used: None,
            sessions_valid_after: None,
        };
        let arn = user.arn(cx.partition());
        let create =
            Check::new("iam:CreateUser", &arn).boundary(req.permissions_boundary.as_deref()).request_tags(&user.tags);
        let tag = Check::new("iam:TagUser", &arn).request_tags(&user.tags);
        let has_tags = !user.tags.is_empty();
        let boundary = boundary::find(cx, tx, &req.permissions_boundary).await;
        Ok(Planned::new(NewUser { user, boundary }).check(create).check_if(has_tags, tag))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: NewUser) -> Result<pb::CreateUserResponse> {
        let user = User { boundary: plan.boundary?, ..plan.user };
        tx.create(&user).await?;
        Ok(pb::CreateUserResponse { user: Some(view::user(cx, tx, &user).await?) })
    }
}

/// Shows a user, or the caller.
///
/// # Errors
/// `NoSuchEntity`; `ValidationError` if no user is named and the caller is not a user.
impl Handle<op::GetUser> for Directory {
    type Plan = UserOrCaller;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetUserRequest) -> Result<Planned<UserOrCaller>> {
        UserOrCaller::plan(cx, tx, &req.user_name, "iam:GetUser").await
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, user: UserOrCaller) -> Result<pb::GetUserResponse> {
        let user = match user.get()? {
            UserOrRoot::User(user) => view::user(cx, tx, &user).await?,
            UserOrRoot::Root => view::root(cx, tx).await?,
        };
        Ok(pb::GetUserResponse { user: Some(user) })
    }
}

/// Lists the users of the account by name.
impl Handle<op::ListUsers> for Directory {
    type Plan = PathPage;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::ListUsersRequest) -> Result<Planned<PathPage>> {
        let page = PathPage::new(req.path_prefix, req.marker, req.max_items);
        let check = check_list(cx, "iam:ListUsers", "user", &page.prefix);
        Ok(Planned::new(page).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: PathPage) -> Result<pb::ListUsersResponse> {
        let pages = plan.page.open(cx, "ListUsers")?;
        let page = pages.answer(tx.list::<User>(cx.account(), &plan.prefix, pages.after(), pages.limit()).await?)?;
        let users = page.items.iter().map(|user| view::user_summary(cx.partition(), user)).collect();
        Ok(pb::ListUsersResponse { users, is_truncated: page.is_truncated, marker: page.marker })
    }
}

/// Gives a user another name, another path, or both. The unique id stays, and with it everything that the user has.
///
/// # Errors
/// `NoSuchEntity`; `EntityAlreadyExists` if another user has the name.
impl Handle<op::UpdateUser> for Directory {
    type Plan = Update<User>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::UpdateUserRequest) -> Result<Planned<Update<User>>> {
        let user = Target::look_up(cx, tx, &req.user_name).await?;
        Ok(plan_rename(cx, user, "iam:UpdateUser", |old: &User| {
            let (name, path) = (new_name(old, "User", &req.new_user_name)?, new_path(old, &req.new_path)?);
            Ok(User { name, path, ..old.clone() })
        }))
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, update: Update<User>) -> Result<pb::UpdateUserResponse> {
        let (old, new) = update?;
        tx.update(&old, &new).await?;
        Ok(pb::UpdateUserResponse {})
    }
}

/// Deletes a user that has no keys, policies or memberships left.
///
/// # Errors
/// `NoSuchEntity`; `DeleteConflict` naming what must be removed first.
impl Handle<op::DeleteUser> for Directory {
    type Plan = Target<User>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::DeleteUserRequest) -> Result<Planned<Target<User>>> {
        Target::plan(cx, tx, &req.user_name, "iam:DeleteUser").await
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, user: Target<User>) -> Result<pb::DeleteUserResponse> {
        tx.delete(&user.get()?).await?;
        Ok(pb::DeleteUserResponse {})
    }
}

#[cfg(test)]
mod tests;
