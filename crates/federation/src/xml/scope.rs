//! Which namespace a prefix stands for.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Element, MAX_BINDINGS, MAX_NAMESPACE, XML, XMLNS, XmlError};
use crate::xml::names::is_name;

/// A declaration of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    /// Empty: the default namespace.
    pub(super) prefix: Arc<str>,
    /// Empty: none, which only the default can be.
    pub(super) namespace: Arc<str>,
}

/// The declarations in scope while a document is read.
pub(super) struct Scope {
    /// The innermost last.
    bindings: Vec<Binding>,
    shared: Shared,
}

impl Scope {
    pub(super) fn new(around: &[Binding]) -> Self {
        Scope { bindings: around.to_vec(), shared: Shared::default() }
    }

    /// Adds a declaration. Returns `None` for the one that may only repeat what always holds: that of `xml`.
    pub(super) fn declare(&mut self, prefix: &str, namespace: &str) -> Result<Option<Binding>, XmlError> {
        if namespace.len() > MAX_NAMESPACE || self.bindings.len() == MAX_BINDINGS {
            return Err(XmlError::TooLarge);
        }
        if prefix == "xml" {
            return if namespace == XML { Ok(None) } else { Err(XmlError::Malformed) };
        }
        let is_reserved = prefix == "xmlns" || namespace == XML || namespace == XMLNS;
        if is_reserved || (!prefix.is_empty() && (namespace.is_empty() || !is_name(prefix))) {
            return Err(XmlError::Malformed);
        }
        let binding = Binding { prefix: self.shared.get(prefix), namespace: self.shared.get(namespace) };
        self.bindings.push(binding.clone());
        Ok(Some(binding))
    }

    /// Ends the scope of the last declarations.
    pub(super) fn leave(&mut self, declarations: usize) {
        self.bindings.truncate(self.bindings.len().saturating_sub(declarations));
    }

    /// The prefix, and the namespace that it stands for.
    pub(super) fn resolve(&mut self, prefix: &str) -> Result<(Arc<str>, Arc<str>), XmlError> {
        if prefix == "xml" {
            return Ok((self.shared.get(prefix), self.shared.get(XML)));
        }
        let found = self.bindings.iter().rev().find(|binding| &*binding.prefix == prefix);
        match found {
            Some(binding) => Ok((Arc::clone(&binding.prefix), Arc::clone(&binding.namespace))),
            None if prefix.is_empty() => Ok((self.shared.get(""), self.shared.get(""))),
            None => Err(XmlError::Malformed),
        }
    }

    /// No prefix and no namespace, which an attribute without a prefix has.
    pub(super) fn none(&mut self) -> (Arc<str>, Arc<str>) {
        (self.shared.get(""), self.shared.get(""))
    }
}

/// The prefixes and namespaces of a document, each once: many elements can be in a long one.
#[derive(Default)]
struct Shared(HashSet<Arc<str>>);

impl Shared {
    fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.0.insert(Arc::clone(&new));
        new
    }
}

impl<'d> Element<'d> {
    /// The namespace that a prefix stands for in it; empty for none.
    pub(super) fn in_scope(self, prefix: &str) -> &'d str {
        let mut element = Some(self);
        while let Some(here) = element {
            if let Some(binding) = here.data().declared.iter().find(|binding| &*binding.prefix == prefix) {
                return &binding.namespace;
            }
            element = here.parent();
        }
        let around = self.document.around.iter().rev().find(|binding| &*binding.prefix == prefix);
        around.map_or("", |binding| &binding.namespace)
    }

    /// Every namespace in scope in it, the innermost last.
    pub(crate) fn scope(self) -> Vec<Binding> {
        let mut elements = vec![self];
        while let Some(parent) = elements.last().and_then(|element| element.parent()) {
            elements.push(parent);
        }
        let declared = elements.iter().rev().flat_map(|element| &element.data().declared);
        self.document.around.iter().chain(declared).cloned().collect()
    }
}
