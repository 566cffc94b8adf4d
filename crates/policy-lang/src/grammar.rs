//! The grammar of policy documents, over the JSON tree.
//!
//! It collects all errors and continues where it can, so that one pass returns the document, the first error or all
//! errors.

mod condition;
mod principal;
mod statement;
mod value;

use crate::document::{Document, Text, Version};
use crate::error::{ErrorKind, UnlocatedError};
use crate::json::{Node, NodeKind, Tree, quoted};
use crate::kind::PolicyKind;
use crate::span::{Span, Spanned};
use crate::suggest::nearest;

/// The parts of a document that could be parsed. Without errors, the document is complete.
#[derive(Debug)]
pub(crate) struct Outline {
    pub(crate) document: Document,
    /// For each statement, which of its parts were there to be read.
    pub(crate) parts: Vec<Parts>,
}

/// The parts of a statement that were parsed, rather than placeholders.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Parts {
    pub(crate) effect: bool,
    pub(crate) action: bool,
}

/// Reads the tree as a document of the given kind.
pub(crate) fn read(tree: &Tree<'_>, kind: PolicyKind) -> (Outline, Vec<UnlocatedError>) {
    let mut grammar = Grammar { kind, version: Version::V2008, problems: Vec::new() };
    let outline = grammar.document(tree.root());
    (outline, grammar.problems)
}

struct Grammar {
    kind: PolicyKind,
    version: Version,
    problems: Vec<UnlocatedError>,
}

impl Grammar {
    fn document(&mut self, root: Node<'_, '_>) -> Outline {
        let mut document = Document {
            version: Version::V2008,
            version_span: None,
            id: None,
            statements: Vec::new(),
            single_statement: false,
            span: root.span(),
        };
        let mut parts = Vec::new();
        if root.kind() != NodeKind::Object {
            self.wrong_type(root, "a JSON object");
            return Outline { document, parts };
        }
        let (mut statement, mut misspelt) = (None, None);
        for (key, value) in root.members() {
            match &*key.text() {
                "Version" => self.document_version(value, &mut document),
                "Id" => document.id = self.string(value),
                "Statement" => statement = Some(value),
                other => {
                    let expected = "`Version`, `Id` or `Statement`";
                    let meant = nearest(other, ["Version", "Id", "Statement"]);
                    self.misspelt(ErrorKind::UnknownElement, key.span(), other, expected, meant);
                    misspelt = misspelt.or_else(|| meant.filter(|meant| *meant == "Statement").map(|_| quoted(other)));
                }
            }
        }
        // The version decides whether `${…}` is a variable, wherever it stands.
        self.version = document.version;
        match statement {
            None => {
                let missing = match misspelt {
                    Some(found) => (format!("{found} instead of `Statement`"), Some("Statement")),
                    None => ("no `Statement`".to_owned(), None),
                };
                self.missing(ErrorKind::MissingStatement, root, missing, "at least one statement");
            }
            Some(list) if list.kind() == NodeKind::Array => {
                document.statements.reserve(list.items().count());
                for item in list.items() {
                    self.statement(item, &mut document, &mut parts);
                }
                if list.items().next().is_none() {
                    self.problem(ErrorKind::MissingStatement, list.span(), "an empty array", "at least one statement");
                }
            }
            Some(single) => {
                document.single_statement = true;
                self.statement(single, &mut document, &mut parts);
            }
        }
        self.unique_sids(&document);
        Outline { document, parts }
    }

    fn document_version(&mut self, value: Node<'_, '_>, document: &mut Document) {
        let Some(text) = self.string(value) else { return };
        document.version_span = Some(text.span);
        match &*text.value {
            "2012-10-17" => document.version = Version::V2012,
            "2008-10-17" => document.version = Version::V2008,
            other => {
                // Continues with the current version, under which every construct is defined.
                document.version = Version::V2012;
                let expected = "`2012-10-17` or `2008-10-17`";
                let meant = nearest(other, ["2012-10-17", "2008-10-17"]);
                self.misspelt(ErrorKind::Version, text.span, other, expected, meant);
            }
        }
    }

    fn unique_sids(&mut self, document: &Document) {
        if document.statements.len() < 2 {
            return;
        }
        let mut seen = std::collections::HashMap::with_capacity(document.statements.len());
        for sid in document.statements.iter().filter_map(|statement| statement.sid.as_ref()) {
            if sid.value.is_empty() {
                continue;
            }
            let line = *seen.entry(&*sid.value).or_insert(sid.span.start);
            if line != sid.span.start {
                let expected = format!("another `Sid` than the statement at {line} has");
                self.problem(ErrorKind::DuplicateSid, sid.span, quoted(&sid.value), expected);
            }
        }
    }

    fn problem(
        &mut self,
        kind: ErrorKind,
        span: Span,
        found: impl Into<std::borrow::Cow<'static, str>>,
        expected: impl Into<std::borrow::Cow<'static, str>>,
    ) {
        self.problems.push(UnlocatedError::new(kind, span, found, expected));
    }

    /// A name that is unknown, with the known one that was probably meant.
    fn misspelt(
        &mut self,
        kind: ErrorKind,
        span: Span,
        found: &str,
        expected: &'static str,
        meant: Option<impl Into<Box<str>>>,
    ) {
        self.problems.push(UnlocatedError::new(kind, span, quoted(found), expected).meaning(meant));
    }

    /// An element that is missing: what was found instead, and which known name that was probably meant to be.
    fn missing(
        &mut self,
        kind: ErrorKind,
        node: Node<'_, '_>,
        (found, meant): (String, Option<&'static str>),
        expected: &'static str,
    ) {
        self.problems.push(UnlocatedError::new(kind, node.span(), found, expected).meaning(meant));
    }

    fn wrong_type(&mut self, node: Node<'_, '_>, expected: &'static str) {
        self.problem(ErrorKind::DataType, node.span(), node.describe(), expected);
    }

    fn string(&mut self, node: Node<'_, '_>) -> Option<Text> {
        if !node.is_string() {
            self.wrong_type(node, "a string");
            return None;
        }
        Some(text(node))
    }

    /// One string or an array of them, and whether it was an array.
    fn strings(&mut self, node: Node<'_, '_>, empty: ErrorKind) -> (Vec<Text>, bool) {
        if node.is_string() {
            return (vec![text(node)], false);
        }
        if node.kind() != NodeKind::Array {
            self.wrong_type(node, "a string or an array of strings");
            return (Vec::new(), false);
        }
        let mut texts = Vec::with_capacity(node.items().count());
        for item in node.items() {
            texts.extend(self.string(item));
        }
        if node.items().next().is_none() {
            self.problem(empty, node.span(), "an empty array", "at least one value");
        }
        (texts, true)
    }
}

fn text(node: Node<'_, '_>) -> Text {
    Spanned::new(node.text().into(), node.span())
}
