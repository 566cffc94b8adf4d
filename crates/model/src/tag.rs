//! Tags of users, roles, policies and sessions.

use crate::limits::MAX_TAGS;
use crate::{ErrorCode, IamError, Result};

/// A key of 1 to 128 characters and a value of at most 256, both letters, digits, spaces and `_.:/=+-@`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The key, in its original case. Keys are compared without case.
    pub key: String,
    /// The value. It may be empty, and is case-sensitive.
    pub value: String,
}

fn is_tag_char(c: char) -> bool {
    // AWS: [\p{L}\p{Z}\p{N}_.:/=+\-@]
    c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c) || (c.is_whitespace() && !c.is_control())
}

/// A set of tags, sorted by key. Keys are unique without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(Vec<Tag>);

impl Tags {
    /// No tags.
    pub const fn new() -> Self {
        Tags(Vec::new())
    }

    /// Parses the keys and values of a request.
    ///
    /// # Errors
    /// `InvalidInput` for keys that differ in case only, for more than 50 tags and for reserved keys (`aws:`);
    /// `ValidationError` for a key or value with an invalid length or character.
    pub fn parse<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self> {
        let mut tags = Tags::new();
        for (key, value) in pairs {
            let (key, value) = (key.as_ref(), value.as_ref());
            check_tag_key(key)?;
            if value.chars().count() > 256 || !value.chars().all(is_tag_char) {
                return Err(IamError::new(
                    ErrorCode::ValidationError,
                    "tag values have at most 256 letters, digits, spaces and the characters _.:/=+-@",
                ));
            }
            if tags.get(key).is_some() {
                return Err(IamError::new(
                    ErrorCode::InvalidInput,
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                ));
            }
            tags.0.push(Tag { key: key.into(), value: value.into() });
        }
        tags.0.sort_by_cached_key(|t| t.key.to_lowercase());
        tags.check_count()?;
        Ok(tags)
    }

    /// Returns the value of a key, without regard to case.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|t| same_key(&t.key, key)).map(|t| t.value.as_str())
    }

    /// All tags, in the order of their keys.
    pub fn iter(&self) -> std::slice::Iter<'_, Tag> {
        self.0.iter()
    }

    /// How many tags there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no tags.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the tags of `newer`. An existing key gets the new value and the new spelling.
    ///
    /// # Errors
    /// `LimitExceeded` for more than 50 tags.
    pub fn merge(&mut self, newer: Tags) -> Result<()> {
        for tag in newer.0 {
            match self.0.iter_mut().find(|t| same_key(&t.key, &tag.key)) {
                Some(old) => *old = tag,
                None => self.0.push(tag),
            }
        }
        self.0.sort_by_cached_key(|t| t.key.to_lowercase());
        self.check_count()
    }

    /// Removes the named keys. As in AWS, an absent key is not an error.
    pub fn remove<K: AsRef<str>>(&mut self, keys: &[K]) {
        self.0.retain(|t| !keys.iter().any(|k| same_key(&t.key, k.as_ref())));
    }

    fn check_count(&self) -> Result<()> {
        if self.0.len() > MAX_TAGS {
            return Err(IamError::new(ErrorCode::LimitExceeded, "The number of tags has reached the maximum limit."));
        }
        Ok(())
    }
}

impl<'a> IntoIterator for &'a Tags {
    type Item = &'a Tag;
    type IntoIter = std::slice::Iter<'a, Tag>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Checks a tag key on its own, as in requests to remove tags.
///
/// # Errors
/// As [`Tags::parse`].
fn check_tag_key(key: &str) -> Result<()> {
    if !(1..=128).contains(&key.chars().count()) || !key.chars().all(is_tag_char) {
        return Err(IamError::new(
            ErrorCode::ValidationError,
            "tag keys have 1 to 128 letters, digits, spaces and the characters _.:/=+-@",
        ));
    }
    if key.len() >= 4 && key.as_bytes()[..4].eq_ignore_ascii_case(b"aws:") {
        return Err(IamError::new(ErrorCode::InvalidInput, "tag keys that begin with `aws:` are reserved"));
    }
    Ok(())
}

fn same_key(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Result<Tags> {
        Tags::parse(pairs.iter().copied())
    }

    #[test]
    fn keys_are_compared_without_case() {
        let mut t = tags(&[("Dept", "a"), ("cost", "1")]).unwrap();
        assert_eq!(t.get("dEPT"), Some("a"));
        t.merge(tags(&[("DEPT", "b")]).unwrap()).unwrap();
        assert_eq!((t.len(), t.get("dept")), (2, Some("b")));
        t.remove(&["dept", "nosuch"]);
        assert_eq!(t.len(), 1);
        assert_eq!(tags(&[("a", "1"), ("A", "2")]).unwrap_err().code(), ErrorCode::InvalidInput);
        assert_eq!(tags(&[("Ä", "1"), ("ä", "2")]).unwrap_err().code(), ErrorCode::InvalidInput);
    }

    #[test]
    fn limits_equal_those_of_aws() {
        let many = |n: usize| Tags::parse((0..n).map(|i| (format!("k{i}"), "v")));
        assert!(many(50).is_ok());
        assert_eq!(many(51).unwrap_err().code(), ErrorCode::LimitExceeded);
        for bad in [("", "v"), ("k*", "v"), ("k", "v<"), (&*"k".repeat(129), "v"), ("k", &*"v".repeat(257))] {
            assert_eq!(tags(&[bad]).unwrap_err().code(), ErrorCode::ValidationError, "{bad:?}");
        }
        for reserved in ["aws:x", "AWS:x", "Aws:"] {
            assert_eq!(tags(&[(reserved, "v")]).unwrap_err().code(), ErrorCode::InvalidInput, "{reserved}");
        }
        assert!(tags(&[("Straße 1", "日本 語"), ("k", "")]).is_ok());
    }
}
