//! Switches to a role: the console acts as the role until the person returns.

use bailiwick_api::op;
use bailiwick_api::sts::AssumeRoleRequest;
use bailiwick_model::IamError;
use zeroize::Zeroizing;

use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::session::{RoleSession, random_text};
use crate::view::Field;

/// Answers `/console/switch`. The address may name `account` and `role`, so that it can be sent to a colleague.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    match person.asked() {
        "return" => {
            if let Some(role) = &person.role {
                person.session.leave_role(role);
            }
            let message = match person.session.role() {
                Some(role) => format!("You act as {} again.", role.arn),
                None => "You act as yourself.".to_owned(),
            };
            person.done("/console", message)
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
        role_session_name: Some(session_name(&person.own_name().await?)),
        ..AssumeRoleRequest::default()
    };
    let credentials = person.call::<op::AssumeRole>(asked).await?.credentials.unwrap_or_default();
    let context = person.request.context;
    let is_entered = person.session.enter_role(RoleSession {
        arn: arn.clone(),
        account,
        form_token: random_text(&|buffer| context.fill(buffer)),
        access_key_id: credentials.access_key_id.unwrap_or_default(),
        secret_access_key: Zeroizing::new(credentials.secret_access_key.unwrap_or_default()),
        session_token: Zeroizing::new(credentials.session_token.unwrap_or_default()),
    });
    if !is_entered {
        return Err(person.failure(IamError::validation("return from a role before you switch to another one")));
    }
    Ok(person.done("/console", format!("You act as {arn} now.")))
}

/// The name of the session of a role: that of the user, which may be shorter than the two characters that it needs.
fn session_name(user: &str) -> String {
    format!("{user:_<2}")
}
