//! The audit trail: a search whose address can be shared, and each event with its record.

mod times;

use askama::Template;
use bailiwick_api::audit::{Event, EventFilter, SearchEventsRequest, SearchEventsResponse};
use bailiwick_api::{OPERATIONS, op};
use bailiwick_model::{ErrorCode, IamError};
use http::StatusCode;

use crate::pages::{document, home, missing};
use crate::person::{Page, Person};
use crate::request::Called;
use crate::view::{Cell, Chrome, Facts, Pager, Problem, Table, link_of_arn};

/// How many events a page shows.
const PAGE: i32 = 50;
/// The members of the search, which its pages keep.
const KEPT: [&str; 9] = ["from", "to", "user", "event", "resource", "key", "error", "address", "kind"];

/// Answers `/console/audit/…`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    match rest {
        "" => search(person).await,
        "event" => event(person).await,
        _ => missing(person),
    }
}

async fn search(person: &Person<'_>) -> Page {
    let query = person.query();
    let mut page = AuditPage {
        chrome: person.chrome("Audit trail"),
        from: query.typed("from"),
        to: query.typed("to"),
        user: query.typed("user"),
        event: query.typed("event"),
        resource: query.typed("resource"),
        key: query.typed("key"),
        error: query.typed("error"),
        address: query.typed("address"),
        kind: query.typed("kind"),
        names: OPERATIONS.iter().map(|row| row.name).collect(),
        problem: None,
        found: None,
    };
    match found(person, &page).await {
        Ok(response) => {
            page.found = Some(Found::new(person, response));
            person.page(&page)
        }
        Err(error) => {
            let status = StatusCode::from_u16(error.error.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
            page.problem = Some(Problem::new(&error));
            person.page_with(status, &page)
        }
    }
}

async fn found(person: &Person<'_>, page: &AuditPage) -> Called<SearchEventsResponse> {
    let refused = |error| person.failure(error);
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let filter = EventFilter {
        event_name: some(&page.event),
        username: some(&page.user).filter(|user| !user.starts_with("arn:")),
        principal_arn: some(&page.user).filter(|user| user.starts_with("arn:")),
        access_key_id: some(&page.key),
        resource_name: some(&page.resource),
        error_code: some(&page.error),
        source_ip_address: some(&page.address),
        read_only: match page.kind.as_str() {
            "changes" => Some(false),
            "reads" => Some(true),
            _ => None,
        },
        ..EventFilter::default()
    };
    let asked = SearchEventsRequest {
        filter: Some(filter),
        start_time: times::earliest(&page.from).map_err(refused)?,
        end_time: times::latest(&page.to).map_err(refused)?,
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
        let columns = ["Event", "Time", "Who", "Resource", "Result"];
        let table = person.table("Found events", &columns, "No event on this page.");
        let row = |event: Event| {
            vec![
                home::event_link(&event),
                Cell::Time(person.moment(event.event_time.as_ref())),
                Cell::text(event.username),
                event.resource_arns.first().map_or_else(|| Cell::text(None), |arn| link_of_arn(arn)),
                home::result(&event.error_code),
            ]
        };
        Found {
            events: table.rows(Ok(response.events.into_iter().map(row).collect())),
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
    from: String,
    to: String,
    user: String,
    event: String,
    resource: String,
    key: String,
    error: String,
    address: String,
    kind: String,
    names: Vec<&'static str>,
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
