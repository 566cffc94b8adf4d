//! Accounts of the deployment, for the management account.

use bailiwick_api::account::{
    Account, AccountStatus, CreateAccountRequest, ListAccountsRequest, ResumeAccountRequest, SuspendAccountRequest,
};
use bailiwick_api::op;
use http::StatusCode;

use crate::pages::rows;
use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::view::{Cell, DetailPage, Field, Problem, Section, url};

/// The role that an account is created with, which the management account may assume.
const ROLE: &str = "OrganizationAccountAccessRole";

/// Answers `/console/accounts`.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    let error = if person.is_post() {
        match change(person).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        }
    } else {
        None
    };
    let asked = ListAccountsRequest { marker: person.query().text("marker"), max_items: Some(100) };
    let listed = person.call::<op::ListAccounts>(asked).await;
    let marker = listed.as_ref().ok().and_then(|listed| listed.marker.clone());
    let row = |account: Account| {
        let id = account.account_id.clone();
        let (kind, status) = match account.status() {
            AccountStatus::Active => ("good", "active"),
            AccountStatus::Suspended => ("warn", "suspended"),
            _ => ("bad", "closed"),
        };
        let change = match account.status() {
            _ if account.management => Cell::text(None),
            AccountStatus::Active => {
                let switch = url("switch", &[("account", &id), ("role", ROLE)]);
                Cell::Link { url: switch, text: "Switch role".to_owned() }
            }
            AccountStatus::Suspended => Cell::button("Resume", &id, &[("do", "resume"), ("account", &id)]),
            _ => Cell::text(None),
        };
        vec![
            Cell::Text(account.account_name),
            Cell::Code(id),
            Cell::text(account.email),
            Cell::badge(kind, status),
            Cell::Time(person.moment(account.create_date.as_ref())),
            change,
        ]
    };
    let columns = ["Name", "Id", "Email", "Status", "Created", "Change"];
    let table = person.table("Accounts", &columns, "No account.");
    let table = rows(table, listed.map(|listed| listed.accounts.into_iter().map(row).collect()));
    let fields = vec![
        Field::line("name", "Name", 50).required(),
        Field::line("email", "Email address", 64).required(),
        Field::line("role", "Role for administrators", 64).with(ROLE).hint("The management account may assume it."),
    ];
    let suspend = vec![Field::line("account", "Type the id of the account to suspend", 12).required()];
    let suspend = person.change("Suspend an account", "suspend", suspend);
    let create = person.change("Create an account", "create", fields);
    let mut section = Section::new("Accounts", table)
        .with(create)
        .with(suspend.about("All its credentials are refused until it is resumed. Nothing is deleted.").dangerous());
    if let Some(marker) = marker.filter(|marker| !marker.is_empty()) {
        section = section.link(url("accounts", &[("marker", &marker)]), "Next page");
    }
    let page = DetailPage {
        chrome: person.chrome("Accounts"),
        back: ("/console", "Home"),
        problem: error.as_ref().map(Problem::new),
        facts: person.facts(Vec::new()),
        changes: Vec::new(),
        sections: vec![section],
        documents: Vec::new(),
        destroying: Vec::new(),
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

async fn change(person: &Person<'_>) -> Called<Page> {
    let form = person.form();
    let account_id = form.text("account");
    let message = match person.asked() {
        "create" => {
            let (account_name, email) = (form.text("name"), form.text("email"));
            let asked = CreateAccountRequest { account_name, email, role_name: form.text("role") };
            let made = person.call::<op::CreateAccount>(asked).await?;
            format!(
                "The account {} was created. Its role is {}.",
                made.account.unwrap_or_default().account_id,
                made.role_arn
            )
        }
        "suspend" => {
            person.call::<op::SuspendAccount>(SuspendAccountRequest { account_id }).await?;
            format!("The account {} is suspended.", form.typed("account"))
        }
        "resume" => {
            person.call::<op::ResumeAccount>(ResumeAccountRequest { account_id }).await?;
            format!("The account {} is active.", form.typed("account"))
        }
        _ => return Err(person.unknown_change()),
    };
    Ok(person.done("/console/accounts", message))
}
