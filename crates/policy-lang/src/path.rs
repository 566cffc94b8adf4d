//! Places in a document as keys and indexes.

use std::fmt;

use crate::json::{ParentLink, Tree};

/// A place in a document: the keys and indexes that lead to it from the outside in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Path {
    /// The steps.
    pub elements: Vec<PathElement>,
}

/// One step of a path; AWS's policy validation knows the same four.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathElement {
    /// A member of an array, counted from 0.
    Index(u32),
    /// The value of this key.
    Value(Box<str>),
    /// The key itself.
    Key(Box<str>),
    /// A part of a string, in characters from 0.
    Substring {
        /// Characters before it.
        start: u32,
        /// Its length in characters.
        length: u32,
    },
}

impl Path {
    /// Whether it is the document itself.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The innermost key whose value this is or lies within.
    #[must_use]
    pub fn innermost_key(&self) -> Option<&str> {
        self.elements.iter().rev().find_map(|element| match element {
            PathElement::Value(key) | PathElement::Key(key) => Some(&**key),
            _ => None,
        })
    }
}

/// Finds the paths of places in a tree. Making it takes time proportional to the tree, a path next to none.
pub(crate) struct Paths<'t, 'a> {
    tree: &'t Tree<'a>,
    parents: Vec<ParentLink>,
}

impl<'t, 'a> Paths<'t, 'a> {
    pub(crate) fn new(tree: &'t Tree<'a>) -> Self {
        Self { tree, parents: tree.parents() }
    }

    /// The path of the innermost value or key that covers `offset`.
    pub(crate) fn at(&self, offset: u32) -> Path {
        let mut elements = Vec::new();
        let mut node = self.tree.node_at(offset);
        while let Some(ParentLink { parent: Some(parent), ordinal, key }) = self.parents.get(node.index()).copied() {
            // Behind the end of what begins before the offset, it is the next one out that covers it.
            if node.span().end.offset > offset {
                elements.push(match key {
                    None if self.tree.node(parent).is_object() => PathElement::Key(node.text().into()),
                    None => PathElement::Index(ordinal),
                    Some(key) => PathElement::Value(self.tree.node(key).text().into()),
                });
            }
            node = self.tree.node(parent);
        }
        elements.reverse();
        Path { elements }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, element) in self.elements.iter().enumerate() {
            match element {
                PathElement::Index(index) => write!(f, "[{index}]")?,
                PathElement::Value(key) | PathElement::Key(key) => {
                    let plain = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
                    match (plain, at) {
                        (true, 0) => write!(f, "{key}")?,
                        (true, _) => write!(f, ".{key}")?,
                        (false, _) => write!(f, "[\"{}\"]", key.escape_debug())?,
                    }
                }
                PathElement::Substring { start, length } => write!(f, "[{start}..{}]", start + length)?,
            }
        }
        Ok(())
    }
}
