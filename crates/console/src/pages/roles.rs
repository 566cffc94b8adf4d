//! Roles: the list, and each of them with trust, permissions and history.

use bailiwick_api::iam::{GetRoleRequest, Role, RoleLastUsed};
use bailiwick_api::op;

use crate::pages::identity::{Identity, Kind};
use crate::pages::object::{self, Object, Shown, Tabs};
use crate::pages::{document, missing, policy_sections, tag_section};
use crate::person::{Page, Person};
use crate::view::{Cell, Change, Field, Section, url};

mod change;
mod create;
mod list;
mod trust;
mod trust_editor;

/// The shortest value of the longest session of a role, in seconds, which is also the default.
const SHORTEST: i32 = 3600;

pub(super) use list::Roles;

/// Answers `/console/roles/…`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    match rest {
        "" => crate::pages::list::answer::<Roles>(person).await,
        "create" => create::answer(person).await,
        "role" => role(person).await,
        "trust" => trust_editor::answer(person).await,
        _ => missing(person),
    }
}

/// The tabs of the page of a role.
const TABS: Tabs = &[
    ("permissions", "Permissions"),
    ("trust", "Trust"),
    ("boundary", "Boundary"),
    ("tags", "Tags"),
    ("last-used", "Last used"),
    ("history", "History"),
    ("settings", "Settings"),
];

async fn role(person: &Person<'_>) -> Page {
    let asked = GetRoleRequest { role_name: person.query().text("name") };
    let role = person.call::<op::GetRole>(asked).await?.role.unwrap_or_default();
    let (arn, name) = (role.arn.clone().unwrap_or_default(), role.role_name.clone().unwrap_or_default());
    let error = match person.is_post() {
        true => match change::answer(person, &name).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        },
        false => None,
    };
    let shown = shown(person, &role, &name, &arn).await;
    let address = format!("{}{name}", role.path.as_deref().unwrap_or_default().trim_start_matches('/'));
    let switch = url("switch", &[("account", &person.account()), ("role", &address)]);
    let facts = vec![
        ("ARN", Cell::Code(arn.clone())),
        ("Id", Cell::text(role.role_id)),
        ("Path", Cell::text(role.path)),
        ("Description", Cell::text(role.description)),
        ("Longest session", Cell::text(role.max_session_duration.map(session_length))),
        ("Created", Cell::Time(person.moment(role.create_date.as_ref()))),
        ("May do", Cell::link("what-can", "principal", &arn, "What they may do")),
        ("In the console", Cell::Link { url: switch, text: "Switch to this role".to_owned() }),
    ];
    let object = Object {
        back: ("/console/roles", "Roles"),
        path: "roles/role",
        member: ("name", &name),
        title: &name,
        facts,
        tabs: TABS,
        error,
    };
    object::page(person, object, shown)
}

/// What the tab of the address shows.
async fn shown(person: &Person<'_>, role: &Role, name: &str, arn: &str) -> Shown {
    match object::tab(person, TABS) {
        "trust" => {
            let document = document::indent(role.assume_role_policy_document.as_deref().unwrap_or_default());
            let edit = (url("roles/trust", &[("name", name)]), "Edit the trust policy");
            Shown { documents: vec![("Trust policy".to_owned(), document)], links: vec![edit], ..Shown::default() }
        }
        "boundary" => {
            let boundary = role.permissions_boundary.as_ref();
            object::boundary(person, name, boundary.and_then(|own| own.permissions_boundary_arn.clone()))
        }
        "tags" => Shown::sections([tag_section(person, role.tags.clone())]),
        "last-used" => {
            let section = last_used(person, role).link(url("last-accessed", &[("arn", arn)]), "Services and actions");
            Shown::sections([section])
        }
        "history" => object::history_tab(person, arn, true).await,
        "settings" => Shown::changes([describe(person, role), revoke(person, name), delete(person, name)]),
        _ => Shown::sections(policy_sections(person, &Identity::new(Kind::Role, name)).await),
    }
}

/// When the role was used last, and where.
fn last_used(person: &Person<'_>, role: &Role) -> Section {
    let used = role.role_last_used.as_ref().filter(|used| used.last_used_date.is_some());
    let row = |used: &RoleLastUsed| {
        vec![Cell::Time(person.moment(used.last_used_date.as_ref())), Cell::text(used.region.clone())]
    };
    let table = person.table("Last used", &["Last call", "Region"], "No session of the role has made a call.");
    Section::new("Last used", table.rows(Ok(used.map(row).into_iter().collect())))
}

fn describe(person: &Person<'_>, role: &Role) -> Change {
    let description = role.description.as_deref().unwrap_or_default();
    let fields = vec![description_field(description), duration_field(role.max_session_duration.unwrap_or(SHORTEST))];
    person.change("Change description and duration", "describe", fields)
}

fn revoke(person: &Person<'_>, name: &str) -> Change {
    let about = "All sessions that were issued until now end at their next call. New ones can be issued.";
    person.change("End all sessions", "revoke-sessions", Vec::new()).about(about).destroys(name)
}

fn delete(person: &Person<'_>, name: &str) -> Change {
    let about = "Its sessions end. The role leaves its instance profiles, and its inline policies are gone.";
    person.change("Delete the role", "delete", Vec::new()).about(about).destroys(name)
}

/// A length of sessions in words.
fn session_length(seconds: i32) -> String {
    match (seconds / 3600, seconds % 3600) {
        (1, 0) => "1 hour".to_owned(),
        (hours, 0) => format!("{hours} hours"),
        _ => format!("{seconds} seconds"),
    }
}

/// The field of the description of a role.
fn description_field(value: &str) -> Field {
    Field::lines("description", "Description").with(value)
}

/// The field of the longest session of a role, in seconds.
fn duration_field(seconds: i32) -> Field {
    let offer = |seconds: i32| (seconds.to_string(), session_length(seconds));
    let mut offered: Vec<_> = (1..=12).map(|hours| offer(hours * 3600)).collect();
    if seconds % 3600 != 0 {
        offered.push(offer(seconds));
    }
    Field::one("duration", "Longest session", offered).with(seconds.to_string())
}
