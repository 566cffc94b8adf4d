//! Users.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{Arn, IdKind, Result, UserName};
use bailiwick_operation::{Check, Checked, Cx, Principal};
use bailiwick_storage::{Tx, User};

use crate::address::{Addressed as _, IdentityRecord as _, arn_of, check_stored, new_name};
use crate::pages::Pages;
use crate::policies::boundary;
use crate::request::{path_or_root, required, tags};
use crate::user_or_root::UserOrRoot;
use crate::{Directory, view};

/// Creates a user in the caller's account.
///
/// Names are unique per account without regard to case; the path takes no part in uniqueness.
///
/// # Errors
/// `EntityAlreadyExists`, `LimitExceeded`, `InvalidInput` (tags), `NoSuchEntity` (boundary).
impl Checked<op::CreateUser> for Directory {
    async fn checks(&self, cx: &Cx, _: &mut Tx, req: &pb::CreateUserRequest) -> Result<Vec<Check>> {
        let (name, path) = (UserName::parse(required(&req.user_name, "userName")?)?, path_or_root(&req.path)?);
        let arn = arn_of::<User>(cx.partition(), cx.account(), &path, &name);
        let tags = tags(&req.tags)?;
        let create = Check::new("iam:CreateUser", &arn).boundary(req.permissions_boundary.as_deref());
        let mut checks = vec![create.request_tags(&tags)];
        if !tags.is_empty() {
            checks.push(Check::new("iam:TagUser", &arn).request_tags(&tags));
        }
        Ok(checks)
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::CreateUserRequest) -> Result<pb::CreateUserResponse> {
        let user = User {
            account: cx.account(),
            id: cx.new_id(IdKind::User),
            name: UserName::parse(required(&req.user_name, "userName")?)?,
            path: path_or_root(&req.path)?,
            created: cx.date(),
            tags: tags(&req.tags)?,
            boundary: boundary::of_request(cx, tx, &req.permissions_boundary).await?,
            password_last_used: None,
            sessions_valid_after: None,
        };
        tx.create(&user).await?;
        Ok(pb::CreateUserResponse { user: Some(view::user(cx, tx, &user).await?) })
    }
}

/// Shows a user, or the caller.
///
/// # Errors
/// `NoSuchEntity`; `ValidationError` when no user is named and the caller is none.
impl Checked<op::GetUser> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::GetUserRequest) -> Result<Vec<Check>> {
        Ok(vec![UserOrRoot::check(cx, tx, &req.user_name, "iam:GetUser").await?])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::GetUserRequest) -> Result<pb::GetUserResponse> {
        let user = match UserOrRoot::get(cx, tx, &req.user_name).await? {
            UserOrRoot::User(user) => view::user(cx, tx, &user).await?,
            UserOrRoot::Root => root(cx, tx).await?,
        };
        Ok(pb::GetUserResponse { user: Some(user) })
    }
}

/// Lists the users of the account by name.
impl Checked<op::ListUsers> for Directory {
    async fn checks(&self, cx: &Cx, _: &mut Tx, _: &pb::ListUsersRequest) -> Result<Vec<Check>> {
        Ok(vec![Check::without_resource("iam:ListUsers", cx.account())])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::ListUsersRequest) -> Result<pb::ListUsersResponse> {
        let pages = Pages::open(cx, "ListUsers", &req.marker, req.max_items)?;
        let prefix = req.path_prefix.as_deref().unwrap_or("/");
        let page = pages.answer(tx.list::<User>(cx.account(), prefix, pages.after(), pages.limit()).await?)?;
        let users = page.items.iter().map(|user| view::user_summary(cx.partition(), user)).collect();
        Ok(pb::ListUsersResponse { users, is_truncated: page.is_truncated, marker: page.marker })
    }
}

/// Gives a user another name, another path, or both. His unique id stays, and with it all that he has.
///
/// # Errors
/// `NoSuchEntity`; `EntityAlreadyExists` when the name is another user's.
impl Checked<op::UpdateUser> for Directory {
    /// Who renames needs the permission on both the old and the new ARN.
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::UpdateUserRequest) -> Result<Vec<Check>> {
        let mut checks = vec![User::check(cx, tx, &req.user_name, "iam:UpdateUser").await?];
        let name = UserName::parse(required(&req.user_name, "userName")?)?;
        if let Some(old) = tx.find::<User>(cx.account(), &name).await? {
            let new = updated(&old, req)?;
            if new.arn(cx.partition()) != old.arn(cx.partition()) {
                checks.push(check_stored(cx, &new, "iam:UpdateUser"));
            }
        }
        Ok(checks)
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::UpdateUserRequest) -> Result<pb::UpdateUserResponse> {
        let old = User::get(cx, tx, &req.user_name).await?;
        tx.update(&old, &updated(&old, &req)?).await?;
        Ok(pb::UpdateUserResponse {})
    }
}

/// Deletes a user who has nothing any more.
///
/// # Errors
/// `NoSuchEntity`; `DeleteConflict` naming what must go first.
impl Checked<op::DeleteUser> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::DeleteUserRequest) -> Result<Vec<Check>> {
        Ok(vec![User::check(cx, tx, &req.user_name, "iam:DeleteUser").await?])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::DeleteUserRequest) -> Result<pb::DeleteUserResponse> {
        let user = User::get(cx, tx, &req.user_name).await?;
        tx.delete(&user).await?;
        Ok(pb::DeleteUserResponse {})
    }
}

fn updated(old: &User, req: &pb::UpdateUserRequest) -> Result<User> {
    let mut new = old.clone();
    if let Some(name) = &req.new_user_name {
        new.name = new_name(old, "User", name)?;
    }
    if let Some(path) = &req.new_path {
        new.path = bailiwick_model::Path::parse(path)?;
    }
    Ok(new)
}

/// Root, as the user that it is to GetUser: no name, no path, and the account's id for its own.
async fn root(cx: &Cx, tx: &mut Tx) -> Result<pb::User> {
    let account = cx.account();
    let arn = Principal::Root { account }.arn(cx.partition());
    let created = tx.find_account(account).await?.and_then(|account| view::date(account.created));
    Ok(pb::User {
        user_id: Some(account.to_string()),
        arn: Some(Arn::to_string(&arn)),
        create_date: created,
        ..pb::User::default()
    })
}

#[cfg(test)]
mod tests;
