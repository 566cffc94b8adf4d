//! Managed policies: the list, and each of them with its document, versions and where it is attached.

use bailiwick_api::iam::{
    GetPolicyRequest, GetPolicyVersionRequest, ListEntitiesForPolicyRequest, ListEntitiesForPolicyResponse,
    ListPoliciesRequest, ListPolicyVersionsRequest, Policy, PolicyVersion,
};
use bailiwick_api::op;
use http::StatusCode;

use crate::lists::Listed;
use crate::pages::list::{By, Listing, Noun, Part, compact, seconds};
use crate::pages::{document, editor, list, missing, rows, tag_section};
use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::view::{Cell, DetailPage, Field, Problem, Section, url};

mod change;
mod create;
mod diff;

/// Answers `/console/policies/…`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    match rest {
        "" => list::answer::<Policies>(person).await,
        "check" => editor::check(person).await,
        "create" => create::answer(person).await,
        "diff" => diff::answer(person).await,
        "policy" => policy(person).await,
        "version" => create::version(person).await,
        _ => missing(person),
    }
}

/// The managed policies of the account. The built-in ones are many, and would come first: only a search finds them too.
struct Policies;

impl Noun for Policies {
    const TITLE: &'static str = "Policies";
    const PATH: &'static str = "policies";
    const ABOUT: &'static str =
        "Managed policies of this account. A search finds the built-in ones as well: / finds all.";
    const EMPTY: &'static str = "No policy of this account. A search also finds the built-in ones.";
    const CREATE: (&'static str, &'static str) = ("/console/policies/create", "Create a policy");
    const COLUMNS: &'static [(&'static str, Option<By>)] =
        &[("Policy", Some(By::Name)), ("Owner", None), ("Attached", Some(By::Count)), ("Changed", Some(By::Created))];

    fn kept_as(is_search: bool) -> &'static str {
        if is_search { "all policies" } else { "policies" }
    }

    fn read<'a>(person: &'a Person<'a>, Part { path_prefix, marker, max_items, is_search }: Part) -> Listing<'a> {
        let item = |policy: Policy| Listed {
            name: compact(policy.policy_name),
            path: compact(policy.path),
            about: compact(policy.arn),
            created: seconds(policy.update_date.as_ref()).unwrap_or_default(),
            count: policy.attachment_count.unwrap_or_default(),
            ..Listed::default()
        };
        let scope = (!is_search).then(|| "Local".to_owned());
        let asked = ListPoliciesRequest { scope, path_prefix, marker, max_items, ..Default::default() };
        let listed = person.call::<op::ListPolicies>(asked);
        Box::pin(
            async move { listed.await.map(|listed| (listed.policies.into_iter().map(item).collect(), listed.marker)) },
        )
    }

    fn cells(person: &Person<'_>, item: &Listed) -> Vec<Cell> {
        let owner = if is_built_in(&item.about) { "built in" } else { "this account" };
        vec![
            Cell::link("policies/policy", "arn", &item.about, &*item.name),
            Cell::text(owner.to_owned()),
            Cell::text(item.count.to_string()),
            person.time_cell(Some(item.created)),
        ]
    }
}

async fn policy(person: &Person<'_>) -> Page {
    let arn = person.query().text("arn");
    let found = person.call::<op::GetPolicy>(GetPolicyRequest { policy_arn: arn.clone() }).await?;
    let policy = found.policy.unwrap_or_default();
    let error = if person.is_post() {
        match change::answer(person, &policy).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        }
    } else {
        None
    };
    let default = policy.default_version_id.clone().unwrap_or_default();
    let shown = person.query().text("version").or(policy.default_version_id.clone());
    let asked = GetPolicyVersionRequest { policy_arn: arn.clone(), version_id: shown.clone() };
    let text = match person.call::<op::GetPolicyVersion>(asked).await {
        Ok(answer) => document::indent(&answer.policy_version.and_then(|version| version.document).unwrap_or_default()),
        Err(error) => error.error.message().to_owned(),
    };
    let asked = ListEntitiesForPolicyRequest { policy_arn: arn.clone(), max_items: Some(1000), ..Default::default() };
    let attached = person.call::<op::ListEntitiesForPolicy>(asked).await.map(entities);
    let table = person.table("Attached to", &["Name", "Kind"], "The policy is attached to nothing.");
    let attached = rows(table, attached);
    let asked = ListPolicyVersionsRequest { policy_arn: arn.clone(), ..Default::default() };
    let row = |version: PolicyVersion| {
        let id = version.version_id.unwrap_or_default();
        let members = [("arn", arn.as_deref().unwrap_or_default()), ("version", id.as_str())];
        let is_default = version.is_default_version == Some(true);
        let number = |id: &str| id.trim_start_matches('v').parse::<u32>().unwrap_or_default();
        let is_older = number(&id) < number(&default);
        let (from, to) = if is_older { (id.as_str(), default.as_str()) } else { (default.as_str(), id.as_str()) };
        let compared = [members[0], ("from", from), ("to", to)];
        vec![
            Cell::Link { url: url("policies/policy", &members), text: id.clone() },
            if is_default { Cell::badge("good", "default") } else { Cell::text(None) },
            Cell::Time(person.moment(version.create_date.as_ref())),
            if is_default {
                Cell::text(None)
            } else {
                Cell::Link { url: url("policies/diff", &compared), text: "Compare with the default".to_owned() }
            },
            if is_default {
                Cell::text(None)
            } else {
                Cell::button("Set as default", &id, &[("do", "set-default"), ("version", &id)])
            },
        ]
    };
    let versions = person.call::<op::ListPolicyVersions>(asked).await;
    let versions = versions.map(|listed| listed.versions.into_iter().map(row).collect());
    let versions = rows(
        person.table("Versions", &["Version", "State", "Created", "Differences", "Change"], "No version."),
        versions,
    );
    let mut versions = Section::new("Versions", versions);
    if let Some(arn) = policy.arn.as_deref().filter(|arn| !is_built_in(arn)) {
        let members = [("arn", arn), ("from", shown.as_deref().unwrap_or_default())];
        versions = versions.link(url("policies/version", &members), "Create a version from the shown one");
    }
    let facts = person.facts(vec![
        ("ARN", Cell::Code(policy.arn.unwrap_or_default())),
        ("Id", Cell::text(policy.policy_id)),
        ("Description", Cell::text(policy.description)),
        ("Shown version", Cell::text(shown)),
        ("Created", Cell::Time(person.moment(policy.create_date.as_ref()))),
        ("Changed", Cell::Time(person.moment(policy.update_date.as_ref()))),
    ]);
    let tags = tag_section(person, policy.tags);
    let name = policy.policy_name.unwrap_or_default();
    let which = Field::line("version", "Type the version to delete, such as v1", 64).required();
    let delete_version = person.change("Delete a version", "delete-version", vec![which]);
    let delete_version =
        delete_version.about("The default version cannot be deleted. A policy has at most five versions.");
    let delete = person.change("Delete the policy", "delete", Vec::new());
    let delete =
        delete.about("All its versions are gone. A policy that is attached, or is a boundary, cannot be deleted.");
    let page = DetailPage {
        chrome: person.chrome(name.clone()),
        back: ("/console/policies", "Policies"),
        facts,
        problem: error.as_ref().map(Problem::new),
        changes: Vec::new(),
        sections: vec![Section::new("Attached to", attached), versions.with(delete_version.dangerous()), tags],
        documents: vec![("Document", text)],
        destroying: vec![delete.destroys(&name)],
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
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
