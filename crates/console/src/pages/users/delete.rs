//! The deletion of a user, with what hangs on the user.

use bailiwick_api::iam::{
    DeactivateMfaDeviceRequest, DeleteAccessKeyRequest, DeleteLoginProfileRequest, DeleteUserRequest,
    ListAccessKeysRequest, ListGroupsForUserRequest, ListMfaDevicesRequest, RemoveUserFromGroupRequest,
};
use bailiwick_api::op;
use bailiwick_model::ErrorCode;

use crate::pages::identity::{Identity, Kind};
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

/// A group may deny what the user's own policies allow, so policies that only allow go before the memberships.
async fn permissions(person: &Person<'_>, name: &str) -> Called<()> {
    let (identity, user_name) = (Identity::new(Kind::User, name), Some(name.to_owned()));
    let [allowing, others] = identity.held(person).await?;
    identity.remove_all(person, allowing).await?;
    let asked = ListGroupsForUserRequest { user_name: user_name.clone(), max_items: Some(1000), ..Default::default() };
    for group in person.call::<op::ListGroupsForUser>(asked).await?.groups {
        let asked = RemoveUserFromGroupRequest { user_name: user_name.clone(), group_name: group.group_name };
        person.call::<op::RemoveUserFromGroup>(asked).await?;
    }
    identity.remove_all(person, others).await
}
