//! Users: the list, and each of them with permissions, groups, credentials and history.

use bailiwick_api::iam::{GetUserRequest, Group, ListGroupsForUserRequest, User};
use bailiwick_api::op;

use crate::pages::credentials::Owner;
use crate::pages::identity::{Identity, Kind};
use crate::pages::object::{self, Object, Shown, Tabs};
use crate::pages::{choices, missing, policy_sections, rows, tag_section};
use crate::person::{Page, Person};
use crate::view::{Cell, Change, Field, Section, url};

mod change;
mod create;
mod delete;
mod list;

pub(super) use list::Users;

/// Answers `/console/users/…`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    match rest {
        "" => crate::pages::list::answer::<Users>(person).await,
        "create" => create::answer(person).await,
        "user" => user(person).await,
        _ => missing(person),
    }
}

/// The tabs of the page of a user.
const TABS: Tabs = &[
    ("permissions", "Permissions"),
    ("groups", "Groups"),
    ("credentials", "Credentials"),
    ("boundary", "Boundary"),
    ("tags", "Tags"),
    ("last-used", "Last used"),
    ("history", "History"),
    ("settings", "Settings"),
];

async fn user(person: &Person<'_>) -> Page {
    let asked = GetUserRequest { user_name: person.query().text("name") };
    let user = person.call::<op::GetUser>(asked).await?.user.unwrap_or_default();
    let (arn, name) = (user.arn.clone().unwrap_or_default(), user.user_name.clone().unwrap_or_default());
    let error = match person.is_post() {
        true => match change::answer(person, &name).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        },
        false => None,
    };
    let shown = shown(person, &user, &name, &arn).await;
    let facts = vec![
        ("ARN", Cell::Code(arn.clone())),
        ("Id", Cell::text(user.user_id)),
        ("Path", Cell::text(user.path)),
        ("Created", Cell::Time(person.moment(user.create_date.as_ref()))),
        ("May do", Cell::link("what-can", "principal", &arn, "What they may do")),
    ];
    let object = Object {
        back: ("/console/users", "Users"),
        path: "users/user",
        member: ("name", &name),
        title: &name,
        facts,
        tabs: TABS,
        error,
    };
    object::page(person, object, shown)
}

/// What the tab of the address shows.
async fn shown(person: &Person<'_>, user: &User, name: &str, arn: &str) -> Shown {
    match object::tab(person, TABS) {
        "groups" => Shown::sections([groups(person, name).await]),
        "credentials" => Shown::sections(Owner::user(name).sections(person).await),
        "boundary" => {
            let boundary = user.permissions_boundary.as_ref();
            object::boundary(person, name, boundary.and_then(|own| own.permissions_boundary_arn.clone()))
        }
        "tags" => Shown::sections([tag_section(person, user.tags.clone())]),
        "last-used" => {
            let section = Owner::user(name).last_used(person, user.password_last_used.as_ref()).await;
            let section = section.link(url("last-accessed", &[("arn", arn)]), "Services and actions");
            Shown::sections([section])
        }
        "history" => object::history_tab(person, arn, true).await,
        "settings" => Shown::changes([rename(person, name), delete(person, name)]),
        _ => Shown::sections(policy_sections(person, &Identity::new(Kind::User, name)).await),
    }
}

fn rename(person: &Person<'_>, name: &str) -> Change {
    let fields = vec![
        Field::line("new_name", "User name", 64).with(name).required(),
        Field::line("new_path", "New path", 512).hint("Begins and ends with /. Empty: it stays."),
    ];
    person.change("Rename or move", "rename", fields).about("The ARN changes; the id and all attachments stay.")
}

fn delete(person: &Person<'_>, name: &str) -> Change {
    let delete = person.change("Delete the user", "delete", Vec::new());
    delete.about("The user, with memberships, policies, password and access keys, is gone for good.").destroys(name)
}

async fn groups(person: &Person<'_>, name: &str) -> Section {
    let user_name = Some(name.to_owned());
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
