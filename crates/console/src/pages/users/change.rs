//! The changes of a user.

use bailiwick_api::iam::{
    AddUserToGroupRequest, DeleteUserPermissionsBoundaryRequest, PutUserPermissionsBoundaryRequest,
    RemoveUserFromGroupRequest, Tag, TagUserRequest, UntagUserRequest, UpdateUserRequest,
};
use bailiwick_api::op;

use crate::pages::credentials::Owner;
use crate::pages::identity::{Identity, Kind};
use crate::pages::users::delete;
use crate::person::{Page, Person};
use crate::request::Called;
use crate::view::url;

/// Changes the user of that name as the form asks.
pub(crate) async fn answer(person: &Person<'_>, name: &str) -> Called<Page> {
    let form = person.form();
    let user_name = Some(name.to_owned());
    let identity = Identity::new(Kind::User, name);
    if let Some(message) = identity.change(person).await? {
        return Ok(person.changed(message));
    }
    let message = match person.asked() {
        "add-groups" => {
            for group in form.all("group") {
                let asked = AddUserToGroupRequest { group_name: Some(group), user_name: user_name.clone() };
                person.call::<op::AddUserToGroup>(asked).await?;
            }
            "The user was added to the groups.".to_owned()
        }
        "remove-group" => {
            let asked = RemoveUserFromGroupRequest { group_name: form.text("group"), user_name };
            person.call::<op::RemoveUserFromGroup>(asked).await?;
            format!("The user was removed from {}.", form.typed("group"))
        }
        "set-boundary" => {
            let asked = PutUserPermissionsBoundaryRequest { user_name, permissions_boundary: form.text("arn") };
            person.call::<op::PutUserPermissionsBoundary>(asked).await?;
            "The permissions boundary was set.".to_owned()
        }
        "remove-boundary" => {
            person.check_typed(name)?;
            let asked = DeleteUserPermissionsBoundaryRequest { user_name };
            person.call::<op::DeleteUserPermissionsBoundary>(asked).await?;
            "The permissions boundary was removed.".to_owned()
        }
        "add-tag" => {
            let tag = Tag { key: form.text("key"), value: Some(form.typed("value")) };
            person.call::<op::TagUser>(TagUserRequest { user_name, tags: vec![tag] }).await?;
            "The tag was set.".to_owned()
        }
        "remove-tag" => {
            let tag_keys = form.text("key").into_iter().collect();
            person.call::<op::UntagUser>(UntagUserRequest { user_name, tag_keys }).await?;
            "The tag was removed.".to_owned()
        }
        "rename" => return rename(person, user_name).await,
        "delete" => return delete::answer(person, name).await,
        _ => return Owner::user(name).change(person).await,
    };
    Ok(person.changed(message))
}

async fn rename(person: &Person<'_>, user_name: Option<String>) -> Called<Page> {
    let form = person.form();
    let (new_user_name, new_path) = (form.text("new_name"), form.text("new_path"));
    let shown = new_user_name.clone().or(user_name.clone()).unwrap_or_default();
    person.call::<op::UpdateUser>(UpdateUserRequest { user_name, new_path, new_user_name }).await?;
    Ok(person.done(url("users/user", &[("name", &shown)]), "The user was changed."))
}
