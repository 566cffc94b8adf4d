//! Roles: the list, and each of them with trust, permissions and history.

use bailiwick_api::iam::{GetRoleRequest, ListRolesRequest, Role};
use bailiwick_api::op;
use http::StatusCode;

use crate::lists::Listed;
use crate::pages::identity::{Identity, Kind};
use crate::pages::list::{By, Listing, MoreCells, Noun, Part, compact, seconds};
use crate::pages::{document, history, list, missing, policy_sections, tag_section};
use crate::person::{Page, Person};
use crate::request::CallError;
use crate::view::{Cell, Change, DetailPage, Field, Problem, Section, url};

mod change;
mod create;
mod trust;
mod trust_editor;

/// The shortest value of the longest session of a role, in seconds, which is also the default.
const SHORTEST: i32 = 3600;

/// Answers `/console/roles/…`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    match rest {
        "" => list::answer::<Roles>(person).await,
        "create" => create::answer(person).await,
        "role" => role(person).await,
        "trust" => trust_editor::answer(person).await,
        _ => missing(person),
    }
}

/// The roles of the account.
struct Roles;

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

async fn role(person: &Person<'_>) -> Page {
    let name = person.query().text("name");
    let role = person.call::<op::GetRole>(GetRoleRequest { role_name: name }).await?.role.unwrap_or_default();
    let (arn, name) = (role.arn.clone().unwrap_or_default(), role.role_name.clone().unwrap_or_default());
    let error = if person.is_post() {
        match change::answer(person, &name).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        }
    } else {
        None
    };
    let [attached, inline] = policy_sections(person, &Identity::new(Kind::Role, &name)).await;
    let (changes, destroying) = (changes(person, &role), destroying(person, &role, &name));
    let boundary = role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
    let boundary = boundary.map_or_else(|| Cell::text(None), |arn| Cell::link("policies/policy", "arn", &arn, &arn));
    let last_used = role.role_last_used.as_ref().and_then(|used| used.last_used_date.as_ref());
    let address = format!("{}{name}", role.path.as_deref().unwrap_or_default().trim_start_matches('/'));
    let switch = url("switch", &[("account", &person.account()), ("role", &address)]);
    let facts = person.facts(vec![
        ("ARN", Cell::Code(arn.clone())),
        ("May do", Cell::link("what-can", "principal", &arn, "What they may do")),
        ("Id", Cell::text(role.role_id)),
        ("Path", Cell::text(role.path)),
        ("Description", Cell::text(role.description)),
        ("Longest session", Cell::text(role.max_session_duration.map(|seconds| format!("{seconds} seconds")))),
        ("Permissions boundary", boundary),
        ("Created", Cell::Time(person.moment(role.create_date.as_ref()))),
        ("Last used", Cell::Time(person.moment(last_used))),
        ("In the console", Cell::Link { url: switch, text: "Switch to this role".to_owned() }),
        ("Trust policy", Cell::link("roles/trust", "name", &name, "Edit the trust policy")),
    ]);
    let trust = document::indent(&role.assume_role_policy_document.unwrap_or_default());
    let tags = tag_section(person, role.tags);
    let page = DetailPage {
        chrome: person.chrome(name),
        back: ("/console/roles", "Roles"),
        problem: error.as_ref().map(Problem::new),
        facts,
        changes,
        sections: vec![attached, inline, tags, Section::new("History", history(person, &arn).await)],
        documents: vec![("Trust policy", trust)],
        destroying,
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

fn changes(person: &Person<'_>, role: &Role) -> Vec<Change> {
    let boundary = vec![
        Field::line("arn", "ARN of a managed policy", 2048).required().hint("The role can do no more than it allows."),
    ];
    let description = role.description.as_deref().unwrap_or_default();
    let describe = vec![description_field(description), duration_field(role.max_session_duration.unwrap_or(SHORTEST))];
    vec![
        person.change("Set the permissions boundary", "set-boundary", boundary),
        person.change("Change description and duration", "describe", describe),
    ]
}

fn destroying(person: &Person<'_>, role: &Role, name: &str) -> Vec<Change> {
    let boundary = person.change("Remove the permissions boundary", "remove-boundary", Vec::new());
    let boundary = boundary.about("The role may then do everything that its policies allow.").destroys(name);
    let delete = person.change("Delete the role", "delete", Vec::new());
    let delete =
        delete.about("Its sessions end. The role leaves its instance profiles, and its inline policies are gone.");
    role.permissions_boundary.is_some().then_some(boundary).into_iter().chain([delete.destroys(name)]).collect()
}

/// The field of the description of a role.
fn description_field(value: &str) -> Field {
    Field::lines("description", "Description").with(value)
}

/// The field of the longest session of a role, in seconds.
fn duration_field(seconds: i32) -> Field {
    let label = |hours: i32| if hours == 1 { "1 hour".to_owned() } else { format!("{hours} hours") };
    let mut offered: Vec<_> = (1..=12).map(|hours| ((hours * 3600).to_string(), label(hours))).collect();
    if seconds % 3600 != 0 {
        offered.push((seconds.to_string(), format!("{seconds} seconds")));
    }
    Field::one("duration", "Longest session", offered).with(seconds.to_string())
}
