//! Switches to a role: the console acts as the role until the person returns.

use bailiwick_api::op;
use bailiwick_api::sts::AssumeRoleRequest;
use zeroize::Zeroizing;

use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::session::RoleSession;
use crate::view::Field;

/// Answers `/console/switch`. The address may name `account` and `role`, so that it can be sent to a colleague.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    match person.asked() {
        "return" => {
            let role = person.session.pop_role();
            person.done("/console", if role.is_some() { "You act as yourself again." } else { "You act as yourself." })
        }
        "switch" => match switch(person).await {
            Ok(page) => page,
            Err(error) => form(person, Some(&error)),
        },
        "" if !person.is_post() => form(person, None),
        _ => Err(person.unknown_change()),
    }
}

fn form(person: &Person<'_>, error: Option<&CallError>) -> Page {
    let account = person.query().text("account").unwrap_or_else(|| person.account());
    let role = Field::line("role", "Role", 576).with(person.query().typed("role")).required();
    let fields = vec![
        Field::line("account", "Account id", 12).with(account).required().hint("Twelve digits."),
        role.hint("The name, with its path if it has one: teams/platform/deploy."),
    ];
    let about =
        "The trust policy of the role must trust you, and you need sts:AssumeRole on it. The audit trail names you.";
    let change = person.change("Switch role", "switch", fields).about(about);
    person.change_page(("/console".to_owned(), "Home"), error, change)
}

async fn switch(person: &Person<'_>) -> Called<Page> {
    let form = person.form();
    let (account, name) = (form.typed("account"), form.typed("role"));
    let partition = person.session.arn.split(':').nth(1).unwrap_or("aws");
    let arn = format!("arn:{partition}:iam::{account}:role/{}", name.trim_start_matches('/'));
    let asked = AssumeRoleRequest {
        role_arn: Some(arn.clone()),
        // The name in the audit trail and in the ARN of the session.
        role_session_name: Some(person.session.name().to_owned()),
        ..AssumeRoleRequest::default()
    };
    let credentials = person.call::<op::AssumeRole>(asked).await?.credentials.unwrap_or_default();
    person.session.push_role(RoleSession {
        arn: arn.clone(),
        account,
        access_key_id: credentials.access_key_id.unwrap_or_default(),
        secret_access_key: Zeroizing::new(credentials.secret_access_key.unwrap_or_default()),
        session_token: Zeroizing::new(credentials.session_token.unwrap_or_default()),
    });
    Ok(person.done("/console", format!("You act as {arn} now.")))
}
