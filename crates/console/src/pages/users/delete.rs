//! The deletion of a user, with what hangs on the user.

use bailiwick_api::iam::{
    DeactivateMfaDeviceRequest, DeleteAccessKeyRequest, DeleteLoginProfileRequest, DeleteUserPolicyRequest,
    DeleteUserRequest, DetachUserPolicyRequest, ListAccessKeysRequest, ListAttachedUserPoliciesRequest,
    ListGroupsForUserRequest, ListMfaDevicesRequest, ListUserPoliciesRequest, RemoveUserFromGroupRequest,
};
use bailiwick_api::op;
use bailiwick_model::ErrorCode;

use crate::person::{Page, Person};
use crate::request::Called;

/// Deletes the user. AWS refuses to delete one with memberships, policies or credentials, so those go first; if a step is
/// refused, the rest stays, and the page says what was refused. Credentials that the console does not show, such as SSH
/// keys, are not removed: the deletion is then refused, and names them.
pub(crate) async fn answer(person: &Person<'_>, name: &str) -> Called<Page> {
    person.check_typed(name)?;
    if let Some(page) = person.prove_first() {
        return Ok(page);
    }
    credentials(person, name).await?;
    permissions(person, name).await?;
    person.call::<op::DeleteUser>(DeleteUserRequest { user_name: Some(name.to_owned()) }).await?;
    Ok(person.done("/console/users", format!("The user {name} was deleted.")))
}

/// Credentials go first, so that an interrupted deletion leaves no access.
async fn credentials(person: &Person<'_>, name: &str) -> Called<()> {
    let user_name = Some(name.to_owned());
    match person.call::<op::DeleteLoginProfile>(DeleteLoginProfileRequest { user_name: user_name.clone() }).await {
        Err(error) if error.error.code() != ErrorCode::NoSuchEntity => return Err(error),
        _ => {}
    }
    let asked = ListAccessKeysRequest { user_name: user_name.clone(), ..Default::default() };
    for key in person.call::<op::ListAccessKeys>(asked).await?.access_key_metadata {
        let asked = DeleteAccessKeyRequest { user_name: user_name.clone(), access_key_id: key.access_key_id };
        person.call::<op::DeleteAccessKey>(asked).await?;
    }
    let asked = ListMfaDevicesRequest { user_name: user_name.clone(), ..Default::default() };
    for device in person.call::<op::ListMFADevices>(asked).await?.mfa_devices {
        let asked = DeactivateMfaDeviceRequest { user_name: user_name.clone(), serial_number: device.serial_number };
        person.call::<op::DeactivateMFADevice>(asked).await?;
    }
    Ok(())
}

async fn permissions(person: &Person<'_>, name: &str) -> Called<()> {
    let user_name = Some(name.to_owned());
    let asked = ListGroupsForUserRequest { user_name: user_name.clone(), max_items: Some(1000), ..Default::default() };
    for group in person.call::<op::ListGroupsForUser>(asked).await?.groups {
        let asked = RemoveUserFromGroupRequest { user_name: user_name.clone(), group_name: group.group_name };
        person.call::<op::RemoveUserFromGroup>(asked).await?;
    }
    let asked =
        ListAttachedUserPoliciesRequest { user_name: user_name.clone(), max_items: Some(1000), ..Default::default() };
    for policy in person.call::<op::ListAttachedUserPolicies>(asked).await?.attached_policies {
        let asked = DetachUserPolicyRequest { user_name: user_name.clone(), policy_arn: policy.policy_arn };
        person.call::<op::DetachUserPolicy>(asked).await?;
    }
    let asked = ListUserPoliciesRequest { user_name: user_name.clone(), max_items: Some(1000), ..Default::default() };
    for policy_name in person.call::<op::ListUserPolicies>(asked).await?.policy_names {
        let asked = DeleteUserPolicyRequest { user_name: user_name.clone(), policy_name: Some(policy_name) };
        person.call::<op::DeleteUserPolicy>(asked).await?;
    }
    Ok(())
}
