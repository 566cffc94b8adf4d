//! Groups: the list, and each of them with members, permissions and history.

use bailiwick_api::iam::{GetGroupRequest, Group, ListGroupsRequest, User};
use bailiwick_api::op;
use http::StatusCode;

use crate::lists::Listed;
use crate::pages::identity::{Identity, Kind};
use crate::pages::list::{By, Listing, Noun, Part, compact, seconds};
use crate::pages::{choices, history, list, missing, policy_sections};
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
        "" => list::answer::<Groups>(person).await,
        "create" => create::answer(person).await,
        "group" => group(person).await,
        _ => missing(person),
    }
}

/// The groups of the account.
struct Groups;

impl Noun for Groups {
    const TITLE: &'static str = "Groups";
    const PATH: &'static str = "groups";
    const ABOUT: &'static str = "Users with the same permissions.";
    const EMPTY: &'static str = "No group here.";
    const CREATE: (&'static str, &'static str) = ("/console/groups/create", "Create a group");
    const COLUMNS: &'static [(&'static str, Option<By>)] =
        &[("Group", Some(By::Name)), ("Path", None), ("Created", Some(By::Created))];

    fn read<'a>(person: &'a Person<'a>, Part { path_prefix, marker, max_items, .. }: Part) -> Listing<'a> {
        let item = |group: Group| Listed {
            name: compact(group.group_name),
            path: compact(group.path),
            created: seconds(group.create_date.as_ref()).unwrap_or_default(),
            ..Listed::default()
        };
        let listed = person.call::<op::ListGroups>(ListGroupsRequest { path_prefix, marker, max_items });
        Box::pin(
            async move { listed.await.map(|listed| (listed.groups.into_iter().map(item).collect(), listed.marker)) },
        )
    }

    fn cells(person: &Person<'_>, item: &Listed) -> Vec<Cell> {
        vec![
            Cell::link("groups/group", "name", &item.name, &*item.name),
            Cell::text(item.path.to_string()),
            person.time_cell(Some(item.created)),
        ]
    }
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
