//! Groups: the list, and each of them with members, permissions and history.

use bailiwick_api::iam::{GetGroupRequest, User};
use bailiwick_api::op;

use crate::pages::identity::{Identity, Kind};
use crate::pages::object::{self, Object, Shown, Tabs};
use crate::pages::{choices, missing, policy_sections};
use crate::person::{Page, Person};
use crate::view::{Cell, Change, Field, Section, url};

mod change;
mod create;
mod list;

/// How many members a page shows. The marker in the address of a page is that of the members.
const MEMBERS: i32 = 1000;

pub(super) use list::Groups;

/// Answers `/console/groups/…`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    match rest {
        "" => crate::pages::list::answer::<Groups>(person).await,
        "create" => create::answer(person).await,
        "group" => group(person).await,
        _ => missing(person),
    }
}

/// The tabs of the page of a group.
const TABS: Tabs =
    &[("members", "Members"), ("permissions", "Permissions"), ("history", "History"), ("settings", "Settings")];

async fn group(person: &Person<'_>) -> Page {
    let is_members = object::tab(person, TABS) == "members";
    let asked = GetGroupRequest {
        group_name: person.query().text("name"),
        marker: person.query().text("marker").filter(|_| is_members),
        max_items: Some(if is_members { MEMBERS } else { 1 }),
    };
    let found = person.call::<op::GetGroup>(asked).await?;
    let group = found.group.unwrap_or_default();
    let (arn, name) = (group.arn.clone().unwrap_or_default(), group.group_name.clone().unwrap_or_default());
    let error = match person.is_post() {
        true => match change::answer(person, &name).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        },
        false => None,
    };
    let shown = match object::tab(person, TABS) {
        "permissions" => Shown::sections(policy_sections(person, &Identity::new(Kind::Group, &name)).await),
        "history" => object::history_tab(person, &arn, false).await,
        "settings" => Shown::changes([rename(person, &name), delete(person, &name)]),
        _ => Shown::sections([members(person, &name, found.users, found.marker).await]),
    };
    let facts = vec![
        ("ARN", Cell::Code(arn)),
        ("Id", Cell::text(group.group_id)),
        ("Path", Cell::text(group.path)),
        ("Created", Cell::Time(person.moment(group.create_date.as_ref()))),
    ];
    let object = Object {
        back: ("/console/groups", "Groups"),
        path: "groups/group",
        member: ("name", &name),
        title: &name,
        facts,
        tabs: TABS,
        error,
    };
    object::page(person, object, shown)
}

fn rename(person: &Person<'_>, name: &str) -> Change {
    let fields = vec![
        Field::line("new_name", "Group name", 128).with(name).required(),
        Field::line("new_path", "New path", 512).hint("Begins and ends with /. Empty: it stays."),
    ];
    let rename = person.change("Rename or move", "rename", fields);
    rename.about("The ARN changes; the id, the members and all policies stay.")
}

fn delete(person: &Person<'_>, name: &str) -> Change {
    let about = "Its members lose the permissions of the group. The users stay; the inline policies do not.";
    person.change("Delete the group", "delete", Vec::new()).about(about).destroys(name)
}

async fn members(person: &Person<'_>, group: &str, users: Vec<User>, marker: Option<String>) -> Section {
    let own: Vec<_> = users.iter().filter_map(|user| user.user_name.clone()).collect();
    let row = |user: User| {
        let name = user.user_name.unwrap_or_default();
        let remove = Cell::button("Remove", &name, &[("do", "remove-member"), ("user", &name)]);
        vec![Cell::link("users/user", "name", &name, &name), Cell::text(user.path), remove]
    };
    let members = users.into_iter().map(row).collect();
    let table = person.table("Members", &["User", "Path", "Change"], "The group has no member.").rows(Ok(members));
    let mut others = choices::users(person).await;
    others.retain(|(name, _)| !own.contains(name));
    let fields = vec![
        Field::any("user", "Users", others, "No other user that you may list."),
        Field::line("user_name", "Name of another user", 64),
    ];
    let section = Section::new("Members", table).with(person.change("Add members", "add-members", fields));
    match marker {
        Some(marker) => section.link(url("groups/group", &[("name", group), ("marker", &marker)]), "The next 1,000"),
        None => section,
    }
}
