//! The changes of a role.

use bailiwick_api::iam::{
    DeleteRolePermissionsBoundaryRequest, DeleteRoleRequest, ListInstanceProfilesForRoleRequest,
    PutRolePermissionsBoundaryRequest, RemoveRoleFromInstanceProfileRequest, Tag, TagRoleRequest, UntagRoleRequest,
    UpdateRoleRequest,
};
use bailiwick_api::op;
use bailiwick_api::signin::RevokeSessionsRequest;

use crate::pages::identity::{Identity, Kind};
use crate::person::{Page, Person};
use crate::request::Called;

/// Changes the role of that name as the form asks.
pub(crate) async fn answer(person: &Person<'_>, name: &str) -> Called<Page> {
    let form = person.form();
    let identity = Identity::new(Kind::Role, name);
    if let Some(message) = identity.change(person).await? {
        return Ok(person.changed(message));
    }
    let role_name = Some(name.to_owned());
    let message = match person.asked() {
        "set-boundary" => {
            let asked = PutRolePermissionsBoundaryRequest { role_name, permissions_boundary: form.text("arn") };
            person.call::<op::PutRolePermissionsBoundary>(asked).await?;
            "The permissions boundary was set."
        }
        "remove-boundary" => {
            person.check_typed(name)?;
            let asked = DeleteRolePermissionsBoundaryRequest { role_name };
            person.call::<op::DeleteRolePermissionsBoundary>(asked).await?;
            "The permissions boundary was removed."
        }
        "describe" => {
            let asked = UpdateRoleRequest {
                role_name,
                description: Some(form.typed("description")),
                max_session_duration: form.number("duration"),
                ..Default::default()
            };
            person.call::<op::UpdateRole>(asked).await?;
            "The role was changed."
        }
        "revoke-sessions" => {
            person.check_typed(name)?;
            let asked = RevokeSessionsRequest { role_name, ..Default::default() };
            person.call::<op::RevokeSessions>(asked).await?;
            "The sessions of the role have ended."
        }
        "add-tag" => {
            let tag = Tag { key: form.text("key"), value: Some(form.typed("value")) };
            person.call::<op::TagRole>(TagRoleRequest { role_name, tags: vec![tag] }).await?;
            "The tag was set."
        }
        "remove-tag" => {
            let tag_keys = form.text("key").into_iter().collect();
            person.call::<op::UntagRole>(UntagRoleRequest { role_name, tag_keys }).await?;
            "The tag was removed."
        }
        "delete" => return delete(person, &identity).await,
        _ => return Err(person.unknown_change()),
    };
    Ok(person.changed(message))
}

/// Deletes the role. AWS refuses to delete one with policies or in an instance profile, so those go first; if a step is
/// refused, the rest stays, and the page says what was refused. The permissions boundary stays until the role is gone.
async fn delete(person: &Person<'_>, identity: &Identity) -> Called<Page> {
    person.check_typed(&identity.name)?;
    let role_name = Some(identity.name.clone());
    let asked = ListInstanceProfilesForRoleRequest {
        role_name: role_name.clone(),
        max_items: Some(1000),
        ..Default::default()
    };
    for profile in person.call::<op::ListInstanceProfilesForRole>(asked).await?.instance_profiles {
        let instance_profile_name = profile.instance_profile_name;
        let asked = RemoveRoleFromInstanceProfileRequest { instance_profile_name, role_name: role_name.clone() };
        person.call::<op::RemoveRoleFromInstanceProfile>(asked).await?;
    }
    identity.release(person).await?;
    person.call::<op::DeleteRole>(DeleteRoleRequest { role_name }).await?;
    Ok(person.done("/console/roles", format!("The role {} was deleted.", identity.name)))
}
