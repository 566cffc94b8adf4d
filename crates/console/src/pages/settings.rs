//! Settings of the account: its alias and its password policy.

use bailiwick_api::iam::{
    CreateAccountAliasRequest, DeleteAccountAliasRequest, DeleteAccountPasswordPolicyRequest,
    GetAccountPasswordPolicyRequest, ListAccountAliasesRequest, PasswordPolicy, UpdateAccountPasswordPolicyRequest,
};
use bailiwick_api::op;
use bailiwick_model::{ErrorCode, IamError};
use http::StatusCode;

use crate::pages::rows;
use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::view::{Cell, Change, DetailPage, Field, Problem, Section};

/// The ticked boxes of the password policy, with their labels.
const TICKS: [(&str, &str); 5] = [
    ("uppercase", "An upper-case letter is required"),
    ("lowercase", "A lower-case letter is required"),
    ("numbers", "A digit is required"),
    ("symbols", "A symbol is required"),
    ("change", "Users may change their own passwords"),
];

/// Answers `/console/settings`.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    let error = if person.is_post() {
        match change(person).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        }
    } else {
        None
    };
    let (policy, own) = policy(person).await;
    let page = DetailPage {
        chrome: person.chrome("Settings"),
        back: ("/console", "Home"),
        problem: error.as_ref().map(Problem::new),
        facts: person.facts(vec![("Account", Cell::Code(person.account()))]),
        changes: Vec::new(),
        sections: vec![aliases(person).await, policy],
        documents: Vec::new(),
        destroying: own.then(|| delete_policy(person)).into_iter().collect(),
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

async fn aliases(person: &Person<'_>) -> Section {
    let listed = person.call::<op::ListAccountAliases>(ListAccountAliasesRequest::default()).await;
    let row = |alias: String| {
        let remove = Cell::button("Remove", &alias, &[("do", "remove-alias"), ("alias", &alias)]);
        vec![Cell::Text(alias), remove]
    };
    let table = person.table("Alias", &["Alias", "Change"], "No alias: people sign in with the account's id.");
    let table = rows(table, listed.map(|listed| listed.account_aliases.into_iter().map(row).collect()));
    let alias = Field::line("alias", "Alias", 63).required().hint("Lower-case letters, digits and hyphens.");
    Section::new("Alias", table).with(person.change("Set the alias", "set-alias", vec![alias]))
}

/// The password policy, and whether the account has one of its own.
async fn policy(person: &Person<'_>) -> (Section, bool) {
    let found = person.call::<op::GetAccountPasswordPolicy>(GetAccountPasswordPolicyRequest {}).await;
    let (found, own) = match found {
        Ok(answer) => (Ok(answer.password_policy.unwrap_or_default()), true),
        Err(error) if error.error.code() == ErrorCode::NoSuchEntity => (Ok(PasswordPolicy::default()), false),
        Err(error) => (Err(error), false),
    };
    let change = form(person, found.as_ref().ok());
    let empty = "The account has no password policy of its own: AWS's default applies, 8 characters of three kinds.";
    let table = person.table("Password policy", &["Rule", "Value"], empty);
    let found = found.map(|policy| if own { rules(&policy) } else { Vec::new() });
    (Section::new("Password policy", rows(table, found)).with(change), own)
}

fn rules(policy: &PasswordPolicy) -> Vec<Vec<Cell>> {
    let number = |number: Option<i32>| Cell::text(number.map(|number| number.to_string()));
    let numbers = [
        ("Least length", number(policy.minimum_password_length)),
        ("Days until a password expires", number(policy.max_password_age)),
        ("Former passwords that are refused", number(policy.password_reuse_prevention)),
        ("An expired password needs an administrator", yes(policy.hard_expiry)),
    ];
    let ticks = TICKS.into_iter().zip(ticked(policy)).map(|((_, label), is_set)| (label, yes(Some(is_set))));
    numbers.into_iter().chain(ticks).map(|(label, cell)| vec![Cell::Text(label.to_owned()), cell]).collect()
}

fn yes(value: Option<bool>) -> Cell {
    Cell::text(if value == Some(true) { "yes" } else { "no" }.to_owned())
}

fn ticked(policy: &PasswordPolicy) -> [bool; 5] {
    [
        policy.require_uppercase_characters,
        policy.require_lowercase_characters,
        policy.require_numbers,
        policy.require_symbols,
        policy.allow_users_to_change_password,
    ]
    .map(|value| value == Some(true))
}

fn form(person: &Person<'_>, policy: Option<&PasswordPolicy>) -> Change {
    let number = |value: Option<i32>| value.map(|value| value.to_string()).unwrap_or_default();
    let of = |read: fn(&PasswordPolicy) -> Option<i32>| number(policy.and_then(read));
    let mut fields = vec![
        Field::line("length", "Least length", 3).with(of(|policy| policy.minimum_password_length)).hint("6 to 128."),
        Field::line("age", "Days until a password expires", 4)
            .with(of(|policy| policy.max_password_age))
            .hint("Empty: it does not expire."),
        Field::line("reuse", "Former passwords that are refused", 2)
            .with(of(|policy| policy.password_reuse_prevention))
            .hint("Up to 24."),
        Field::tick("hard", "An expired password needs an administrator")
            .with(if policy.and_then(|policy| policy.hard_expiry) == Some(true) { "1" } else { "" }),
    ];
    let is_set = policy.map(ticked).unwrap_or_default();
    let ticks = TICKS.into_iter().zip(is_set);
    fields.extend(ticks.map(|((name, label), is_set)| Field::tick(name, label).with(if is_set { "1" } else { "" })));
    person
        .change("Change the password policy", "set-policy", fields)
        .about("What is not ticked or filled in is not asked.")
}

fn delete_policy(person: &Person<'_>) -> Change {
    let change = person.change("Delete the password policy", "delete-policy", Vec::new());
    change.about("AWS's default applies then.").destroys(&person.account())
}

async fn change(person: &Person<'_>) -> Called<Page> {
    let form = person.form();
    let message = match person.asked() {
        "set-alias" => {
            let asked = CreateAccountAliasRequest { account_alias: form.text("alias") };
            person.call::<op::CreateAccountAlias>(asked).await?;
            "The alias was set."
        }
        "remove-alias" => {
            let asked = DeleteAccountAliasRequest { account_alias: form.text("alias") };
            person.call::<op::DeleteAccountAlias>(asked).await?;
            "The alias was removed."
        }
        "set-policy" => {
            let asked = UpdateAccountPasswordPolicyRequest {
                minimum_password_length: number(person, "length")?,
                max_password_age: number(person, "age")?,
                password_reuse_prevention: number(person, "reuse")?,
                hard_expiry: Some(form.is_set("hard")),
                require_uppercase_characters: Some(form.is_set("uppercase")),
                require_lowercase_characters: Some(form.is_set("lowercase")),
                require_numbers: Some(form.is_set("numbers")),
                require_symbols: Some(form.is_set("symbols")),
                allow_users_to_change_password: Some(form.is_set("change")),
            };
            person.call::<op::UpdateAccountPasswordPolicy>(asked).await?;
            "The password policy was changed."
        }
        "delete-policy" => {
            person.check_typed(&person.account())?;
            person.call::<op::DeleteAccountPasswordPolicy>(DeleteAccountPasswordPolicyRequest {}).await?;
            "The password policy was deleted."
        }
        _ => return Err(person.unknown_change()),
    };
    Ok(person.done("/console/settings", message))
}

/// A number that may be left out. A text that is not one must not count as left out.
fn number(person: &Person<'_>, name: &str) -> Called<Option<i32>> {
    let wrong = |text: &str| person.failure(IamError::validation(format!("`{text}` is not a number")));
    person.form().text(name).map(|text| text.parse().map_err(|_| wrong(&text))).transpose()
}
