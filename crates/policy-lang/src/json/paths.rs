//! From offsets in a text to paths.

use super::{ParentLink, Tree};
use crate::path::{Path, PathElement};

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
