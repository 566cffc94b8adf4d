//! What templates share: the frame around a page, times, ARNs, errors, links to the next page.

mod change;
mod object;
mod table;

use std::fmt::Write as _;

use askama::Template;
use askama::filters::HtmlSafe;
use bailiwick_model::{ErrorCode, ErrorKind};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::assets;
use crate::form::Form;
use crate::request::CallError;
use crate::session::{RoleSession, SignedIn};

pub(crate) use change::{Change, ChangePage, Field, Input, SecretPage, Tab};
pub(crate) use object::ObjectPage;
pub(crate) use table::{Cell, Facts, Head, Sorted, Table};

/// The navigation: the path after `/console/`, and the label.
pub(crate) const NAVIGATION: &[(&str, &str)] = &[
    ("", "Home"),
    ("users", "Users"),
    ("groups", "Groups"),
    ("roles", "Roles"),
    ("policies", "Policies"),
    ("providers", "Identity providers"),
    ("access", "Access check"),
    ("who-can", "Who can"),
    ("what-can", "What can"),
    ("denials", "Denied request"),
    ("simulate", "Simulator"),
    ("audit", "Audit trail"),
    ("sessions", "Sessions"),
    ("last-accessed", "Last accessed"),
    ("reports", "Reports"),
    ("accounts", "Accounts"),
    ("settings", "Settings"),
];

/// What may stand in a query string as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What the layout shows around a page.
pub(crate) struct Chrome {
    pub(crate) title: String,
    pub(crate) account: String,
    pub(crate) name: String,
    /// The ARN of the role that the person switched to.
    pub(crate) role: Option<String>,
    pub(crate) form_token: String,
    /// The token of the forms that mean the same for every role: they return from it and end the session.
    pub(crate) session_token: String,
    pub(crate) flash: Option<String>,
    pub(crate) navigation: Vec<NavigationItem>,
    pub(crate) assets: Assets,
}

/// A link of the navigation.
pub(crate) struct NavigationItem {
    pub(crate) url: String,
    pub(crate) label: &'static str,
    pub(crate) is_current: bool,
}

/// The addresses of the assets.
pub(crate) struct Assets {
    pub(crate) stylesheet: &'static str,
    pub(crate) script: &'static str,
    pub(crate) icon: &'static str,
}

impl Default for Assets {
    fn default() -> Self {
        Assets { stylesheet: &assets::STYLESHEET.url, script: &assets::SCRIPT.url, icon: &assets::ICON.url }
    }
}

impl Chrome {
    /// The frame of a page of that title.
    pub(crate) fn new(path: &str, session: &SignedIn, role: Option<&RoleSession>, title: String) -> Self {
        let first = path.split('/').next().unwrap_or_default();
        let item = |&(path, label): &(&str, &'static str)| NavigationItem {
            url: if path.is_empty() { "/console".to_owned() } else { format!("/console/{path}") },
            label,
            is_current: path == first,
        };
        Chrome {
            title,
            account: role.map_or(&session.account, |role| &role.account).clone(),
            name: session.name().to_owned(),
            role: role.map(|role| role.arn.clone()),
            form_token: role.map_or(&session.form_token, |role| &role.form_token).clone(),
            session_token: session.form_token.clone(),
            flash: session.take_flash(),
            navigation: NAVIGATION.iter().map(item).collect(),
            assets: Assets::default(),
        }
    }
}

/// A time: in UTC, and as distance from now.
#[derive(Template)]
#[template(path = "parts/time.html")]
pub(crate) struct Moment {
    pub(crate) iso: String,
    pub(crate) absolute: String,
    pub(crate) relative: String,
}

impl HtmlSafe for Moment {}

impl Moment {
    /// A time of a message; none shows as `never`.
    pub(crate) fn new(time: Option<&prost_types::Timestamp>, now: Timestamp) -> Self {
        let time = time.and_then(|time| Timestamp::from_second(time.seconds).ok());
        let Some(time) = time else {
            return Moment { iso: String::new(), absolute: String::new(), relative: "never".to_owned() };
        };
        let text = time.strftime("%Y-%m-%d %H:%M UTC").to_string();
        let iso = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Moment { iso, absolute: text, relative: distance(now.as_second() - time.as_second()) }
    }
}

/// A number of seconds ago, in words; a negative number is in the future.
fn distance(seconds: i64) -> String {
    const UNITS: [(i64, &str); 6] =
        [(31_536_000, "year"), (2_592_000, "month"), (86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let length = seconds.abs();
    let Some((unit, name)) = UNITS.iter().find(|(unit, _)| length >= *unit) else { return "now".to_owned() };
    let number = length / unit;
    let plural = if number == 1 { "" } else { "s" };
    if seconds < 0 { format!("in {number} {name}{plural}") } else { format!("{number} {name}{plural} ago") }
}

/// An error of a call, as a panel of a page.
#[derive(Template)]
#[template(path = "parts/problem.html")]
pub(crate) struct Problem {
    pub(crate) title: &'static str,
    pub(crate) message: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) code: &'static str,
    pub(crate) request_id: String,
    /// The address of the page that explains a denial.
    pub(crate) explained: Option<Box<str>>,
}

impl HtmlSafe for Problem {}

impl Problem {
    /// Shows an error.
    pub(crate) fn new(called: &CallError) -> Self {
        let code = called.error.code();
        Problem {
            title: match (code, code.kind()) {
                (ErrorCode::AccessDenied, _) | (_, ErrorKind::PermissionDenied) => "You do not have the permission",
                (_, ErrorKind::NotFound) => "Not found",
                (_, ErrorKind::AlreadyExists) => "It exists already",
                (_, ErrorKind::ResourceExhausted) => "A limit is reached",
                (_, ErrorKind::Internal | ErrorKind::Unavailable) => "The server cannot answer now",
                _ => "This is not possible",
            },
            message: called.error.message().to_owned(),
            fields: called.error.fields().to_vec(),
            code: code.wire(),
            request_id: called.request_id.clone(),
            explained: called.error.authorization_id().map(|id| url("denials", &[("id", id)]).into()),
        }
    }
}

/// A page about one object.
#[derive(Template)]
#[template(path = "detail.html")]
pub(crate) struct DetailPage {
    pub(crate) chrome: Chrome,
    /// The address and label of the list.
    pub(crate) back: (&'static str, &'static str),
    /// The error of a form of the page.
    pub(crate) problem: Option<Problem>,
    pub(crate) facts: Facts,
    /// Forms that change the object itself.
    pub(crate) changes: Vec<Change>,
    pub(crate) sections: Vec<Section>,
    /// Policy documents, formatted.
    pub(crate) documents: Vec<(&'static str, String)>,
    /// Forms that destroy the object.
    pub(crate) destroying: Vec<Change>,
}

/// A table of a page about one object, with forms that change it.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) table: Table,
    pub(crate) changes: Vec<Change>,
    /// Addresses and labels of pages that add something.
    pub(crate) links: Vec<(String, &'static str)>,
}

impl Section {
    /// A table.
    pub(crate) fn new(title: &'static str, table: Table) -> Self {
        Section { title, table, changes: Vec::new(), links: Vec::new() }
    }

    /// With a form below the table.
    #[must_use]
    pub(crate) fn with(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// With a link below the table.
    #[must_use]
    pub(crate) fn link(mut self, url: String, label: &'static str) -> Self {
        self.links.push((url, label));
        self
    }
}

/// The link to the next page of a list.
#[derive(Template)]
#[template(path = "parts/pager.html")]
pub(crate) struct Pager {
    pub(crate) first: Option<String>,
    pub(crate) previous: Option<String>,
    pub(crate) next: Option<String>,
}

impl HtmlSafe for Pager {}

impl Pager {
    /// The pager of a list at this address, whose members but the marker stay the same. `marker` is that of the next page.
    pub(crate) fn new(query: &Form, path: &str, kept: &[&str], marker: Option<&str>) -> Self {
        let members: Vec<(&str, &str)> =
            kept.iter().map(|name| (*name, query.raw(name))).filter(|(_, value)| !value.is_empty()).collect();
        let next = marker.filter(|marker| !marker.is_empty()).map(|marker| {
            let mut members = members.clone();
            members.push(("marker", marker));
            url(path, &members)
        });
        let first = (!query.raw("marker").is_empty()).then(|| url(path, &members));
        Pager { first, previous: None, next }
    }
}

/// The address of a page of the console with these members in its query string.
pub(crate) fn url(path: &str, members: &[(&str, &str)]) -> String {
    let mut url = format!("/console/{path}");
    for (index, (name, value)) in members.iter().enumerate() {
        let separator = if index == 0 { '?' } else { '&' };
        let _ = write!(url, "{separator}{name}={}", utf8_percent_encode(value, PLAIN));
    }
    url
}

/// A link to the page of the user, group, role or policy of an ARN; the ARN itself for others.
pub(crate) fn link_of_arn(arn: &str) -> Cell {
    let (kind, _) = arn.rsplit(':').next().unwrap_or_default().split_once('/').unwrap_or_default();
    let name = name_of(arn);
    match kind {
        "user" => Cell::link("users/user", "name", name, name),
        "group" => Cell::link("groups/group", "name", name, name),
        "role" => Cell::link("roles/role", "name", name, name),
        "policy" => Cell::link("policies/policy", "arn", arn, name),
        _ => Cell::text(arn.to_owned()),
    }
}

/// The name at the end of an ARN, without path and type.
pub(crate) fn name_of(arn: &str) -> &str {
    arn.rsplit([':', '/']).next().unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_have_one_unit() {
        for (seconds, expected) in [
            (0, "now"),
            (1, "1 second ago"),
            (-61, "in 1 minute"),
            (7200, "2 hours ago"),
            (86_400 * 45, "1 month ago"),
            (31_536_000 * 3, "3 years ago"),
        ] {
            assert_eq!(distance(seconds), expected);
        }
    }

    #[test]
    fn addresses_escape_what_they_carry() {
        assert_eq!(url("users/user", &[("name", "../a&b=\"<ü")]), "/console/users/user?name=..%2Fa%26b%3D%22%3C%C3%BC");
    }
}
