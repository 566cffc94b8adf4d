//! The live tail of the audit trail. The page shows what came since a position; its script asks for more, again and again.

use askama::Template;
use askama::filters::HtmlSafe;
use bailiwick_api::audit::{Event, SearchEventsRequest, TailEventsRequest, TailEventsResponse};
use bailiwick_api::op;
use http::StatusCode;

use crate::pages::audit::{Fields, TABS_LABEL, tabs};
use crate::pages::home;
use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::view::{Chrome, Problem, Tab, Table, url};

/// How many events a page begins with, and how many an answer to the script has.
const SHOWN: i32 = 50;
const PAGE: i32 = 100;
/// How long a request of the script waits for an event, in seconds.
const WAIT: i32 = 15;
/// The members of the search that the tail has.
const KEPT: [&str; 4] = ["user", "event", "resource", "kind"];

/// Answers `/console/audit/live`: the last events, and the position from which the script goes on.
pub(super) async fn answer(person: &Person<'_>) -> Page {
    let fields = Fields::of(person);
    let (tail, error) = match last(person, &fields).await {
        Ok(tail) => (Some(tail), None),
        Err(error) => (None, Some(error)),
    };
    let page = LivePage {
        chrome: person.chrome("Audit trail"),
        tabs: tabs("live"),
        tabs_label: TABS_LABEL,
        fields,
        problem: error.as_ref().map(Problem::new),
        newer: person.request.address().to_owned(),
        tail,
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

/// Answers `/console/audit/live/next` to the script: waits for an event.
pub(super) async fn next(person: &Person<'_>) -> Page {
    let after = person.query().text("after");
    let Some(_watch) = person.request.context.watches.begin(&person.session.form_token) else {
        // Enough requests of the session wait. The script asks again.
        return person.page(&Tail::new(person, Vec::new(), Vec::new(), after.as_deref().unwrap_or_default()));
    };
    match after_position(person, &Fields::of(person), after).await {
        Ok(mut found) => {
            found.events.reverse();
            person.page(&Tail::new(person, found.events, found.unreadable_segments, &found.marker))
        }
        Err(error) => {
            let part = TailProblem { problem: Problem::new(&error) };
            person.page_with(error.status(), &part)
        }
    }
}

/// The last events. The position is read first, so that none is missed; the script leaves out those that are shown.
async fn last(person: &Person<'_>, fields: &Fields) -> Called<Tail> {
    let position = after_position(person, fields, None).await?.marker;
    let asked = SearchEventsRequest { filter: Some(fields.filter()), max_items: Some(SHOWN), ..Default::default() };
    let found = person.call::<op::SearchEvents>(asked).await?;
    Ok(Tail::new(person, found.events, found.unreadable_segments, &position))
}

async fn after_position(person: &Person<'_>, fields: &Fields, marker: Option<String>) -> Called<TailEventsResponse> {
    let (filter, max_items, wait_seconds) = (Some(fields.filter()), Some(PAGE), Some(WAIT));
    person.call::<op::TailEvents>(TailEventsRequest { filter, marker, max_items, wait_seconds }).await
}

/// Events, the newest first.
#[derive(Template)]
#[template(path = "parts/tail.html")]
struct Tail {
    events: Table,
    /// The segments that cannot be read, whose events may be missing.
    unreadable: Vec<String>,
    /// The address that the script asks for what comes after these events.
    next: String,
}

impl HtmlSafe for Tail {}

impl Tail {
    fn new(person: &Person<'_>, events: Vec<Event>, unreadable: Vec<String>, position: &str) -> Self {
        let kept = KEPT.iter().map(|name| (*name, person.query().raw(name))).filter(|(_, value)| !value.is_empty());
        let next = url(super::NEXT, &kept.chain([("after", position)]).collect::<Vec<_>>());
        Tail { events: home::events(person, "Events", "No event yet.", events), unreadable, next }
    }
}

#[derive(Template)]
#[template(path = "live.html")]
struct LivePage {
    chrome: Chrome,
    tabs: Vec<Tab>,
    tabs_label: &'static str,
    fields: Fields,
    problem: Option<Problem>,
    /// The address that loads the last events again.
    newer: String,
    tail: Option<Tail>,
}

#[derive(Template)]
#[template(source = "{{ problem }}", ext = "html")]
struct TailProblem {
    problem: Problem,
}
