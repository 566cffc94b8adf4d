//! The list of roles.

use bailiwick_api::iam::{GetRoleRequest, ListRolesRequest, Role};
use bailiwick_api::op;

use crate::lists::Listed;
use crate::pages::list::{By, Listing, MoreCells, Noun, Part, compact, seconds};
use crate::person::Person;
use crate::view::Cell;

/// The roles of the account.
pub(in crate::pages) struct Roles;

impl Noun for Roles {
    const TITLE: &'static str = "Roles";
    const PATH: &'static str = "roles";
    const ABOUT: &'static str = "Permissions that others assume for a time.";
    const EMPTY: &'static str = "No role here.";
    const CREATE: (&'static str, &'static str) = ("/console/roles/create", "Create a role");
    const COLUMNS: &'static [(&'static str, Option<By>)] =
        &[("Role", Some(By::Name)), ("Path", None), ("Description", None), ("Created", Some(By::Created))];
    const MORE: (&'static str, &'static [&'static str]) = ("Show when each was last used", &["Last used"]);

    fn read<'a>(person: &'a Person<'a>, Part { path_prefix, marker, max_items, .. }: Part) -> Listing<'a> {
        let item = |role: Role| Listed {
            name: compact(role.role_name),
            path: compact(role.path),
            about: compact(role.description),
            created: seconds(role.create_date.as_ref()).unwrap_or_default(),
            ..Listed::default()
        };
        let listed = person.call::<op::ListRoles>(ListRolesRequest { path_prefix, marker, max_items });
        Box::pin(
            async move { listed.await.map(|listed| (listed.roles.into_iter().map(item).collect(), listed.marker)) },
        )
    }

    fn cells(person: &Person<'_>, item: &Listed) -> Vec<Cell> {
        vec![
            Cell::link("roles/role", "name", &item.name, &*item.name),
            Cell::text(item.path.to_string()),
            Cell::text(item.about.to_string()),
            person.time_cell(Some(item.created)),
        ]
    }

    fn more<'a>(person: &'a Person<'a>, name: &'a str) -> MoreCells<'a> {
        let asked = GetRoleRequest { role_name: Some(name.to_owned()) };
        Box::pin(async move {
            let role = person.call::<op::GetRole>(asked).await?.role.unwrap_or_default();
            let used = role.role_last_used.and_then(|used| seconds(used.last_used_date.as_ref()));
            Ok(vec![person.time_cell(used)])
        })
    }
}
