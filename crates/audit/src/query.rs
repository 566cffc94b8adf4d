//! What a look-up asks, and what it finds.

use std::fmt;
use std::str::FromStr;

use bailiwick_model::AccountId;
use bailiwick_operation::Cx;
use jiff::Timestamp;

mod attribute;
mod newest;
mod shown;

pub use attribute::Attribute;
pub(crate) use attribute::{EventLine, resource_type};
pub(crate) use newest::{Hit, Newest};
pub(crate) use shown::without_details;

/// Which events to find.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The account whose events are found. None: events of all accounts and events without an account.
    pub account: Option<AccountId>,
    /// Whether events without an account, of callers who are not known, are found as well as those of `account`.
    pub without_account: bool,
    /// The earliest event time, inclusive.
    pub from: Option<Timestamp>,
    /// The latest event time, inclusive.
    pub to: Option<Timestamp>,
    /// Attributes with the values that they must have: all of them.
    pub filters: Vec<(Attribute, String)>,
    /// The position of the last event of the page before.
    pub after: Option<Position>,
    /// The maximum number of events on a page; at least 1. A page of long events has fewer.
    pub limit: usize,
}

/// The place of an event in the order of the trail: by time, then by sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The event time, in microseconds since 1970.
    pub time: i64,
    /// The sequence number of the line.
    pub sequence: u64,
}

/// A page of events, newest first.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The events.
    pub events: Vec<Found>,
    /// Where the next page begins, if there may be more events.
    pub next: Option<Position>,
    /// The segments that may have such events and cannot be read, in whole or in part, by name.
    pub unreadable: Vec<String>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The record as it was written, a JSON object without the line feed.
    pub line: String,
    /// Its position.
    pub position: Position,
}

impl Query {
    /// A query for the events that the caller's account sees. The management account also sees those without an account.
    pub fn of(cx: &Cx) -> Self {
        let account = cx.account();
        let without_account = account == cx.deployment().management_account;
        Query { account: Some(account), without_account, limit: 50, ..Query::default() }
    }

    /// Adds a filter, if there is a value.
    #[must_use]
    pub fn filter(mut self, attribute: Attribute, value: Option<String>) -> Self {
        self.filters.extend(value.map(|value| (attribute, value)));
        self
    }

    /// Whether events of this account, as a line names it, may be found.
    pub(crate) fn sees(&self, account: &str) -> bool {
        match self.account {
            None => true,
            Some(_) if account.is_empty() => self.without_account,
            Some(own) => account.as_bytes() == own.digits(),
        }
    }

    /// Whether a line is found, but for its position.
    pub(crate) fn matches(&self, line: &EventLine<'_>) -> bool {
        self.sees(line.account()) && self.filters.iter().all(|(attribute, value)| line.has(*attribute, value))
    }

    /// Whether an event at this position may be on the page.
    pub(crate) fn includes(&self, position: Position) -> bool {
        self.from.is_none_or(|from| from.as_microsecond() <= position.time)
            && self.to.is_none_or(|to| position.time <= to.as_microsecond())
            && self.after.is_none_or(|after| position < after)
    }

    /// Writes ids of events as the lines have them.
    pub(crate) fn normalized(mut self) -> Self {
        for (attribute, value) in &mut self.filters {
            if *attribute == Attribute::EventId {
                *value = with_dashes(value);
            }
        }
        self.limit = self.limit.max(1);
        self
    }
}

/// The id of an event with the dashes of a UUID.
pub(crate) fn with_dashes(id: &str) -> String {
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return id.to_owned();
    }
    [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-")
}

impl Found {
    /// The values of an attribute: none, one, or for resources several.
    pub fn values(&self, attribute: Attribute) -> Vec<String> {
        let mut values = Vec::new();
        if let Some(line) = EventLine::parse(self.line.as_bytes()) {
            line.values(attribute, &mut |value| values.push(value.to_owned()));
        }
        values
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.time, self.sequence)
    }
}

/// The text was not made from a [`Position`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionError;

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (time, sequence) = text.split_once('/').ok_or(PositionError)?;
        match (time.parse(), sequence.parse()) {
            (Ok(time), Ok(sequence)) => Ok(Position { time, sequence }),
            _ => Err(PositionError),
        }
    }
}
