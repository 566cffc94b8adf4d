//! Places in a document as keys and indexes.

use std::fmt;

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
