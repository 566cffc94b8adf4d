//! Groups: the list, and each of them with members, permissions and history.

use bailiwick_api::iam::{
    GetGroupRequest, Group, ListAttachedGroupPoliciesRequest, ListGroupPoliciesRequest, ListGroupsRequest, User,
};
use bailiwick_api::op;

use crate::pages::{history, list_page, missing, path_prefix, policy_tables, rows};
use crate::person::{Page, Person};
use crate::view::{Cell, DetailPage, Section};

/// Answers `/console/groups/…`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    match rest {
        "" => list(person).await,
        "group" => group(person).await,
        _ => missing(person),
    }
}

async fn list(person: &Person<'_>) -> Page {
    let asked = ListGroupsRequest {
        path_prefix: path_prefix(person),
        marker: person.query().text("marker"),
        max_items: Some(100),
    };
    let listed = person.call::<op::ListGroups>(asked).await;
    let marker = listed.as_ref().ok().and_then(|listed| listed.marker.clone());
    let row = |group: Group| {
        let name = group.group_name.unwrap_or_default();
        let created = person.moment(group.create_date.as_ref());
        vec![Cell::link("groups/group", "name", &name, &name), Cell::text(group.path), Cell::Time(created)]
    };
    let listed = listed.map(|listed| listed.groups.into_iter().map(row).collect());
    let table = person.table("Groups", &["Group", "Path", "Created"], "No group here.");
    let about = "Users with the same permissions.";
    list_page(person, "Groups", "groups", about, None, rows(table, listed), marker.as_deref())
}

async fn group(person: &Person<'_>) -> Page {
    let name = person.query().text("name");
    // The members of a large group are paged; the marker in the address is that of the members.
    let asked =
        GetGroupRequest { group_name: name.clone(), marker: person.query().text("marker"), max_items: Some(1000) };
    let found = person.call::<op::GetGroup>(asked).await?;
    let group = found.group.unwrap_or_default();
    let arn = group.arn.clone().unwrap_or_default();
    let attached =
        ListAttachedGroupPoliciesRequest { group_name: name.clone(), max_items: Some(1000), ..Default::default() };
    let attached = person.call::<op::ListAttachedGroupPolicies>(attached).await.map(|listed| listed.attached_policies);
    let inline = ListGroupPoliciesRequest { group_name: name.clone(), max_items: Some(1000), ..Default::default() };
    let inline = person.call::<op::ListGroupPolicies>(inline).await.map(|listed| listed.policy_names);
    let [attached, inline] = policy_tables(person, attached, inline);
    let row = |user: User| {
        let name = user.user_name.unwrap_or_default();
        vec![Cell::link("users/user", "name", &name, &name), Cell::text(user.path)]
    };
    let members = found.users.into_iter().map(row).collect();
    let members = person.table("Members", &["User", "Path"], "The group has no member.").rows(Ok(members));
    let name = group.group_name.unwrap_or_default();
    let mut facts = vec![
        ("ARN", Cell::Code(arn.clone())),
        ("Id", Cell::text(group.group_id)),
        ("Path", Cell::text(group.path)),
        ("Created", Cell::Time(person.moment(group.create_date.as_ref()))),
    ];
    if let Some(marker) = found.marker {
        let url = crate::view::url("groups/group", &[("name", &name), ("marker", &marker)]);
        facts.push(("Members", Cell::Link { url, text: "the next 1,000 members".to_owned() }));
    }
    person.page(&DetailPage {
        chrome: person.chrome(name),
        back: ("/console/groups", "Groups"),
        facts: person.facts(facts),
        problem: None,
        changes: Vec::new(),
        sections: vec![
            Section::new("Members", members),
            attached,
            inline,
            Section::new("History", history(person, &arn).await),
        ],
        documents: Vec::new(),
        destroying: Vec::new(),
    })
}
