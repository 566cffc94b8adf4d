//! Reading XML of others: one pass into an arena, within limits.
//!
//! What SAML does not need is refused rather than read: document types, processing instructions, entities other than
//! the five predefined ones, undeclared prefixes, repeated attributes and repeated ids. A comment does not split the text
//! around it.

mod canonical;
mod names;
mod read;
mod scope;

use std::sync::Arc;

pub(crate) use scope::Binding;

/// The largest document, in bytes.
const MAX_BYTES: usize = 40_000_000;
/// The largest number of elements.
const MAX_ELEMENTS: usize = 50_000;
/// The deepest nesting of elements.
const MAX_DEPTH: usize = 64;
/// The largest number of attributes of an element, declarations of namespaces included.
const MAX_ATTRIBUTES: usize = 64;
/// The longest namespace, in bytes.
const MAX_NAMESPACE: usize = 1_024;
/// The largest number of declarations of namespaces in scope.
const MAX_BINDINGS: usize = 4 * MAX_ATTRIBUTES;

/// The namespace of the prefix `xml`.
const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace of declarations of namespaces.
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// Why a text is refused as XML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Not well-formed, or a prefix without a namespace.
    #[error("not well-formed XML")]
    Malformed,
    /// A document type, a processing instruction, or an entity.
    #[error("document types, processing instructions and entities are not accepted")]
    Forbidden,
    /// An attribute twice on an element, or an id twice in the document.
    #[error("an attribute or an id is repeated")]
    Repeated,
    /// Too large, too deep, too many elements or attributes, or a namespace that is too long.
    #[error("too large or too deeply nested XML")]
    TooLarge,
}

/// A document: its elements in document order, the root first.
#[derive(Debug)]
pub(crate) struct Document {
    elements: Vec<ElementData>,
    /// The namespaces in scope around the root. None unless the document was a part of another one.
    around: Vec<Binding>,
    has_comments: bool,
}

#[derive(Debug)]
struct ElementData {
    /// Empty: none.
    prefix: Arc<str>,
    /// Shared by all elements and attributes of the document that are in it. Empty: none.
    namespace: Arc<str>,
    name: String,
    declared: Vec<Binding>,
    attributes: Vec<Attribute>,
    nodes: Vec<Node>,
    /// None for the root.
    parent: Option<usize>,
}

#[derive(Debug)]
enum Node {
    /// The element at this place in the document.
    Element(usize),
    /// Text that is not empty. No other text is next to it.
    Text(String),
}

#[derive(Debug, PartialEq, Eq)]
struct Attribute {
    /// Empty: none.
    prefix: Arc<str>,
    /// Empty: none.
    namespace: Arc<str>,
    name: String,
    value: String,
}

/// An element of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'d> {
    document: &'d Document,
    at: usize,
}

impl Document {
    /// Parses a document.
    ///
    /// # Errors
    /// [`XmlError`].
    pub(crate) fn parse(text: &str) -> Result<Self, XmlError> {
        read::document(text, Vec::new())
    }

    /// Parses one element that was cut from another document, where these namespaces were in scope.
    ///
    /// # Errors
    /// [`XmlError`].
    pub(crate) fn parse_part(text: &str, around: Vec<Binding>) -> Result<Self, XmlError> {
        read::document(text, around)
    }

    /// The root element.
    pub(crate) fn root(&self) -> Element<'_> {
        // The reader makes no document without elements.
        Element { document: self, at: 0 }
    }

    /// Whether there are comments in the text that was parsed.
    pub(crate) fn has_comments(&self) -> bool {
        self.has_comments
    }

    /// Every element, in document order.
    pub(crate) fn elements(&self) -> impl Iterator<Item = Element<'_>> {
        (0..self.elements.len()).map(|at| Element { document: self, at })
    }
}

impl PartialEq for Element<'_> {
    /// Whether it is the same element of the same document.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.document, other.document) && self.at == other.at
    }
}

impl<'d> Element<'d> {
    fn data(self) -> &'d ElementData {
        &self.document.elements[self.at]
    }

    /// Whether it has this namespace and name.
    pub(crate) fn is(self, namespace: &str, name: &str) -> bool {
        &*self.data().namespace == namespace && self.data().name == name
    }

    /// The value of the attribute of this name without a namespace.
    pub(crate) fn attribute(self, name: &str) -> Option<&'d str> {
        let found = self.data().attributes.iter().find(|one| one.namespace.is_empty() && one.name == name);
        found.map(|attribute| attribute.value.as_str())
    }

    /// The text in it, which is empty if there is none. `None` if it has elements in it: text around them would be read
    /// by one reader as a whole and by another one in part.
    pub(crate) fn text(self) -> Option<&'d str> {
        match self.data().nodes.as_slice() {
            [] => Some(""),
            [Node::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The elements directly in it.
    pub(crate) fn elements(self) -> impl Iterator<Item = Element<'d>> {
        let document = self.document;
        self.data().nodes.iter().filter_map(move |node| match node {
            Node::Element(at) => Some(Element { document, at: *at }),
            Node::Text(_) => None,
        })
    }

    /// The elements directly in it with this namespace and name.
    pub(crate) fn children(self, namespace: &'d str, name: &'d str) -> impl Iterator<Item = Element<'d>> {
        self.elements().filter(move |child| child.is(namespace, name))
    }

    /// The only element directly in it with this namespace and name. `None` if there is none or several.
    pub(crate) fn only_child(self, namespace: &'d str, name: &'d str) -> Option<Element<'d>> {
        let mut children = self.children(namespace, name);
        let first = children.next()?;
        children.next().is_none().then_some(first)
    }

    /// The element that it is directly in. `None` for the root.
    pub(crate) fn parent(self) -> Option<Element<'d>> {
        self.data().parent.map(|at| Element { document: self.document, at })
    }
}

#[cfg(test)]
mod tests;
