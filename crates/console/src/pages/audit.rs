//! The audit trail: a search whose address can be shared, and each event with its record.

mod live;
mod times;

use askama::Template;
use bailiwick_api::audit::{EventFilter, SearchEventsRequest, SearchEventsResponse};
use bailiwick_api::{OPERATIONS, op};
use bailiwick_model::{ErrorCode, IamError};
use http::StatusCode;

use crate::pages::{document, home, missing};
use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::view::{Cell, Chrome, Facts, Pager, Problem, Tab, Table, link_of_arn, url};

/// How many events a page shows.
const PAGE: i32 = 50;
/// The members of the search, which its pages keep.
const KEPT: [&str; 9] = ["from", "to", "user", "event", "resource", "key", "error", "address", "kind"];

/// The path at which the script of the live tail asks.
pub(super) const NEXT: &str = "audit/live/next";

/// Answers `/console/audit/…`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    match rest {
        "" => search(person).await,
        "event" => event(person).await,
        "live" => live::answer(person).await,
        "live/next" => live::next(person).await,
        _ => missing(person),
    }
}

/// What the events must have, as it was typed. The live tail has the first four.
struct Fields {
    user: String,
    event: String,
    resource: String,
    kind: String,
    key: String,
    error: String,
    address: String,
}

impl Fields {
    fn of(person: &Person<'_>) -> Self {
        let typed = |name| person.query().typed(name);
        Fields {
            user: typed("user"),
            event: typed("event"),
            resource: typed("resource"),
            kind: typed("kind"),
            key: typed("key"),
            error: typed("error"),
            address: typed("address"),
        }
    }

    fn filter(&self) -> EventFilter {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        EventFilter {
            event_name: some(&self.event),
            username: some(&self.user).filter(|user| !user.starts_with("arn:")),
            principal_arn: some(&self.user).filter(|user| user.starts_with("arn:")),
            access_key_id: some(&self.key),
            resource_name: some(&self.resource),
            error_code: some(&self.error),
            source_ip_address: some(&self.address),
            read_only: match self.kind.as_str() {
                "changes" => Some(false),
                "reads" => Some(true),
                _ => None,
            },
            ..EventFilter::default()
        }
    }

    /// Whether one of those that the live tail has is filled.
    fn are_filled(&self) -> bool {
        [&self.user, &self.event, &self.resource, &self.kind].iter().any(|text| !text.is_empty())
    }

    /// The names of events that are suggested.
    fn names(&self) -> impl Iterator<Item = &'static str> {
        OPERATIONS.iter().map(|row| row.name)
    }
}

/// What the tabs are a choice of.
const TABS_LABEL: &str = "Audit trail";

/// The links to the search and to the live tail.
fn tabs(current: &str) -> Vec<Tab> {
    let tab = |(word, path, label): (&str, &str, &'static str)| Tab {
        url: url(path, &[]),
        label,
        is_current: word == current,
    };
    [("search", "audit", "Search"), ("live", "audit/live", "Live")].map(tab).into()
}

async fn search(person: &Person<'_>) -> Page {
    let query = person.query();
    let fields = Fields::of(person);
    let (from, to) = (query.typed("from"), query.typed("to"));
    let (found, error) = match found(person, fields.filter(), &from, &to).await {
        Ok(response) => (Some(Found::new(person, response)), None),
        Err(error) => (None, Some(error)),
    };
    let page = AuditPage {
        chrome: person.chrome("Audit trail"),
        tabs: tabs("search"),
        tabs_label: TABS_LABEL,
        from,
        to,
        fields,
        problem: error.as_ref().map(Problem::new),
        found,
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

async fn found(person: &Person<'_>, filter: EventFilter, from: &str, to: &str) -> Called<SearchEventsResponse> {
    let refused = |error| person.failure(error);
    let asked = SearchEventsRequest {
        filter: Some(filter),
        start_time: times::earliest(from).map_err(refused)?,
        end_time: times::latest(to).map_err(refused)?,
        marker: person.query().text("marker"),
        max_items: Some(PAGE),
    };
    person.call::<op::SearchEvents>(asked).await
}

struct Found {
    events: Table,
    /// Segments that cannot be read, whose events may be missing.
    unreadable: Vec<String>,
    pager: Pager,
}

impl Found {
    fn new(person: &Person<'_>, response: SearchEventsResponse) -> Self {
        Found {
            events: home::events(person, "Found events", "No event on this page.", response.events),
            unreadable: response.unreadable_segments,
            pager: person.pager("audit", &KEPT, response.marker.as_deref()),
        }
    }
}

async fn event(person: &Person<'_>) -> Page {
    let id = person.query().typed("id");
    let filter = EventFilter { event_id: Some(id.clone()), ..EventFilter::default() };
    let asked = SearchEventsRequest { filter: Some(filter), max_items: Some(1), ..SearchEventsRequest::default() };
    let found = person.call::<op::SearchEvents>(asked).await?.events.into_iter().next();
    let Some(event) = found else {
        return Err(
            person.failure(IamError::new(ErrorCode::NoSuchEntity, format!("there is no event `{id}` in the trail")))
        );
    };
    let mut facts = vec![
        ("Time", Cell::Time(person.moment(event.event_time.as_ref()))),
        ("Service", Cell::text(event.event_source)),
        ("Who", Cell::text(event.username)),
        ("Principal", Cell::text(event.principal_arn)),
        ("Access key", Cell::text(event.access_key_id)),
        ("From", Cell::text(event.source_ip_address)),
        ("Kind", Cell::text(if event.read_only { "reads" } else { "changes" }.to_owned())),
        ("Category", Cell::text(event.event_category)),
        ("Result", home::result(&event.error_code)),
    ];
    if event.error_code == "AccessDenied" {
        facts.push(("Explanation", Cell::link("denials", "id", &event.event_id, "Why it was denied")));
    }
    facts.extend(event.resource_arns.iter().map(|arn| ("Resource", link_of_arn(arn))));
    facts.push(("Event id", Cell::Code(event.event_id)));
    person.page(&EventPage {
        chrome: person.chrome(event.event_name),
        facts: person.facts(facts),
        record: document::indent(&event.record),
    })
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    chrome: Chrome,
    tabs: Vec<Tab>,
    tabs_label: &'static str,
    from: String,
    to: String,
    fields: Fields,
    problem: Option<Problem>,
    found: Option<Found>,
}

#[derive(Template)]
#[template(path = "event.html")]
struct EventPage {
    chrome: Chrome,
    facts: Facts,
    record: String,
}
