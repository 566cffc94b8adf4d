//! The page about one user, group, role or policy. Its tabs are links, and it asks only for what the shown tab needs.

use http::StatusCode;

use crate::pages::history;
use crate::person::{Page, Person};
use crate::request::CallError;
use crate::view::{Cell, Change, Field, ObjectPage, Problem, Section, Tab, url};

/// The member of the address that names the tab.
const MEMBER: &str = "tab";

/// The tabs of a kind of page: what the address has, and the label. The first one needs no member in the address.
pub(super) type Tabs = &'static [(&'static str, &'static str)];

/// What all tabs of a page show.
pub(super) struct Object<'a> {
    /// The address and label of the list.
    pub(super) back: (&'static str, &'static str),
    /// The path after `/console/`, and the member of the address that names the object.
    pub(super) path: &'static str,
    pub(super) member: (&'static str, &'a str),
    pub(super) title: &'a str,
    pub(super) facts: Vec<(&'static str, Cell)>,
    pub(super) tabs: Tabs,
    /// The error of a form of the page.
    pub(super) error: Option<CallError>,
}

/// What one tab shows.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) sections: Vec<Section>,
    /// Policy documents, formatted.
    pub(super) documents: Vec<(String, String)>,
    /// Addresses and labels of pages about the object.
    pub(super) links: Vec<(String, &'static str)>,
    /// Forms that change or destroy the object itself.
    pub(super) changes: Vec<Change>,
}

impl Shown {
    /// Some tables.
    pub(super) fn sections(sections: impl Into<Vec<Section>>) -> Self {
        Shown { sections: sections.into(), ..Shown::default() }
    }

    /// Some forms.
    pub(super) fn changes(changes: impl Into<Vec<Change>>) -> Self {
        Shown { changes: changes.into(), ..Shown::default() }
    }
}

/// The tab that the address names; the first one for another text.
pub(super) fn tab(person: &Person<'_>, tabs: Tabs) -> &'static str {
    let asked = person.query().raw(MEMBER);
    tabs.iter().find(|(word, _)| *word == asked).or(tabs.first()).map_or("", |(word, _)| word)
}

/// The address of a tab.
pub(super) fn address(path: &str, member: (&str, &str), tab: &str) -> String {
    url(path, &[member, (MEMBER, tab)])
}

/// Answers with the page of an object.
pub(super) fn page(person: &Person<'_>, object: Object<'_>, shown: Shown) -> Page {
    let Object { back, path, member, title, facts, tabs, error } = object;
    let current = tab(person, tabs);
    let link = |(at, &(word, label)): (usize, &(&'static str, &'static str))| {
        let url = if at == 0 { url(path, &[member]) } else { address(path, member, word) };
        Tab { url, label, is_current: word == current }
    };
    let page = ObjectPage {
        chrome: person.chrome(title),
        back,
        problem: error.as_ref().map(Problem::new),
        facts: person.facts(facts),
        tabs: tabs.iter().enumerate().map(link).collect(),
        tabs_label: "Parts of this page",
        sections: shown.sections,
        documents: shown.documents,
        links: shown.links,
        changes: shown.changes,
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

/// The tab of the permissions boundary of a user or role, with the forms that set and remove it.
pub(super) fn boundary(person: &Person<'_>, name: &str, boundary: Option<String>) -> Shown {
    let row = |arn: &String| vec![link_of_policy(arn), Cell::Code(arn.clone())];
    let empty = "No permissions boundary: the policies alone say what is allowed.";
    let table = person.table("Permissions boundary", &["Policy", "ARN"], empty);
    let table = table.rows(Ok(boundary.iter().map(row).collect()));
    let arn = Field::line("arn", "ARN of a managed policy", 2048).required();
    let set = person.change("Set the permissions boundary", "set-boundary", vec![arn]);
    let mut section = Section::new("Permissions boundary", table);
    section = section.with(set.about("What the boundary does not allow is denied, whatever the policies allow."));
    if boundary.is_some() {
        let remove = person.change("Remove the permissions boundary", "remove-boundary", Vec::new());
        let remove = remove.about("Everything that the policies allow is allowed then.");
        section = section.with(remove.destroys(name));
    }
    Shown::sections([section])
}

fn link_of_policy(arn: &str) -> Cell {
    Cell::link("policies/policy", "arn", arn, crate::view::name_of(arn))
}

/// The tab of the last changes of an object, with links to the audit trail: to all events about it and, if it can make
/// calls, to those of its calls.
pub(super) async fn history_tab(person: &Person<'_>, arn: &str, is_principal: bool) -> Shown {
    let section = Section::new("Last changes", history(person, arn).await);
    let section = section.link(url("audit", &[("resource", arn)]), "All events about it");
    let section = match is_principal {
        true => section.link(url("audit", &[("user", arn)]), "All calls by it"),
        false => section,
    };
    Shown::sections([section])
}
