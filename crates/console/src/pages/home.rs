//! The first page: findings, counts, recent changes.

use askama::Template;
use bailiwick_api::account::{FindingSeverity, ListFindingsRequest};
use bailiwick_api::audit::{Event, EventFilter, SearchEventsRequest};
use bailiwick_api::iam::GetAccountSummaryRequest;
use bailiwick_api::op;

use crate::person::{Page, Person};
use crate::view::{Cell, Chrome, Problem, Table, link_of_arn};

/// How many findings and changes are shown.
const SHOWN: i32 = 20;

/// Answers with the first page.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    let findings = findings(person).await;
    let (counts, counts_problem) = counts(person).await;
    let changes = changes(person, EventFilter { read_only: Some(false), ..EventFilter::default() }).await;
    let second_factor = person.session.has_second_factor;
    person.page(&HomePage { chrome: person.chrome("Home"), second_factor, findings, counts, counts_problem, changes })
}

/// The findings about the account, the worst first.
pub(crate) async fn findings(person: &Person<'_>) -> Table {
    let asked = ListFindingsRequest { max_items: Some(200), ..ListFindingsRequest::default() };
    let found = person.call::<op::ListFindings>(asked).await.map_err(|error| Problem::new(&error));
    let rows = found.map(|mut found| {
        found.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let shown = found.findings.into_iter().take(SHOWN.unsigned_abs() as usize);
        shown
            .map(|finding| {
                let (kind, text) = match finding.severity() {
                    FindingSeverity::Critical => ("bad", "critical"),
                    FindingSeverity::High => ("bad", "high"),
                    FindingSeverity::Medium => ("warn", "medium"),
                    _ => ("", "low"),
                };
                vec![
                    Cell::Text(finding.text),
                    Cell::badge(kind, text),
                    link_of_arn(&finding.resource),
                    Cell::Text(finding.recommendation),
                ]
            })
            .collect()
    });
    let empty = "Nothing to do: no finding in this account.";
    person.table("Findings", &["Finding", "Severity", "About", "What to do"], empty).rows(rows)
}

async fn counts(person: &Person<'_>) -> (Vec<Count>, Option<Problem>) {
    match person.call::<op::GetAccountSummary>(GetAccountSummaryRequest {}).await {
        Err(error) => (Vec::new(), Some(Problem::new(&error))),
        Ok(summary) => {
            let count = |name: &str| summary.summary_map.get(name).copied().unwrap_or_default();
            let nouns = [("users", "Users"), ("groups", "Groups"), ("roles", "Roles"), ("policies", "Policies")];
            let of = |(path, label)| Count { path, label, number: count(label) };
            (nouns.into_iter().map(of).collect(), None)
        }
    }
}

/// The last events that the filter selects, as a table.
pub(crate) async fn changes(person: &Person<'_>, filter: EventFilter) -> Table {
    let asked = SearchEventsRequest { filter: Some(filter), max_items: Some(SHOWN), ..SearchEventsRequest::default() };
    match person.call::<op::SearchEvents>(asked).await {
        Ok(found) => events(person, "Events", "No event yet.", found.events),
        Err(error) => events(person, "Events", "", Vec::new()).rows(Err(Problem::new(&error))),
    }
}

/// Events as a table.
pub(crate) fn events(person: &Person<'_>, caption: &str, empty: &'static str, events: Vec<Event>) -> Table {
    let row = |event: Event| {
        vec![
            event_link(&event),
            Cell::Time(person.moment(event.event_time.as_ref())),
            Cell::text(event.username),
            event.resource_arns.first().map_or_else(|| Cell::text(None), |arn| link_of_arn(arn)),
            result(&event.error_code),
        ]
    };
    let columns = ["Event", "Time", "Who", "Resource", "Result"];
    person.table(caption, &columns, empty).rows(Ok(events.into_iter().map(row).collect()))
}

/// The name of an event, as a link to its record.
fn event_link(event: &Event) -> Cell {
    Cell::link("audit/event", "id", &event.event_id, &*event.event_name)
}

/// The result of a call, by the code of its error.
pub(super) fn result(error_code: &str) -> Cell {
    match error_code {
        "" => Cell::badge("good", "done"),
        code => Cell::badge("warn", code),
    }
}

struct Count {
    path: &'static str,
    label: &'static str,
    number: i32,
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    chrome: Chrome,
    second_factor: bool,
    findings: Table,
    counts: Vec<Count>,
    counts_problem: Option<Problem>,
    changes: Table,
}
