//! The editor of the trust policy of a role.

use bailiwick_api::iam::{GetRoleRequest, UpdateAssumeRolePolicyRequest};
use bailiwick_api::op;

use crate::pages::editor::{self, Editor};
use crate::pages::identity::{Identity, Kind};
use crate::person::{Page, Person};
use crate::request::Called;

/// Answers `/console/roles/trust`.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    let role_name = person.query().text("name");
    let role = person.call::<op::GetRole>(GetRoleRequest { role_name }).await?.role.unwrap_or_default();
    let identity = Identity::new(Kind::Role, &role.role_name.unwrap_or_default());
    let stored = role.assume_role_policy_document.unwrap_or_default();
    let error = if person.asked() == "save" {
        match save(person, &identity, &stored).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        }
    } else {
        None
    };
    let editor = Editor {
        title: format!("Trust policy of {}", identity.name),
        back: (identity.url(), identity.name),
        about: "It says who may assume the role. Sessions that exist stay.",
        fields: Vec::new(),
        policy_type: "TRUST_POLICY",
        document: stored,
        save: "Save the trust policy",
        proposed: None,
        destroying: Vec::new(),
    };
    editor.page(person, error).await
}

async fn save(person: &Person<'_>, identity: &Identity, stored: &str) -> Called<Page> {
    editor::check_unchanged(person, stored)?;
    let asked = UpdateAssumeRolePolicyRequest {
        role_name: Some(identity.name.clone()),
        policy_document: Some(editor::typed(person)),
    };
    person.call::<op::UpdateAssumeRolePolicy>(asked).await?;
    Ok(person.done(identity.url(), "The trust policy was changed."))
}
