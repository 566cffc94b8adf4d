//! Roles: the list, and each of them with trust, permissions and history.

use bailiwick_api::iam::{
    GetRoleRequest, ListAttachedRolePoliciesRequest, ListRolePoliciesRequest, ListRolesRequest, Role,
};
use bailiwick_api::op;

use crate::pages::{document, history, list_page, missing, path_prefix, policy_tables, rows, tag_section};
use crate::person::{Page, Person};
use crate::view::{Cell, DetailPage, Section};

/// Answers `/console/roles/…`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    match rest {
        "" => list(person).await,
        "role" => role(person).await,
        _ => missing(person),
    }
}

async fn list(person: &Person<'_>) -> Page {
    let asked = ListRolesRequest {
        path_prefix: path_prefix(person),
        marker: person.query().text("marker"),
        max_items: Some(100),
    };
    let listed = person.call::<op::ListRoles>(asked).await;
    let marker = listed.as_ref().ok().and_then(|listed| listed.marker.clone());
    let row = |role: Role| {
        let name = role.role_name.unwrap_or_default();
        vec![
            Cell::link("roles/role", "name", &name, &name),
            Cell::text(role.path),
            Cell::text(role.description),
            Cell::Time(person.moment(role.create_date.as_ref())),
        ]
    };
    let listed = listed.map(|listed| listed.roles.into_iter().map(row).collect());
    let table = person.table("Roles", &["Role", "Path", "Description", "Created"], "No role here.");
    let about = "Permissions that others assume for a time.";
    list_page(person, "Roles", "roles", about, None, rows(table, listed), marker.as_deref())
}

async fn role(person: &Person<'_>) -> Page {
    let name = person.query().text("name");
    let role = person.call::<op::GetRole>(GetRoleRequest { role_name: name.clone() }).await?.role.unwrap_or_default();
    let arn = role.arn.clone().unwrap_or_default();
    let attached =
        ListAttachedRolePoliciesRequest { role_name: name.clone(), max_items: Some(1000), ..Default::default() };
    let attached = person.call::<op::ListAttachedRolePolicies>(attached).await.map(|listed| listed.attached_policies);
    let inline = ListRolePoliciesRequest { role_name: name.clone(), max_items: Some(1000), ..Default::default() };
    let inline = person.call::<op::ListRolePolicies>(inline).await.map(|listed| listed.policy_names);
    let [attached, inline] = policy_tables(person, attached, inline);
    let boundary = role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
    let boundary = boundary.map_or_else(|| Cell::text(None), |arn| Cell::link("policies/policy", "arn", &arn, &arn));
    let last_used = role.role_last_used.as_ref().and_then(|used| used.last_used_date.as_ref());
    let facts = person.facts(vec![
        ("ARN", Cell::Code(arn.clone())),
        ("Id", Cell::text(role.role_id)),
        ("Path", Cell::text(role.path)),
        ("Description", Cell::text(role.description)),
        ("Longest session", Cell::text(role.max_session_duration.map(|seconds| format!("{seconds} seconds")))),
        ("Permissions boundary", boundary),
        ("Created", Cell::Time(person.moment(role.create_date.as_ref()))),
        ("Last used", Cell::Time(person.moment(last_used))),
    ]);
    let trust = document(&role.assume_role_policy_document.unwrap_or_default());
    let tags = tag_section(person, role.tags);
    person.page(&DetailPage {
        chrome: person.chrome(role.role_name.unwrap_or_default()),
        back: ("/console/roles", "Roles"),
        facts,
        problem: None,
        changes: Vec::new(),
        sections: vec![attached, inline, tags, Section::new("History", history(person, &arn).await)],
        documents: vec![("Trust policy", trust)],
        destroying: Vec::new(),
    })
}
