//! Groups: the list, and each of them with members, permissions and history.

use bailiwick_api::iam::{GetGroupRequest, Group, ListGroupsRequest, User};
use bailiwick_api::op;
use http::StatusCode;

use crate::pages::identity::{Identity, Kind};
use crate::pages::search::Search;
use crate::pages::{choices, history, list_page, missing, policy_sections, rows};
use crate::person::{Page, Person};
use crate::request::CallError;
use crate::view::{Cell, DetailPage, Field, Problem, Section, url};

mod change;
mod create;

/// How many members a page shows. The marker in the address of a page is that of the members.
const MEMBERS: i32 = 1000;

/// Answers `/console/groups/…`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    match rest {
        "" => list(person).await,
        "create" => create::answer(person).await,
        "group" => group(person).await,
        _ => missing(person),
    }
}

async fn list(person: &Person<'_>) -> Page {
    let search = Search::of(person);
    let listed = search
        .page(
            person,
            |item: &Group| item.group_name.as_ref(),
            |marker, max_items| {
                let asked = ListGroupsRequest { path_prefix: search.path_prefix.clone(), marker, max_items };
                let listed = person.call::<op::ListGroups>(asked);
                Box::pin(async move { listed.await.map(|listed| (listed.groups, listed.marker)) })
            },
        )
        .await;
    let marker = listed.as_ref().ok().and_then(|(_, marker)| marker.clone());
    let row = |group: Group| {
        let name = group.group_name.unwrap_or_default();
        let created = person.moment(group.create_date.as_ref());
        vec![Cell::link("groups/group", "name", &name, &name), Cell::text(group.path), Cell::Time(created)]
    };
    let listed = listed.map(|(items, _)| items.into_iter().map(row).collect());
    let table = person.table("Groups", &["Group", "Path", "Created"], "No group here.");
    let about = "Users with the same permissions.";
    let create = Some(("/console/groups/create", "Create a group"));
    list_page(person, "Groups", "groups", about, create, rows(table, listed), marker.as_deref())
}

async fn group(person: &Person<'_>) -> Page {
    let asked = GetGroupRequest {
        group_name: person.query().text("name"),
        marker: person.query().text("marker"),
        max_items: Some(MEMBERS),
    };
    let found = person.call::<op::GetGroup>(asked).await?;
    let group = found.group.unwrap_or_default();
    let (arn, name) = (group.arn.clone().unwrap_or_default(), group.group_name.clone().unwrap_or_default());
    let error = if person.is_post() {
        match change::answer(person, &name).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        }
    } else {
        None
    };
    let [attached, inline] = policy_sections(person, &Identity::new(Kind::Group, &name)).await;
    let members = members(person, found.users).await;
    let mut facts = vec![
        ("ARN", Cell::Code(arn.clone())),
        ("Id", Cell::text(group.group_id)),
        ("Path", Cell::text(group.path)),
        ("Created", Cell::Time(person.moment(group.create_date.as_ref()))),
    ];
    if let Some(marker) = found.marker {
        let url = url("groups/group", &[("name", &name), ("marker", &marker)]);
        facts.push(("Members", Cell::Link { url, text: "the next 1,000 members".to_owned() }));
    }
    let rename = vec![
        Field::line("new_name", "Group name", 128).with(name.as_str()).required(),
        Field::line("new_path", "New path", 512).hint("Begins and ends with /. Empty: it stays."),
    ];
    let rename = person.change("Rename or move", "rename", rename);
    let delete = person.change("Delete the group", "delete", Vec::new());
    let delete =
        delete.about("Its members lose the permissions of the group. The users stay; the inline policies do not.");
    let page = DetailPage {
        chrome: person.chrome(name.clone()),
        back: ("/console/groups", "Groups"),
        problem: error.as_ref().map(Problem::new),
        facts: person.facts(facts),
        changes: vec![rename.about("The ARN changes; the id, the members and all policies stay.")],
        sections: vec![members, attached, inline, Section::new("History", history(person, &arn).await)],
        documents: Vec::new(),
        destroying: vec![delete.destroys(&name)],
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

async fn members(person: &Person<'_>, users: Vec<User>) -> Section {
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
    Section::new("Members", table).with(person.change("Add members", "add-members", fields))
}
