//! The list of users.

use bailiwick_api::iam::{
    ListAccessKeysRequest, ListGroupsForUserRequest, ListMfaDevicesRequest, ListUsersRequest, User,
};
use bailiwick_api::op;

use crate::lists::Listed;
use crate::pages::list::{By, Listing, MoreCells, Noun, Part, compact, seconds};
use crate::person::Person;
use crate::request::Called;
use crate::view::Cell;

/// The users of the account.
pub(in crate::pages) struct Users;

impl Noun for Users {
    const TITLE: &'static str = "Users";
    const PATH: &'static str = "users";
    const ABOUT: &'static str = "People and programs with credentials of their own.";
    const EMPTY: &'static str = "No user here.";
    const CREATE: (&'static str, &'static str) = ("/console/users/create", "Create a user");
    const COLUMNS: &'static [(&'static str, Option<By>)] = &[
        ("User", Some(By::Name)),
        ("Path", None),
        ("Password last used", Some(By::Used)),
        ("Created", Some(By::Created)),
    ];
    const MORE: (&'static str, &'static [&'static str]) =
        ("Show groups, MFA and the age of access keys", &["Groups", "MFA", "Oldest active key"]);

    fn read<'a>(person: &'a Person<'a>, Part { path_prefix, marker, max_items, .. }: Part) -> Listing<'a> {
        let item = |user: User| Listed {
            name: compact(user.user_name),
            path: compact(user.path),
            created: seconds(user.create_date.as_ref()).unwrap_or_default(),
            used: seconds(user.password_last_used.as_ref()),
            ..Listed::default()
        };
        let listed = person.call::<op::ListUsers>(ListUsersRequest { path_prefix, marker, max_items });
        Box::pin(
            async move { listed.await.map(|listed| (listed.users.into_iter().map(item).collect(), listed.marker)) },
        )
    }

    fn cells(person: &Person<'_>, item: &Listed) -> Vec<Cell> {
        vec![
            Cell::link("users/user", "name", &item.name, &*item.name),
            Cell::text(item.path.to_string()),
            person.time_cell(item.used),
            person.time_cell(Some(item.created)),
        ]
    }

    fn more<'a>(person: &'a Person<'a>, name: &'a str) -> MoreCells<'a> {
        Box::pin(more(person, name))
    }
}

/// The groups, MFA and oldest active access key of a user.
async fn more(person: &Person<'_>, name: &str) -> Called<Vec<Cell>> {
    let user_name = Some(name.to_owned());
    let asked = ListGroupsForUserRequest { user_name: user_name.clone(), ..Default::default() };
    let groups = person.call::<op::ListGroupsForUser>(asked).await?.groups;
    let groups: Vec<_> = groups.into_iter().filter_map(|group| group.group_name).collect();
    let asked = ListMfaDevicesRequest { user_name: user_name.clone(), ..Default::default() };
    let has_mfa = !person.call::<op::ListMFADevices>(asked).await?.mfa_devices.is_empty();
    let asked = ListAccessKeysRequest { user_name, ..Default::default() };
    let keys = person.call::<op::ListAccessKeys>(asked).await?.access_key_metadata;
    let active = keys.iter().filter(|key| key.status.as_deref() == Some("Active"));
    let oldest = active.filter_map(|key| seconds(key.create_date.as_ref())).min();
    Ok(vec![
        Cell::text(groups.join(", ")),
        if has_mfa { Cell::badge("good", "yes") } else { Cell::text("no".to_owned()) },
        oldest.map_or_else(|| Cell::text(None), |created| person.time_cell(Some(created))),
    ])
}
