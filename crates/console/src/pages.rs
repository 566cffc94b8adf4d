//! The pages, one file for each noun, and the pages for those who are not signed in.

mod access;
mod accounts;
mod audit;
mod choices;
mod credentials;
mod denials;
mod document;
mod editor;
pub(crate) mod federation;
mod file;
pub(crate) mod first;
mod groups;
mod home;
mod identity;
mod inline;
mod known;
mod last_accessed;
mod list;
mod mfa;
mod object;
mod passkey;
mod policies;
mod profile;
mod prove;
mod providers;
mod reports;
mod review;
mod roles;
mod sessions;
mod settings;
pub(crate) mod sign_in;
mod simulate;
mod suggest;
mod switch;
mod users;

use askama::Template;
use bailiwick_api::audit::EventFilter;
use bailiwick_api::iam::{AttachedPolicy, Tag};
use bailiwick_model::{ErrorCode, IamError};
use http::StatusCode;

use crate::pages::identity::Identity;
use crate::person::{Page, Person};
use crate::reply::{self, Reply};
use crate::request::{CallError, Called, Request};
use crate::view::{Assets, Cell, Field, Problem, Section, Table};

/// Answers a request of a person who is signed in, by the first part of its path.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    if let Some(page) = prove::before_rights(person).await {
        return page;
    }
    let path = person.request.path();
    let (noun, rest) = path.split_once('/').unwrap_or((path, ""));
    match (noun, rest) {
        ("", "") => home::answer(person).await,
        ("file", "") => file::answer(person),
        ("first", "") => first::guide(person).await,
        ("inline", "") => inline::answer(person).await,
        ("mfa", "") => mfa::answer(person).await,
        ("passkey", "") => passkey::answer(person).await,
        ("profile", "") => profile::answer(person).await,
        ("prove", "") => prove::answer(person).await,
        ("access", rest) => access::answer(person, rest).await,
        ("audit", rest) => audit::answer(person, rest).await,
        ("denials", rest) => denials::answer(person, rest).await,
        ("groups", rest) => groups::answer(person, rest).await,
        ("policies", rest) => policies::answer(person, rest).await,
        ("roles", rest) => roles::answer(person, rest).await,
        ("accounts", "") => accounts::answer(person).await,
        ("providers", rest) => providers::answer(person, rest).await,
        ("reports", "") => reports::answer(person).await,
        ("last-accessed", "") => last_accessed::answer(person).await,
        ("sessions", "") => sessions::answer(person).await,
        ("simulate", "") => simulate::answer(person).await,
        ("suggest", "") => suggest::answer(person).await,
        ("settings", "") => settings::answer(person).await,
        ("switch", "") => switch::answer(person).await,
        ("users", rest) => users::answer(person, rest).await,
        ("what-can", rest) => review::what_can::answer(person, rest).await,
        ("who-can", rest) => review::who_can::answer(person, rest).await,
        _ => missing(person),
    }
}

/// Whether the script asks this by itself, without the person.
pub(crate) fn asks_by_itself(path: &str) -> bool {
    path == audit::NEXT
}

/// The tables of attached and of inline policies, with the form that attaches some.
async fn policy_sections(person: &Person<'_>, identity: &Identity) -> [Section; 2] {
    let row = |policy: AttachedPolicy| {
        let (name, arn) = (policy.policy_name.unwrap_or_default(), policy.policy_arn.unwrap_or_default());
        let detach = Cell::button("Detach", &name, &[("do", "detach-policy"), ("arn", &arn)]);
        vec![Cell::link("policies/policy", "arn", &arn, name), Cell::Code(arn), detach]
    };
    let attached = identity.attached(person).await;
    let arns = attached.iter().flatten().filter_map(|policy| policy.policy_arn.clone()).collect::<Vec<_>>();
    let attached = attached.map(|policies| policies.into_iter().map(row).collect());
    let table = person.table("Attached policies", &["Policy", "ARN", "Change"], "No managed policy is attached.");
    let fields = choices::policy_fields(person, &arns).await;
    let attach = person.change("Attach policies", "attach-policies", fields);
    let inline_row = |policy: String| vec![Cell::Link { url: inline::address(identity, &policy), text: policy }];
    let inline = identity.inline(person).await.map(|policies| policies.into_iter().map(inline_row).collect());
    let inline = rows(person.table("Inline policies", &["Name"], "No inline policy."), inline);
    [
        Section::new("Attached policies", rows(table, attached)).with(attach),
        Section::new("Inline policies", inline).link(inline::address(identity, ""), "Create an inline policy"),
    ]
}

/// The table of tags, which `add-tag` and `remove-tag` change.
fn tag_section(person: &Person<'_>, tags: Vec<Tag>) -> Section {
    let row = |tag: Tag| {
        let key = tag.key.unwrap_or_default();
        let remove = Cell::button("Remove", &key, &[("do", "remove-tag"), ("key", &key)]);
        vec![Cell::Text(key), Cell::text(tag.value), remove]
    };
    let rows = tags.into_iter().map(row).collect();
    let table = person.table("Tags", &["Key", "Value", "Change"], "No tag.").rows(Ok(rows));
    let fields = vec![Field::line("key", "Key", 128).required(), Field::line("value", "Value", 256)];
    Section::new("Tags", table).with(person.change("Set a tag", "add-tag", fields))
}

/// The table with its rows, or with the error of the call.
fn rows(table: Table, called: Called<Vec<Vec<Cell>>>) -> Table {
    table.rows(called.map_err(|error| Problem::new(&error)))
}

/// The last changes of an object and by it.
async fn history(person: &Person<'_>, arn: &str) -> Table {
    let resource_name = Some(arn.to_owned());
    home::changes(person, EventFilter { resource_name, read_only: Some(false), ..EventFilter::default() }).await
}

/// There is no such page.
pub(crate) fn missing(person: &Person<'_>) -> Page {
    let message = format!("there is no page at {}", person.request.head.uri.path());
    Err(person.failure(IamError::new(ErrorCode::NoSuchEntity, message)))
}

/// The page that refuses a request before it is known whose it is.
pub(crate) fn refusal(status: StatusCode, error: &IamError, request_id: &str) -> Reply {
    let copy = IamError::new(error.code(), error.message().to_owned());
    let problem = Problem::new(&CallError { error: copy, request_id: request_id.to_owned() });
    bare(status, &RefusalPage { assets: Assets::default(), problem })
}

/// A page that loads the same address again, now as a page of the console itself, so that the browser sends the cookie.
pub(crate) fn continued(request: &Request<'_>) -> Reply {
    let page = ContinuedPage { assets: Assets::default(), address: request.address().to_owned() };
    bare(StatusCode::OK, &page)
}

/// A page without the frame of those who are signed in.
pub(crate) fn bare(status: StatusCode, template: &impl Template) -> Reply {
    let failed = |_| reply::text(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be written");
    template.render().map_or_else(failed, |html| reply::html(status, html))
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage {
    assets: Assets,
    problem: Problem,
}

#[derive(Template)]
#[template(path = "continued.html")]
struct ContinuedPage {
    assets: Assets,
    address: String,
}
