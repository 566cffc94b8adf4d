//! The editor of a new managed policy, and of a new version of one.

use bailiwick_api::iam::{CreatePolicyRequest, CreatePolicyVersionRequest, GetPolicyRequest, GetPolicyVersionRequest};
use bailiwick_api::op;

use crate::pages::choices;
use crate::pages::editor::{Editor, Proposed, typed};
use crate::person::{Page, Person};
use crate::request::Called;
use crate::view::{Field, name_of, url};

/// What a new policy begins with.
const EMPTY: &str = "{\"Version\":\"2012-10-17\",\"Statement\":[]}";

/// Answers `/console/policies/create`.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    let error = if person.asked() == "save" {
        match create(person).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        }
    } else {
        None
    };
    let fields = vec![
        Field::line("name", "Policy name", 128).required().hint("Letters, digits and +=,.@_- in any order."),
        Field::line("path", "Path", 512).with("/").hint("Begins and ends with /, such as /teams/platform/."),
        Field::lines("description", "Description").hint("It cannot be changed later."),
        choices::tag_field(),
    ];
    let editor = Editor {
        title: "Create a policy".to_owned(),
        back: ("/console/policies".to_owned(), "Policies".to_owned()),
        about: "A managed policy can be attached to users, groups and roles, and has versions.",
        fields,
        policy_type: "IDENTITY_POLICY",
        document: EMPTY.to_owned(),
        save: "Create the policy",
        proposed: None,
        destroying: Vec::new(),
    };
    editor.page(person, error).await
}

async fn create(person: &Person<'_>) -> Called<Page> {
    let form = person.form();
    let asked = CreatePolicyRequest {
        policy_name: form.text("name"),
        path: form.text("path"),
        policy_document: Some(typed(person)),
        description: form.text("description"),
        tags: choices::typed_tags(person)?,
    };
    let created = person.call::<op::CreatePolicy>(asked).await?.policy.unwrap_or_default();
    let message = format!("The policy {} was created.", created.policy_name.unwrap_or_default());
    Ok(person.done(url("policies/policy", &[("arn", &created.arn.unwrap_or_default())]), message))
}

/// Answers `/console/policies/version`, whose address has the policy and the version to begin with.
pub(crate) async fn version(person: &Person<'_>) -> Page {
    let arn = person.query().typed("arn");
    let policy_arn = Some(arn.clone());
    let error = if person.asked() == "save" {
        let asked = CreatePolicyVersionRequest {
            policy_arn: policy_arn.clone(),
            policy_document: Some(typed(person)),
            set_as_default: Some(person.form().is_set("default")),
        };
        match person.call::<op::CreatePolicyVersion>(asked).await {
            Ok(created) => {
                let id = created.policy_version.and_then(|version| version.version_id).unwrap_or_default();
                return person
                    .done(url("policies/policy", &[("arn", &arn), ("version", &id)]), format!("{id} was created."));
            }
            Err(error) => Some(error),
        }
    } else {
        None
    };
    let policy = person.call::<op::GetPolicy>(GetPolicyRequest { policy_arn: policy_arn.clone() }).await?.policy;
    let version_id = person.query().text("from").or(policy.and_then(|policy| policy.default_version_id));
    let asked = GetPolicyVersionRequest { policy_arn, version_id };
    let found = person.call::<op::GetPolicyVersion>(asked).await?.policy_version;
    let editor = Editor {
        title: format!("New version of {}", name_of(&arn)),
        back: (url("policies/policy", &[("arn", &arn)]), name_of(&arn).to_owned()),
        about: "The versions before stay. A policy has at most five versions.",
        fields: vec![
            Field::tick("default", "Make it the default version, which decides")
                .with("1")
                .hint("Without this, nothing changes until the version becomes the default one."),
        ],
        policy_type: "IDENTITY_POLICY",
        document: found.and_then(|version| version.document).unwrap_or_default(),
        save: "Create the version",
        proposed: Some(Proposed::Version { policy_arn: arn.clone() }),
        destroying: Vec::new(),
    };
    editor.page(person, error).await
}
