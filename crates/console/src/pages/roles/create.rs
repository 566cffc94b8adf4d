//! The form that creates a role: who may assume it, and what it may do.

use askama::Template;
use bailiwick_api::iam::CreateRoleRequest;
use bailiwick_api::op;
use http::StatusCode;

use crate::pages::choices;
use crate::pages::editor::{self, Findings};
use crate::pages::identity::{Identity, Kind};
use crate::pages::roles::trust;
use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::view::{Change, Chrome, Field, Problem, Tab, url};

/// Answers `/console/roles/create`.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    let kind = trust::kind(person);
    let error = if person.is_post() {
        match create(person, kind).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        }
    } else {
        None
    };
    let mut fields = trust::fields(person, kind).await;
    fields.extend([
        Field::line("name", "Role name", 64).required().hint("Letters, digits and +=,.@_- in any order."),
        Field::line("path", "Path", 512).with("/").hint("Begins and ends with /, such as /teams/platform/."),
    ]);
    fields.extend(choices::policy_fields(person, &[]).await);
    fields.push(
        Field::line("boundary", "Permissions boundary", 2048)
            .hint("The ARN of a managed policy. The role can do no more than it allows. Empty: no boundary."),
    );
    fields.push(super::description_field(""));
    fields.push(super::duration_field(super::SHORTEST));
    fields.push(choices::tag_field());
    let tab = |(own, label): (&str, &'static str)| Tab {
        url: url("roles/create", &[("trust", own)]),
        label,
        is_current: own == kind,
    };
    let mut change = person.change("Create a role", "create", fields);
    change.is_open = true;
    // A document that was refused has marks at its lines, as in the editor of trust policies.
    let findings = match &error {
        Some(_) if kind == "custom" => Some(Findings::of(person, "TRUST_POLICY", &editor::typed(person)).await),
        _ => None,
    };
    let page = CreatePage {
        chrome: person.chrome(change.title),
        back: ("/console/roles".to_owned(), "Roles".to_owned()),
        problem: error.as_ref().map(Problem::new),
        tabs: trust::KINDS.map(tab).into(),
        tabs_label: "Who may assume the role",
        change,
        findings,
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

#[derive(Template)]
#[template(path = "role_create.html")]
struct CreatePage {
    chrome: Chrome,
    back: (String, String),
    problem: Option<Problem>,
    tabs: Vec<Tab>,
    tabs_label: &'static str,
    change: Change,
    findings: Option<Findings>,
}

/// Creates the role, then attaches the policies. If one of those calls fails, the role exists without it, and the page
/// of the role says so.
async fn create(person: &Person<'_>, kind: &str) -> Called<Page> {
    let form = person.form();
    let asked = CreateRoleRequest {
        role_name: form.text("name"),
        path: form.text("path"),
        assume_role_policy_document: Some(trust::policy(person, kind)?),
        description: form.text("description"),
        max_session_duration: form.number("duration"),
        permissions_boundary: form.text("boundary"),
        tags: choices::typed_tags(person)?,
        ..Default::default()
    };
    let created = person.call::<op::CreateRole>(asked).await?.role.unwrap_or_default();
    let identity = Identity::new(Kind::Role, &created.role_name.unwrap_or_default());
    let message = match identity.attach_chosen(person).await {
        Ok(()) => format!("The role {} was created.", identity.name),
        Err(error) => {
            format!("The role {} was created, but not all policies were attached: {error}", identity.name)
        }
    };
    Ok(person.done(identity.url(), message))
}
