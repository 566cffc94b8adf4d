//! The form that creates a user, with permissions and a password.

use bailiwick_api::iam::{AddUserToGroupRequest, CreateLoginProfileRequest, CreateUserRequest};
use bailiwick_api::op;
use bailiwick_model::IamError;

use crate::pages::choices;
use crate::pages::identity::{Identity, Kind};
use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::view::{Field, url};

/// Answers `/console/users/create`.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    let error = if person.is_post() {
        match create(person).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        }
    } else if let Some(page) = person.prove_first() {
        // Before anything is typed, which would be lost.
        return page;
    } else {
        None
    };
    let mut fields = vec![
        Field::line("name", "User name", 64).required().hint("Letters, digits and +=,.@_- in any order."),
        Field::line("path", "Path", 512).with("/").hint("Begins and ends with /, such as /teams/platform/."),
        Field::any("group", "Groups", choices::groups(person).await, "No group to choose, or you may not list them."),
    ];
    let mut policies = choices::policy_fields(person, &[]).await;
    // The guide for the first steps names a policy in its link.
    if let Some(arn) = person.query().text("arn") {
        let others = policies.pop().map(|others| others.with(arn));
        policies.extend(others);
    }
    fields.extend(policies);
    fields.push(
        Field::password("password", "Password for the console", "new-password")
            .hint("Without one the user cannot sign in, but can have access keys."),
    );
    fields.push(Field::tick("reset", "The user must choose another password at the first sign-in").with("1"));
    let change = person.change("Create a user", "create", fields);
    person.change_page(("/console/users".to_owned(), "Users"), error.as_ref(), change)
}

/// Creates the user, then grants the rights. If one of those calls fails, the user exists without it, and the page of the
/// user says so.
async fn create(person: &Person<'_>) -> Called<Page> {
    let form = person.form();
    let has_password = form.is_set("password");
    if has_password && let Some(page) = person.prove_first() {
        return Ok(page);
    }
    let name = form.text("name");
    let asked = CreateUserRequest { user_name: name.clone(), path: form.text("path"), ..Default::default() };
    let created = person.call::<op::CreateUser>(asked).await?.user.unwrap_or_default();
    let name = created.user_name.or(name);
    let granted = grant(person, name.as_ref(), has_password).await;
    let shown = name.clone().unwrap_or_default();
    let message = match granted {
        Ok(()) => format!("The user {shown} was created."),
        Err(CallError { error, .. }) => {
            format!("The user {shown} was created, but not all of what was asked for: {}", IamError::message(&error))
        }
    };
    Ok(person.done(url("users/user", &[("name", &shown)]), message))
}

async fn grant(person: &Person<'_>, name: Option<&String>, has_password: bool) -> Called<()> {
    let (form, user_name) = (person.form(), name.cloned());
    for group in form.all("group") {
        let asked = AddUserToGroupRequest { group_name: Some(group), user_name: user_name.clone() };
        person.call::<op::AddUserToGroup>(asked).await?;
    }
    Identity::new(Kind::User, name.map_or("", |name| name)).attach_chosen(person).await?;
    if has_password {
        let password = Some(form.raw("password").to_owned());
        let password_reset_required = Some(form.is_set("reset"));
        let asked = CreateLoginProfileRequest { user_name, password, password_reset_required, ..Default::default() };
        person.call::<op::CreateLoginProfile>(asked).await?;
    }
    Ok(())
}
