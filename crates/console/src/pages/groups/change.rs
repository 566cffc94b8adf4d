//! The changes of a group.

use bailiwick_api::iam::{
    AddUserToGroupRequest, DeleteGroupRequest, GetGroupRequest, RemoveUserFromGroupRequest, UpdateGroupRequest,
};
use bailiwick_api::op;

use crate::pages::identity::{Identity, Kind};
use crate::person::{Page, Person};
use crate::request::Called;

/// How many members are read at a time.
const READ: i32 = 1000;

/// Changes the group of that name as the form asks.
pub(crate) async fn answer(person: &Person<'_>, name: &str) -> Called<Page> {
    let form = person.form();
    let identity = Identity::new(Kind::Group, name);
    if let Some(message) = identity.change(person).await? {
        return Ok(person.changed(message));
    }
    let group_name = Some(name.to_owned());
    let message = match person.asked() {
        "add-members" => {
            for user in form.all("user").into_iter().chain(form.text("user_name")) {
                let asked = AddUserToGroupRequest { group_name: group_name.clone(), user_name: Some(user) };
                person.call::<op::AddUserToGroup>(asked).await?;
            }
            "The users were added to the group.".to_owned()
        }
        "remove-member" => {
            let asked = RemoveUserFromGroupRequest { group_name, user_name: form.text("user") };
            person.call::<op::RemoveUserFromGroup>(asked).await?;
            format!("{} was removed from the group.", form.typed("user"))
        }
        "rename" => {
            let (new_group_name, new_path) = (form.text("new_name"), form.text("new_path"));
            let renamed = Identity::new(Kind::Group, new_group_name.as_deref().unwrap_or(name));
            let asked = UpdateGroupRequest { group_name, new_path, new_group_name };
            person.call::<op::UpdateGroup>(asked).await?;
            return Ok(person.done(renamed.url(), "The group was changed."));
        }
        "delete" => return delete(person, &identity).await,
        _ => return Err(person.unknown_change()),
    };
    Ok(person.changed(message))
}

/// Deletes the group. AWS refuses to delete one with members or policies, so those go first: the members, then the
/// policies, which apply to no user any more. If a step is refused, the rest stays, and the page says what was refused.
async fn delete(person: &Person<'_>, identity: &Identity) -> Called<Page> {
    person.check_typed(&identity.name)?;
    let group_name = Some(identity.name.clone());
    loop {
        let asked = GetGroupRequest { group_name: group_name.clone(), max_items: Some(READ), ..Default::default() };
        let users = person.call::<op::GetGroup>(asked).await?.users;
        if users.is_empty() {
            break;
        }
        for user in users {
            let asked = RemoveUserFromGroupRequest { group_name: group_name.clone(), user_name: user.user_name };
            person.call::<op::RemoveUserFromGroup>(asked).await?;
        }
    }
    identity.release(person).await?;
    person.call::<op::DeleteGroup>(DeleteGroupRequest { group_name }).await?;
    Ok(person.done("/console/groups", format!("The group {} was deleted.", identity.name)))
}
