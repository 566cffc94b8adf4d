//! The form that creates a group, with policies.

use bailiwick_api::iam::CreateGroupRequest;
use bailiwick_api::op;

use crate::pages::choices;
use crate::pages::identity::{Identity, Kind};
use crate::person::{Page, Person};
use crate::request::Called;
use crate::view::Field;

/// Answers `/console/groups/create`.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    let error = if person.is_post() {
        match create(person).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        }
    } else {
        None
    };
    let mut fields = vec![
        Field::line("name", "Group name", 128).required().hint("Letters, digits and +=,.@_- in any order."),
        Field::line("path", "Path", 512).with("/").hint("Begins and ends with /, such as /teams/platform/."),
    ];
    fields.extend(choices::policy_fields(person, &[]).await);
    let change = person.change("Create a group", "create", fields);
    person.change_page(("/console/groups".to_owned(), "Groups"), error.as_ref(), change)
}

/// Creates the group, then attaches the policies. If one of those calls fails, the group exists without it, and the page
/// of the group says so.
async fn create(person: &Person<'_>) -> Called<Page> {
    let form = person.form();
    let asked = CreateGroupRequest { group_name: form.text("name"), path: form.text("path") };
    let created = person.call::<op::CreateGroup>(asked).await?.group.unwrap_or_default();
    let identity = Identity::new(Kind::Group, &created.group_name.unwrap_or_default());
    let message = match identity.attach_chosen(person).await {
        Ok(()) => format!("The group {} was created.", identity.name),
        Err(error) => {
            format!("The group {} was created, but not all policies were attached: {error}", identity.name)
        }
    };
    Ok(person.done(identity.url(), message))
}
