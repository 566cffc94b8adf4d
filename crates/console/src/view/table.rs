//! Tables and lists of facts, which most pages are made of.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::view::{Moment, Problem, url};

/// A cell of a table, or a fact.
pub(crate) enum Cell {
    /// A text.
    Text(String),
    /// A text to copy: an ARN, an id.
    Code(String),
    /// A link to another page of the console.
    Link { url: String, text: String },
    /// A time.
    Time(Moment),
    /// A word with a colour: `good`, `warn`, `bad` or none.
    Badge { kind: &'static str, text: String },
    /// A button that changes something: a form with these members.
    Button { label: &'static str, about: String, members: Vec<(&'static str, String)> },
}

impl Cell {
    /// A text; none shows as a dash.
    pub(crate) fn text(text: impl Into<Option<String>>) -> Self {
        Cell::Text(text.into().filter(|text| !text.is_empty()).unwrap_or_else(|| "–".to_owned()))
    }

    /// A link to the page at that path with one member.
    pub(crate) fn link(path: &str, name: &str, value: &str, text: impl Into<String>) -> Self {
        Cell::Link { url: url(path, &[(name, value)]), text: text.into() }
    }

    /// A word with a colour.
    pub(crate) fn badge(kind: &'static str, text: impl Into<String>) -> Self {
        Cell::Badge { kind, text: text.into() }
    }

    /// A button. `about` completes its label for those who do not see the row.
    pub(crate) fn button(label: &'static str, about: &str, members: &[(&'static str, &str)]) -> Self {
        let members = members.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Cell::Button { label, about: about.to_owned(), members }
    }
}

/// A table, or the error of the call that would have filled it.
#[derive(Template)]
#[template(path = "parts/table.html")]
pub(crate) struct Table {
    pub(crate) caption: String,
    pub(crate) heads: Vec<Head>,
    pub(crate) rows: Vec<Vec<Cell>>,
    pub(crate) empty: &'static str,
    pub(crate) problem: Option<Problem>,
    form_token: String,
}

impl HtmlSafe for Table {}

impl Table {
    /// A table without rows. `empty` says what would be here and how it gets there.
    pub(crate) fn new(form_token: &str, caption: &str, columns: &[&'static str], empty: &'static str) -> Self {
        Table {
            caption: caption.to_owned(),
            heads: columns.iter().map(|label| Head::new(label)).collect(),
            rows: Vec::new(),
            empty,
            problem: None,
            form_token: form_token.to_owned(),
        }
    }

    /// With these heads.
    #[must_use]
    pub(crate) fn heads(mut self, heads: Vec<Head>) -> Self {
        self.heads = heads;
        self
    }

    /// With these rows, or with the error in their place.
    #[must_use]
    pub(crate) fn rows(mut self, rows: Result<Vec<Vec<Cell>>, Problem>) -> Self {
        match rows {
            Ok(rows) => self.rows = rows,
            Err(problem) => self.problem = Some(problem),
        }
        self
    }
}

/// The head of a column.
pub(crate) struct Head {
    pub(crate) label: &'static str,
    /// The address of the table sorted by the column.
    pub(crate) url: Option<String>,
    /// The order, if the table is sorted by the column.
    pub(crate) sorted: Option<Sorted>,
}

impl Head {
    /// A head that does not sort.
    pub(crate) fn new(label: &'static str) -> Self {
        Head { label, url: None, sorted: None }
    }

    /// A head that leads to the table sorted by the column.
    pub(crate) fn sorting(label: &'static str, url: String, sorted: Option<Sorted>) -> Self {
        Head { label, url: Some(url), sorted }
    }
}

/// The order of a column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sorted {
    Ascending,
    Descending,
}

impl Sorted {
    /// The value of `aria-sort`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Sorted::Ascending => "ascending",
            Sorted::Descending => "descending",
        }
    }

    /// The sign for it.
    pub(crate) fn arrow(self) -> &'static str {
        match self {
            Sorted::Ascending => "▲",
            Sorted::Descending => "▼",
        }
    }
}

/// Names with their values.
#[derive(Template)]
#[template(path = "parts/facts.html")]
pub(crate) struct Facts {
    pub(crate) facts: Vec<(&'static str, Cell)>,
    form_token: String,
}

impl HtmlSafe for Facts {}

impl Facts {
    /// These facts.
    pub(crate) fn new(form_token: &str, facts: Vec<(&'static str, Cell)>) -> Self {
        Facts { facts, form_token: form_token.to_owned() }
    }
}
