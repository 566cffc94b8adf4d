//! The inline policies of users, groups and roles.

use bailiwick_model::{ErrorCode, IamError};

use crate::pages::document;
use crate::pages::editor::{self, Editor, Proposed};
use crate::pages::identity::{Identity, Kind};
use crate::person::{Page, Person};
use crate::request::Called;
use crate::view::{Field, url};

/// What a new policy begins with.
const EMPTY: &str = "{\"Version\":\"2012-10-17\",\"Statement\":[]}";

/// The address of the page of an inline policy; of that for a new one if the name is empty.
pub(crate) fn address(identity: &Identity, policy: &str) -> String {
    let members = [("kind", identity.kind.word()), ("name", identity.name.as_str()), ("policy", policy)];
    url("inline", &members[..if policy.is_empty() { 2 } else { 3 }])
}

/// Answers `/console/inline`, whose address has the kind and name of the identity, and the policy if it exists.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    let query = person.query();
    let known = [Kind::User, Kind::Group, Kind::Role].into_iter().find(|kind| kind.word() == query.raw("kind"));
    let (Some(kind), Some(name)) = (known, query.text("name")) else { return crate::pages::missing(person) };
    let identity = Identity::new(kind, &name);
    match query.text("policy") {
        Some(policy) => existing(person, &identity, &policy).await,
        None => new(person, &identity).await,
    }
}

async fn new(person: &Person<'_>, identity: &Identity) -> Page {
    let error = if person.asked() == "save" {
        match create(person, identity).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        }
    } else {
        None
    };
    // The access check proposes a statement.
    let document = match person.query().text("statement") {
        Some(statement) => proposed_document(&statement).map_err(|why| person.failure(IamError::validation(why)))?,
        None => EMPTY.to_owned(),
    };
    let name = Field::line("policy_name", "Policy name", 128).required();
    let editor = Editor {
        title: format!("New inline policy of {}", identity.name),
        back: (identity.url(), identity.name.clone()),
        about: "An inline policy belongs to one user, group or role, and is deleted with it.",
        fields: vec![name.hint("Letters, digits and +=,.@_- in any order.")],
        policy_type: "IDENTITY_POLICY",
        document,
        proposed: proposed(person, identity, person.form().typed("policy_name")).await,
        save: "Create the policy",
        destroying: Vec::new(),
    };
    editor.page(person, error).await
}

/// A document with one statement.
fn proposed_document(statement: &str) -> Result<String, &'static str> {
    let is_object = serde_json::from_str::<serde_json::Map<_, serde_json::Value>>(statement).is_ok();
    if is_object { document::append(EMPTY, statement) } else { Err("`statement` in the address is not a JSON object") }
}

/// What decisions are replayed with: the policy, as if it were saved.
async fn proposed(person: &Person<'_>, identity: &Identity, policy_name: String) -> Option<Proposed> {
    let identity_arn = identity.arn(person).await.ok()?;
    let policy_name = if policy_name.is_empty() { "new".to_owned() } else { policy_name };
    Some(Proposed::Inline { identity_arn, policy_name })
}

/// Creates the policy. AWS would replace one of that name without a question.
async fn create(person: &Person<'_>, identity: &Identity) -> Called<Page> {
    let policy = person.form().typed("policy_name");
    if !policy.is_empty() {
        match identity.read(person, &policy).await {
            Ok(_) => {
                let message = format!("there is an inline policy of the name {policy}: open it to change it");
                return Err(person.failure(IamError::new(ErrorCode::EntityAlreadyExists, message)));
            }
            Err(error) if error.error.code() != ErrorCode::NoSuchEntity => return Err(error),
            Err(_) => {}
        }
    }
    identity.put(person, &policy, editor::typed(person)).await?;
    Ok(person.done(identity.url(), format!("The inline policy {policy} was created.")))
}

async fn existing(person: &Person<'_>, identity: &Identity, policy: &str) -> Page {
    let document = identity.read(person, policy).await?;
    let error = match person.asked() {
        "save" | "delete" => match change(person, identity, policy, &document).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        },
        _ => None,
    };
    let delete = person.change("Delete the policy", "delete", Vec::new());
    let delete = delete.about("What only this policy allows is denied from then on, and what only it denies is not.");
    let editor = Editor {
        title: policy.to_owned(),
        back: (identity.url(), identity.name.clone()),
        about: "An inline policy belongs to one user, group or role, and is deleted with it.",
        fields: Vec::new(),
        policy_type: "IDENTITY_POLICY",
        document,
        proposed: proposed(person, identity, policy.to_owned()).await,
        save: "Save the policy",
        destroying: vec![delete.destroys(policy)],
    };
    editor.page(person, error).await
}

async fn change(person: &Person<'_>, identity: &Identity, policy: &str, stored: &str) -> Called<Page> {
    let done = if person.asked() == "delete" {
        person.check_typed(policy)?;
        identity.remove(person, policy.to_owned()).await?;
        "deleted"
    } else {
        editor::check_unchanged(person, stored)?;
        identity.put(person, policy, editor::typed(person)).await?;
        "changed"
    };
    Ok(person.done(identity.url(), format!("The inline policy {policy} was {done}.")))
}
