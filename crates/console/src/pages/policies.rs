//! Managed policies: the list, and each of them with its document, versions and where it is attached.

use bailiwick_api::iam::{
    GetPolicyRequest, GetPolicyVersionRequest, ListEntitiesForPolicyRequest, ListEntitiesForPolicyResponse,
};
use bailiwick_api::op;

use crate::pages::object::{self, Object, Shown, Tabs};
use crate::pages::{editor, missing, rows, tag_section};
use crate::person::{Page, Person};
use crate::request::Called;
use crate::view::{Cell, Change, Section};

mod change;
mod create;
mod diff;
mod list;
mod versions;

pub(super) use list::Policies;

/// Answers `/console/policies/…`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    match rest {
        "" => crate::pages::list::answer::<Policies>(person).await,
        "check" => editor::check(person).await,
        "create" => create::answer(person).await,
        "diff" => diff::answer(person).await,
        "policy" => policy(person).await,
        "version" => create::version(person).await,
        _ => missing(person),
    }
}

/// The tabs of the page of a managed policy.
const TABS: Tabs = &[
    ("document", "Document"),
    ("versions", "Versions"),
    ("attached", "Attached to"),
    ("tags", "Tags"),
    ("history", "History"),
    ("settings", "Settings"),
];

async fn policy(person: &Person<'_>) -> Page {
    let asked = GetPolicyRequest { policy_arn: person.query().text("arn") };
    let policy = person.call::<op::GetPolicy>(asked).await?.policy.unwrap_or_default();
    let (arn, name) = (policy.arn.clone().unwrap_or_default(), policy.policy_name.clone().unwrap_or_default());
    let error = match person.is_post() {
        true => match change::answer(person, &policy).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        },
        false => None,
    };
    let shown = match object::tab(person, TABS) {
        "versions" => Shown::sections([versions::section(person, &policy).await]),
        "attached" => Shown::sections([attached(person, &arn).await]),
        "tags" => Shown::sections([tag_section(person, policy.tags.clone())]),
        "history" => object::history_tab(person, &arn, false).await,
        "settings" => Shown::changes([delete(person, &name)]),
        _ => versions::document(person, &policy).await,
    };
    let facts = vec![
        ("ARN", Cell::Code(arn.clone())),
        ("Id", Cell::text(policy.policy_id)),
        ("Description", Cell::text(policy.description)),
        ("Default version", Cell::text(policy.default_version_id)),
        ("Created", Cell::Time(person.moment(policy.create_date.as_ref()))),
        ("Changed", Cell::Time(person.moment(policy.update_date.as_ref()))),
    ];
    let object = Object {
        back: ("/console/policies", "Policies"),
        path: "policies/policy",
        member: ("arn", &arn),
        title: &name,
        facts,
        tabs: TABS,
        error,
    };
    object::page(person, object, shown)
}

async fn attached(person: &Person<'_>, arn: &str) -> Section {
    let policy_arn = Some(arn.to_owned());
    let asked = ListEntitiesForPolicyRequest { policy_arn, max_items: Some(1000), ..Default::default() };
    let found = person.call::<op::ListEntitiesForPolicy>(asked).await.map(entities);
    let table = person.table("Attached to", &["Name", "Kind"], "The policy is attached to nothing.");
    Section::new("Attached to", rows(table, found))
}

fn delete(person: &Person<'_>, name: &str) -> Change {
    let about = "All its versions are gone. A policy that is attached, or is a boundary, cannot be deleted.";
    person.change("Delete the policy", "delete", Vec::new()).about(about).destroys(name)
}

/// Whether a policy belongs to no account.
fn is_built_in(arn: &str) -> bool {
    arn.split(':').nth(4) == Some("aws")
}

/// The document of the default version of a policy.
pub(crate) async fn current(person: &Person<'_>, arn: &str) -> Called<String> {
    let policy_arn = Some(arn.to_owned());
    let policy = person.call::<op::GetPolicy>(GetPolicyRequest { policy_arn: policy_arn.clone() }).await?.policy;
    let version_id = policy.and_then(|policy| policy.default_version_id);
    let asked = GetPolicyVersionRequest { policy_arn, version_id };
    let version = person.call::<op::GetPolicyVersion>(asked).await?.policy_version;
    Ok(version.and_then(|version| version.document).unwrap_or_default())
}

fn entities(found: ListEntitiesForPolicyResponse) -> Vec<Vec<Cell>> {
    let row = |path, name: Option<String>, kind: &str| {
        let name = name.unwrap_or_default();
        vec![Cell::link(path, "name", &name, &name), Cell::text(kind.to_owned())]
    };
    let users = found.policy_users.into_iter().map(|user| row("users/user", user.user_name, "user"));
    let groups = found.policy_groups.into_iter().map(|group| row("groups/group", group.group_name, "group"));
    let roles = found.policy_roles.into_iter().map(|role| row("roles/role", role.role_name, "role"));
    let more = found.is_truncated.unwrap_or_default();
    let more = more.then(|| vec![Cell::Text("more than are shown here".to_owned()), Cell::text(None)]);
    users.chain(groups).chain(roles).chain(more).collect()
}
