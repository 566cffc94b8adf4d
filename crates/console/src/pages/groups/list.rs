//! The list of groups.

use bailiwick_api::iam::{Group, ListGroupsRequest};
use bailiwick_api::op;

use crate::lists::Listed;
use crate::pages::list::{By, Listing, Noun, Part, compact, seconds};
use crate::person::Person;
use crate::view::Cell;

/// The groups of the account.
pub(in crate::pages) struct Groups;

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
