//! Reading XML of others: one pass into an arena, within limits.
//!
//! What SAML does not need is refused rather than read: document types, processing instructions, entities other than
//! the five predefined ones, undeclared prefixes, repeated attributes and repeated ids. A comment does not split the text
//! around it.

mod read;

use std::sync::Arc;

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
}

#[derive(Debug)]
struct ElementData {
    /// Shared by all elements and attributes of the document that are in it. Empty: none.
    namespace: Arc<str>,
    name: String,
    attributes: Vec<Attribute>,
    /// The text directly in the element.
    text: String,
    children: Vec<usize>,
}

#[derive(Debug, PartialEq, Eq)]
struct Attribute {
    /// Empty: none.
    namespace: Arc<str>,
    name: String,
    value: String,
}

/// An element of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'d> {
    document: &'d Document,
    data: &'d ElementData,
}

impl Document {
    /// Parses a document.
    ///
    /// # Errors
    /// [`XmlError`].
    pub(crate) fn parse(text: &str) -> Result<Self, XmlError> {
        read::document(text)
    }

    /// The root element.
    pub(crate) fn root(&self) -> Element<'_> {
        // The reader makes no document without elements.
        Element { document: self, data: &self.elements[0] }
    }
}

impl<'d> Element<'d> {
    /// Whether it has this namespace and name.
    pub(crate) fn is(self, namespace: &str, name: &str) -> bool {
        &*self.data.namespace == namespace && self.data.name == name
    }

    /// The value of the attribute of this name without a namespace.
    pub(crate) fn attribute(self, name: &str) -> Option<&'d str> {
        let found = self.data.attributes.iter().find(|one| one.namespace.is_empty() && one.name == name);
        found.map(|attribute| attribute.value.as_str())
    }

    /// The text directly in it.
    pub(crate) fn text(self) -> &'d str {
        &self.data.text
    }

    /// The elements directly in it with this namespace and name.
    pub(crate) fn children(self, namespace: &'d str, name: &'d str) -> impl Iterator<Item = Element<'d>> {
        let document = self.document;
        let children = self.data.children.iter().map(move |at| Element { document, data: &document.elements[*at] });
        children.filter(move |child| child.is(namespace, name))
    }
}

#[cfg(test)]
mod tests;
