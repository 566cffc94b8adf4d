//! The versions of a managed policy, and the document of one of them.

use bailiwick_api::iam::{GetPolicyVersionRequest, ListPolicyVersionsRequest, Policy, PolicyVersion};
use bailiwick_api::op;

use crate::pages::object::Shown;
use crate::pages::policies::is_built_in;
use crate::pages::{document, rows};
use crate::person::Person;
use crate::view::{Cell, Field, Section, url};

/// The document of the version that the address names, or of the default version.
pub(super) async fn document(person: &Person<'_>, policy: &Policy) -> Shown {
    let version_id = person.query().text("version").or(policy.default_version_id.clone());
    let shown = version_id.clone().unwrap_or_default();
    let asked = GetPolicyVersionRequest { policy_arn: policy.arn.clone(), version_id };
    let text = match person.call::<op::GetPolicyVersion>(asked).await {
        Ok(answer) => document::indent(&answer.policy_version.and_then(|version| version.document).unwrap_or_default()),
        Err(error) => error.error.message().to_owned(),
    };
    let is_default = policy.default_version_id.as_deref() == Some(&shown);
    let title = if is_default { "Default version".to_owned() } else { format!("Version {shown}, not the default one") };
    let arn = policy.arn.as_deref().filter(|arn| !is_built_in(arn));
    let edit = arn
        .map(|arn| (url("policies/version", &[("arn", arn), ("from", &shown)]), "Create a version from the shown one"));
    Shown { documents: vec![(title, text)], links: edit.into_iter().collect(), ..Shown::default() }
}

/// The versions, with the form that deletes one.
pub(super) async fn section(person: &Person<'_>, policy: &Policy) -> Section {
    let arn = policy.arn.as_deref().unwrap_or_default();
    let default = policy.default_version_id.as_deref().unwrap_or_default();
    let number = |id: &str| id.trim_start_matches('v').parse::<u32>().unwrap_or_default();
    let row = |version: PolicyVersion| {
        let id = version.version_id.unwrap_or_default();
        let members = [("arn", arn), ("version", id.as_str())];
        let is_default = version.is_default_version == Some(true);
        let is_older = number(&id) < number(default);
        let (from, to) = if is_older { (id.as_str(), default) } else { (default, id.as_str()) };
        let compared = url("policies/diff", &[("arn", arn), ("from", from), ("to", to)]);
        let [state, difference, change] = match is_default {
            true => [Cell::badge("good", "default"), Cell::text(None), Cell::text(None)],
            false => [
                Cell::text(None),
                Cell::Link { url: compared, text: "Compare with the default".to_owned() },
                Cell::button("Set as default", &id, &[("do", "set-default"), ("version", &id)]),
            ],
        };
        let created = Cell::Time(person.moment(version.create_date.as_ref()));
        vec![Cell::Link { url: url("policies/policy", &members), text: id.clone() }, state, created, difference, change]
    };
    let asked = ListPolicyVersionsRequest { policy_arn: policy.arn.clone(), ..Default::default() };
    let listed = person.call::<op::ListPolicyVersions>(asked).await;
    let listed = listed.map(|listed| listed.versions.into_iter().map(row).collect());
    let columns = ["Version", "State", "Created", "Differences", "Change"];
    let which = Field::line("version", "Type the version to delete, such as v1", 64).required();
    let delete = person.change("Delete a version", "delete-version", vec![which]);
    let delete = delete.about("The default version cannot be deleted. A policy has at most five versions.");
    Section::new("Versions", rows(person.table("Versions", &columns, "No version."), listed)).with(delete.dangerous())
}
