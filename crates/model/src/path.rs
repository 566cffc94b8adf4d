//! Paths of identities and policies.

use std::fmt;

use crate::NameError;

/// The path before a name in an ARN: `/`, or text that begins and ends with `/`, of at most 512 printable ASCII
/// characters. Names are unique without their path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Box<str>);

impl Path {
    /// The default path, `/`.
    pub fn root() -> Self {
        Path("/".into())
    }

    /// # Errors
    /// Returned for a text that is not a path.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let ok = (1..=512).contains(&text.len())
            && text.starts_with('/')
            && text.ends_with('/')
            && text.bytes().all(|b| (0x21..=0x7e).contains(&b));
        if ok {
            Ok(Path(text.into()))
        } else {
            Err(NameError::new("path", "text of at most 512 printable characters that begins and ends with a slash"))
        }
    }

    /// The text, with the slashes at both ends.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Path {
    fn default() -> Self {
        Path::root()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_and_end_with_a_slash() {
        for good in ["/", "//", "/a/", "/division_abc/subdivision_xyz/", "/!~/"] {
            assert!(Path::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "/a", "a/", "/a b/", "/ä/", &format!("/{}/", "x".repeat(511))] {
            assert!(Path::parse(bad).is_err(), "{bad}");
        }
    }
}
