//! The members of a form or of a query string.

use std::fmt;

use bailiwick_model::{ErrorCode, IamError, Result};
use zeroize::Zeroizing;

/// The largest number of members.
const MAX_MEMBERS: usize = 1000;

/// Members by name, in their order. Some are passwords: they are overwritten in the end, and `Debug` shows no values.
#[derive(Clone, Default)]
pub(crate) struct Form(Vec<(String, Zeroizing<String>)>);

impl Form {
    /// Parses `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    /// `MalformedInput` with more than 1,000 members.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let mut members = Vec::new();
        for (name, value) in form_urlencoded::parse(bytes) {
            if members.len() == MAX_MEMBERS {
                return Err(IamError::new(ErrorCode::MalformedInput, "the form has more than 1,000 members"));
            }
            members.push((name.into_owned(), Zeroizing::new(value.into_owned())));
        }
        Ok(Form(members))
    }

    /// The first value of that name exactly as it was typed; empty if there is none.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value.as_str())
    }

    /// The first value of that name without surrounding white space; none if it is empty.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let value = self.raw(name).trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The same, and the empty text if there is none.
    pub(crate) fn typed(&self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// Whether there is a member of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }

    /// Whether a box of that name is ticked.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        !self.raw(name).is_empty()
    }

    /// All values of that name that are not empty.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let named = self.0.iter().filter(|(own, value)| own == name && !value.trim().is_empty());
        named.map(|(_, value)| value.trim().to_owned()).collect()
    }

    /// All members but one, by name and value.
    pub(crate) fn members_but<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().map(|(own, value)| (own.as_str(), value.as_str())).filter(move |(own, _)| *own != name)
    }

    /// A number; none if it is empty or not a number.
    pub(crate) fn number(&self, name: &str) -> Option<i32> {
        self.raw(name).trim().parse().ok()
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
