//! Users: the list, and each of them with permissions, groups, credentials and history.

use bailiwick_api::iam::{
    AccessKeyMetadata, GetLoginProfileRequest, GetUserRequest, Group, ListAccessKeysRequest,
    ListAttachedUserPoliciesRequest, ListGroupsForUserRequest, ListMfaDevicesRequest, ListUserPoliciesRequest,
    ListUsersRequest, MfaDevice, User,
};
use bailiwick_api::op;
use bailiwick_model::ErrorCode;

use crate::pages::{history, list_page, missing, path_prefix, policy_tables, rows, tag_table};
use crate::person::{Page, Person};
use crate::view::{Cell, DetailPage, Table};

/// Answers `/console/users/…`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    match rest {
        "" => list(person).await,
        "user" => user(person).await,
        _ => missing(person),
    }
}

async fn list(person: &Person<'_>) -> Page {
    let asked = ListUsersRequest {
        path_prefix: path_prefix(person),
        marker: person.query().text("marker"),
        max_items: Some(100),
    };
    let listed = person.call::<op::ListUsers>(asked).await;
    let marker = listed.as_ref().ok().and_then(|listed| listed.marker.clone());
    let row = |user: User| {
        let name = user.user_name.unwrap_or_default();
        vec![
            Cell::link("users/user", "name", &name, &name),
            Cell::text(user.path),
            Cell::Time(person.moment(user.password_last_used.as_ref())),
            Cell::Time(person.moment(user.create_date.as_ref())),
        ]
    };
    let listed = listed.map(|listed| listed.users.into_iter().map(row).collect());
    let table = person.table("Users", &["User", "Path", "Password last used", "Created"], "No user here.");
    let about = "People and programs with credentials of their own.";
    list_page(person, "Users", "users", about, rows(table, listed), marker.as_deref())
}

async fn user(person: &Person<'_>) -> Page {
    let name = person.query().text("name");
    let user = person.call::<op::GetUser>(GetUserRequest { user_name: name.clone() }).await?.user.unwrap_or_default();
    let arn = user.arn.clone().unwrap_or_default();
    let attached =
        ListAttachedUserPoliciesRequest { user_name: name.clone(), max_items: Some(1000), ..Default::default() };
    let attached = person.call::<op::ListAttachedUserPolicies>(attached).await.map(|listed| listed.attached_policies);
    let inline = ListUserPoliciesRequest { user_name: name.clone(), max_items: Some(1000), ..Default::default() };
    let inline = person.call::<op::ListUserPolicies>(inline).await.map(|listed| listed.policy_names);
    let [attached, inline] = policy_tables(person, attached, inline);
    let boundary = user.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
    let boundary = boundary.map_or_else(|| Cell::text(None), |arn| Cell::link("policies/policy", "arn", &arn, &arn));
    let facts = person.facts(vec![
        ("ARN", Cell::Code(arn.clone())),
        ("Id", Cell::text(user.user_id)),
        ("Path", Cell::text(user.path)),
        ("Created", Cell::Time(person.moment(user.create_date.as_ref()))),
        ("Permissions boundary", boundary),
        ("Password", password(person, name.clone()).await),
        ("Password last used", Cell::Time(person.moment(user.password_last_used.as_ref()))),
    ]);
    let sections = vec![
        ("Groups", groups(person, name.clone()).await),
        attached,
        inline,
        ("Access keys", keys(person, name.clone()).await),
        ("MFA devices", devices(person, name.clone()).await),
        ("Tags", tag_table(person, user.tags)),
        ("History", history(person, &arn).await),
    ];
    person.page(&DetailPage {
        chrome: person.chrome(user.user_name.unwrap_or_default()),
        back: ("/console/users", "Users"),
        facts,
        sections,
        documents: Vec::new(),
    })
}

async fn password(person: &Person<'_>, user_name: Option<String>) -> Cell {
    match person.call::<op::GetLoginProfile>(GetLoginProfileRequest { user_name }).await {
        Ok(answer) if answer.login_profile.as_ref().is_some_and(|own| own.password_reset_required == Some(true)) => {
            Cell::badge("warn", "must be changed at the next sign-in")
        }
        Ok(_) => Cell::badge("good", "set"),
        Err(error) if error.error.code() == ErrorCode::NoSuchEntity => Cell::text("none".to_owned()),
        Err(error) => Cell::text(error.error.message().to_owned()),
    }
}

async fn groups(person: &Person<'_>, user_name: Option<String>) -> Table {
    let asked = ListGroupsForUserRequest { user_name, max_items: Some(1000), ..Default::default() };
    let row = |group: Group| {
        let name = group.group_name.unwrap_or_default();
        vec![Cell::link("groups/group", "name", &name, &name), Cell::text(group.path)]
    };
    let listed = person.call::<op::ListGroupsForUser>(asked).await;
    let table = person.table("Groups", &["Group", "Path"], "The user is in no group.");
    rows(table, listed.map(|listed| listed.groups.into_iter().map(row).collect()))
}

async fn keys(person: &Person<'_>, user_name: Option<String>) -> Table {
    let asked = ListAccessKeysRequest { user_name, ..Default::default() };
    let row = |key: AccessKeyMetadata| {
        let status = key.status.unwrap_or_default();
        let kind = if status == "Active" { "good" } else { "" };
        vec![
            Cell::Code(key.access_key_id.unwrap_or_default()),
            Cell::badge(kind, status),
            Cell::Time(person.moment(key.create_date.as_ref())),
        ]
    };
    let listed = person.call::<op::ListAccessKeys>(asked).await;
    let table = person.table("Access keys", &["Key", "Status", "Created"], "The user has no access key.");
    rows(table, listed.map(|listed| listed.access_key_metadata.into_iter().map(row).collect()))
}

async fn devices(person: &Person<'_>, user_name: Option<String>) -> Table {
    let asked = ListMfaDevicesRequest { user_name, ..Default::default() };
    let row = |device: MfaDevice| {
        let enabled = person.moment(device.enable_date.as_ref());
        vec![Cell::Code(device.serial_number.unwrap_or_default()), Cell::Time(enabled)]
    };
    let listed = person.call::<op::ListMFADevices>(asked).await;
    let table = person.table("MFA devices", &["Serial number", "Enabled"], "The user has no MFA device.");
    rows(table, listed.map(|listed| listed.mfa_devices.into_iter().map(row).collect()))
}
