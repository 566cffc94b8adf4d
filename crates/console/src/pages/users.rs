//! Users: the list, and each of them with permissions, groups, credentials and history.

use bailiwick_api::iam::{
    GetUserRequest, Group, ListAccessKeysRequest, ListGroupsForUserRequest, ListMfaDevicesRequest, ListUsersRequest,
    User,
};
use bailiwick_api::op;
use http::StatusCode;

use crate::lists::Listed;
use crate::pages::credentials::Owner;
use crate::pages::identity::{Identity, Kind};
use crate::pages::list::{By, Listing, MoreCells, Noun, Part, compact, seconds};
use crate::pages::{choices, history, list, missing, policy_sections, rows, tag_section};
use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::view::{Cell, Change, DetailPage, Field, Problem, Section};

mod change;
mod create;
mod delete;

/// Answers `/console/users/…`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    match rest {
        "" => list::answer::<Users>(person).await,
        "create" => create::answer(person).await,
        "user" => user(person).await,
        _ => missing(person),
    }
}

/// The users of the account.
struct Users;

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

async fn user(person: &Person<'_>) -> Page {
    let name = person.query().text("name");
    let user = person.call::<op::GetUser>(GetUserRequest { user_name: name.clone() }).await?.user.unwrap_or_default();
    let (arn, shown) = (user.arn.clone().unwrap_or_default(), user.user_name.clone().unwrap_or_default());
    let owner = Owner::user(&shown);
    let error = if person.is_post() {
        match change::answer(person, &shown).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        }
    } else {
        None
    };
    let [attached, inline] = policy_sections(person, &Identity::new(Kind::User, &shown)).await;
    let has_boundary = user.permissions_boundary.is_some();
    let boundary = user.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
    let boundary = boundary.map_or_else(|| Cell::text(None), |arn| Cell::link("policies/policy", "arn", &arn, &arn));
    let facts = person.facts(vec![
        ("ARN", Cell::Code(arn.clone())),
        ("May do", Cell::link("what-can", "principal", &arn, "What they may do")),
        ("Id", Cell::text(user.user_id)),
        ("Path", Cell::text(user.path)),
        ("Created", Cell::Time(person.moment(user.create_date.as_ref()))),
        ("Permissions boundary", boundary),
        ("Password", owner.password(person).await),
        ("Password last used", Cell::Time(person.moment(user.password_last_used.as_ref()))),
    ]);
    let sections = vec![
        groups(person, name.clone()).await,
        attached,
        inline,
        owner.keys(person).await,
        owner.devices(person).await,
        tag_section(person, user.tags),
        Section::new("History", history(person, &arn).await),
    ];
    let page = DetailPage {
        chrome: person.chrome(shown.clone()),
        back: ("/console/users", "Users"),
        problem: error.as_ref().map(Problem::new),
        facts,
        changes: changes(person, &shown),
        sections,
        documents: Vec::new(),
        destroying: destroying(person, &shown, has_boundary),
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

fn changes(person: &Person<'_>, name: &str) -> Vec<Change> {
    let password = vec![
        Field::password("password", "New password", "new-password").required(),
        Field::tick("reset", "The user must choose another one at the next sign-in").with("1"),
    ];
    let boundary = vec![
        Field::line("arn", "ARN of a managed policy", 2048).required().hint("The user can do no more than it allows."),
    ];
    let rename = vec![
        Field::line("new_name", "User name", 64).with(name).required(),
        Field::line("new_path", "New path", 512).hint("Begins and ends with /. Empty: it stays."),
    ];
    vec![
        person.change("Set the password", "set-password", password).about("The user's sign-in sessions end."),
        person.change("Set the permissions boundary", "set-boundary", boundary),
        person.change("Rename or move", "rename", rename).about("The ARN changes; the id and all attachments stay."),
    ]
}

fn destroying(person: &Person<'_>, name: &str, has_boundary: bool) -> Vec<Change> {
    let boundary = person.change("Remove the permissions boundary", "remove-boundary", Vec::new());
    let boundary = boundary.about("The user may then do everything that the policies allow.").destroys(name);
    let password = person.change("Delete the password", "delete-password", Vec::new());
    let password = password.about("The user cannot sign in any more. Access keys stay.").destroys(name);
    let all = person.change("Delete the user", "delete", Vec::new());
    let all = all.about("The user, with memberships, policies, password and access keys, is gone for good.");
    has_boundary.then_some(boundary).into_iter().chain([password, all.destroys(name)]).collect()
}

async fn groups(person: &Person<'_>, user_name: Option<String>) -> Section {
    let asked = ListGroupsForUserRequest { user_name, max_items: Some(1000), ..Default::default() };
    let row = |group: Group| {
        let name = group.group_name.unwrap_or_default();
        vec![
            Cell::link("groups/group", "name", &name, &name),
            Cell::text(group.path),
            Cell::button("Remove", &name, &[("do", "remove-group"), ("group", &name)]),
        ]
    };
    let listed = person.call::<op::ListGroupsForUser>(asked).await.map(|listed| listed.groups);
    let own: Vec<_> = listed.iter().flatten().filter_map(|group| group.group_name.clone()).collect();
    let table = person.table("Groups", &["Group", "Path", "Change"], "The user is in no group.");
    let table = rows(table, listed.map(|groups| groups.into_iter().map(row).collect()));
    let mut others = choices::groups(person).await;
    others.retain(|(name, _)| !own.contains(name));
    let add = vec![Field::any("group", "Groups", others, "No other group that you may list.")];
    Section::new("Groups", table).with(person.change("Add to groups", "add-groups", add))
}
