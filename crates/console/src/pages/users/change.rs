//! The changes of a user.

use bailiwick_api::iam::{
    AddUserToGroupRequest, AttachUserPolicyRequest, CreateAccessKeyRequest, CreateLoginProfileRequest,
    DeactivateMfaDeviceRequest, DeleteAccessKeyRequest, DeleteLoginProfileRequest,
    DeleteUserPermissionsBoundaryRequest, DetachUserPolicyRequest, GetLoginProfileRequest,
    PutUserPermissionsBoundaryRequest, RemoveUserFromGroupRequest, Tag, TagUserRequest, UntagUserRequest,
    UpdateAccessKeyRequest, UpdateLoginProfileRequest, UpdateUserRequest,
};
use bailiwick_api::op;
use bailiwick_model::ErrorCode;

use crate::pages::choices;
use crate::pages::users::delete;
use crate::person::{Page, Person};
use crate::request::Called;
use crate::view::{SecretPage, url};

/// Changes the user of that name as the form asks.
pub(crate) async fn answer(person: &Person<'_>, name: &str) -> Called<Page> {
    let form = person.form();
    let user_name = Some(name.to_owned());
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
        "attach-policies" => {
            for arn in choices::chosen_policies(person) {
                let asked = AttachUserPolicyRequest { user_name: user_name.clone(), policy_arn: Some(arn) };
                person.call::<op::AttachUserPolicy>(asked).await?;
            }
            "The policies were attached.".to_owned()
        }
        "detach-policy" => {
            let asked = DetachUserPolicyRequest { user_name, policy_arn: form.text("arn") };
            person.call::<op::DetachUserPolicy>(asked).await?;
            format!("{} was detached.", form.typed("arn"))
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
        _ => return credentials(person, name).await,
    };
    Ok(person.done(url("users/user", &[("name", name)]), message))
}

async fn rename(person: &Person<'_>, user_name: Option<String>) -> Called<Page> {
    let form = person.form();
    let (new_user_name, new_path) = (form.text("new_name"), form.text("new_path"));
    let shown = new_user_name.clone().or(user_name.clone()).unwrap_or_default();
    person.call::<op::UpdateUser>(UpdateUserRequest { user_name, new_path, new_user_name }).await?;
    Ok(person.done(url("users/user", &[("name", &shown)]), "The user was changed."))
}

/// Changes of credentials begin with the person's own password.
async fn credentials(person: &Person<'_>, name: &str) -> Called<Page> {
    if let Some(page) = person.prove_first() {
        return Ok(page);
    }
    let form = person.form();
    let user_name = Some(name.to_owned());
    let message = match person.asked() {
        "create-key" => return create_key(person, name).await,
        "set-key-status" => {
            let (access_key_id, status) = (form.text("key"), form.text("status"));
            person.call::<op::UpdateAccessKey>(UpdateAccessKeyRequest { user_name, access_key_id, status }).await?;
            format!("The access key {} is {} now.", form.typed("key"), form.typed("status").to_lowercase())
        }
        "delete-key" => {
            let access_key_id = form.text("key");
            person.call::<op::DeleteAccessKey>(DeleteAccessKeyRequest { user_name, access_key_id }).await?;
            format!("The access key {} was deleted.", form.typed("key"))
        }
        "set-password" => {
            set_password(person, user_name).await?;
            "The password was set. The user's sign-in sessions have ended.".to_owned()
        }
        "delete-password" => {
            person.check_typed(name)?;
            person.call::<op::DeleteLoginProfile>(DeleteLoginProfileRequest { user_name }).await?;
            "The password was deleted.".to_owned()
        }
        "remove-device" => {
            let serial_number = form.text("serial");
            person.call::<op::DeactivateMFADevice>(DeactivateMfaDeviceRequest { user_name, serial_number }).await?;
            format!("The MFA device {} was deactivated.", form.typed("serial"))
        }
        _ => return Err(person.unknown_change()),
    };
    Ok(person.done(url("users/user", &[("name", name)]), message))
}

async fn set_password(person: &Person<'_>, user_name: Option<String>) -> Called<()> {
    let form = person.form();
    let password = Some(form.raw("password").to_owned());
    let password_reset_required = Some(form.is_set("reset"));
    match person.call::<op::GetLoginProfile>(GetLoginProfileRequest { user_name: user_name.clone() }).await {
        Err(error) if error.error.code() == ErrorCode::NoSuchEntity => {
            let asked =
                CreateLoginProfileRequest { user_name, password, password_reset_required, ..Default::default() };
            person.call::<op::CreateLoginProfile>(asked).await.map(drop)
        }
        _ => {
            let asked =
                UpdateLoginProfileRequest { user_name, password, password_reset_required, ..Default::default() };
            person.call::<op::UpdateLoginProfile>(asked).await.map(drop)
        }
    }
}

async fn create_key(person: &Person<'_>, name: &str) -> Called<Page> {
    let asked = CreateAccessKeyRequest { user_name: Some(name.to_owned()) };
    let key = person.call::<op::CreateAccessKey>(asked).await?.access_key.unwrap_or_default();
    let (id, secret) = (key.access_key_id.unwrap_or_default(), key.secret_access_key.unwrap_or_default());
    let file = format!("Access key ID,Secret access key\n{id},{secret}\n");
    Ok(person.page(&SecretPage {
        chrome: person.chrome("New access key"),
        back: (url("users/user", &[("name", name)]), "Done: the secret access key is saved".to_owned()),
        about: "The secret access key is shown this once. Copy it or save it now.".to_owned(),
        values: vec![("Access key id", id.clone()), ("Secret access key", secret)],
        file: (format!("{id}.csv"), file),
        picture: None,
    }))
}
