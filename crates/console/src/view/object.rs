//! The page about one object, of which it shows one tab.

use askama::Template;

use crate::view::{Change, Chrome, Facts, Problem, Section, Tab};

/// A page about one user, group, role or policy.
#[derive(Template)]
#[template(path = "object.html")]
pub(crate) struct ObjectPage {
    pub(crate) chrome: Chrome,
    /// The address and label of the list.
    pub(crate) back: (&'static str, &'static str),
    /// The error of a form of the page.
    pub(crate) problem: Option<Problem>,
    /// What is shown in every tab.
    pub(crate) facts: Facts,
    pub(crate) tabs: Vec<Tab>,
    pub(crate) tabs_label: &'static str,
    pub(crate) sections: Vec<Section>,
    /// Policy documents, formatted.
    pub(crate) documents: Vec<(String, String)>,
    /// Addresses and labels of pages about the object.
    pub(crate) links: Vec<(String, &'static str)>,
    /// Forms that change or destroy the object itself.
    pub(crate) changes: Vec<Change>,
}
