//! Tags of users, roles, policies and sessions.

use crate::limits::MAX_TAGS;
use crate::{ErrorCode, IamError, Result};

/// A key of 1 to 128 characters and a value of at most 256, both letters, digits, spaces and `_.:/=+-@`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The key, in its original case.
    pub key: String,
    /// The value. It may be empty, and is case-sensitive.
    pub value: String,
}

fn is_tag_char(c: char) -> bool {
    // AWS: [\p{L}\p{Z}\p{N}_.:/=+\-@]
    c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c) || (c.is_whitespace() && !c.is_control())
}

/// How the keys of an object's tags are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyCase {
    /// Without case: the tags of users, roles and sessions.
    Insensitive,
    /// With case: the tags of all other objects of IAM.
    Sensitive,
}

impl KeyCase {
    fn is_same(self, a: &str, b: &str) -> bool {
        match self {
            KeyCase::Insensitive => a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase(),
            KeyCase::Sensitive => a == b,
        }
    }

    /// The place of a key in lists. AWS lists keys that are compared with case by their length first.
    pub fn sort_key(self, key: &str) -> (usize, String) {
        match self {
            KeyCase::Insensitive => (0, key.to_lowercase()),
            KeyCase::Sensitive => (key.chars().count(), key.to_owned()),
        }
    }
}

/// A set of tags with unique keys, in the order of the request or sorted as lists show them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(Vec<Tag>);

impl Tags {
    /// No tags.
    pub const fn new() -> Self {
        Tags(Vec::new())
    }

    /// Parses keys and values whose keys are compared without case, and sorts them.
    ///
    /// # Errors
    /// `InvalidInput` for keys that differ in case only, for more than 50 tags and for reserved keys (`aws:`);
    /// `ValidationError` for a key or value with an invalid length or character.
    pub fn parse<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self> {
        Ok(Self::parse_as(KeyCase::Insensitive, pairs)?.sorted(KeyCase::Insensitive))
    }

    /// Parses the keys and values of a request, whose keys are compared in this way. Keeps their order.
    ///
    /// # Errors
    /// As [`Tags::parse`]; `InvalidInput` for equal keys.
    pub fn parse_as<K: AsRef<str>, V: AsRef<str>>(
        case: KeyCase,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self> {
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
            if tags.0.iter().any(|tag| case.is_same(&tag.key, key)) {
                let message = match case {
                    KeyCase::Insensitive => "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                    KeyCase::Sensitive => "Duplicate tag keys found.",
                };
                return Err(IamError::new(ErrorCode::InvalidInput, message));
            }
            tags.0.push(Tag { key: key.into(), value: value.into() });
        }
        tags.check_count()?;
        Ok(tags)
    }

    /// The same, sorted as lists show tags whose keys are compared in this way.
    #[must_use]
    pub fn sorted(mut self, case: KeyCase) -> Self {
        self.0.sort_by_cached_key(|tag| case.sort_key(&tag.key));
        self
    }

    /// The values by key without regard to case: several where keys differ in case only. Condition keys have no case.
    pub fn by_key(&self) -> Vec<(&str, Vec<&str>)> {
        let mut sorted: Vec<(String, &Tag)> = self.0.iter().map(|tag| (tag.key.to_lowercase(), tag)).collect();
        sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut by_key: Vec<(&str, Vec<&str>)> = Vec::with_capacity(sorted.len());
        let mut last = None;
        for (folded, tag) in sorted {
            match by_key.last_mut() {
                Some((_, values)) if last.as_ref() == Some(&folded) => values.push(&tag.value),
                _ => by_key.push((&tag.key, vec![&tag.value])),
            }
            last = Some(folded);
        }
        by_key
    }

    /// Returns the value of a key, without regard to case.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|t| KeyCase::Insensitive.is_same(&t.key, key)).map(|t| t.value.as_str())
    }

    /// All tags, in their order.
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

    /// Adds the tags of `newer`, with keys that are compared without case. An existing key gets the new value and the
    /// new spelling. The result is sorted.
    ///
    /// # Errors
    /// `LimitExceeded` for more than 50 tags.
    pub fn merge(&mut self, newer: Tags) -> Result<()> {
        self.merge_as(KeyCase::Insensitive, newer)
    }

    /// As [`Tags::merge`], with keys that are compared in this way.
    ///
    /// # Errors
    /// As [`Tags::merge`].
    pub fn merge_as(&mut self, case: KeyCase, newer: Tags) -> Result<()> {
        for tag in newer.0 {
            match self.0.iter_mut().find(|t| case.is_same(&t.key, &tag.key)) {
                Some(old) => *old = tag,
                None => self.0.push(tag),
            }
        }
        self.0.sort_by_cached_key(|tag| case.sort_key(&tag.key));
        self.check_count()
    }

    /// Removes the named keys, which are compared without case. As in AWS, an absent key is not an error.
    pub fn remove<K: AsRef<str>>(&mut self, keys: &[K]) {
        self.remove_as(KeyCase::Insensitive, keys);
    }

    /// As [`Tags::remove`], with keys that are compared in this way.
    pub fn remove_as<K: AsRef<str>>(&mut self, case: KeyCase, keys: &[K]) {
        self.0.retain(|tag| !keys.iter().any(|key| case.is_same(&tag.key, key.as_ref())));
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
        return Err(IamError::new(
            ErrorCode::InvalidInput,
            "Tag keys beginning with aws: are reserved for system use.",
        ));
    }
    Ok(())
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
    fn keys_are_compared_with_case() {
        let case = KeyCase::Sensitive;
        let parse = |pairs: &[(&str, &str)]| Tags::parse_as(case, pairs.iter().copied());
        let keys = |tags: &Tags| tags.iter().map(|tag| tag.key.clone()).collect::<Vec<_>>().join(" ");
        let mut t = parse(&[("team", "1"), ("zone", "2"), ("Team", "3"), ("ab", "4"), ("y", "5")]).unwrap();
        assert_eq!(keys(&t), "team zone Team ab y");
        t = t.sorted(case);
        assert_eq!(keys(&t), "y ab Team team zone");
        assert_eq!(t.by_key(), [("ab", vec!["4"]), ("Team", vec!["3", "1"]), ("y", vec!["5"]), ("zone", vec!["2"])]);
        t.merge_as(case, parse(&[("Zone", "6"), ("team", "7")]).unwrap()).unwrap();
        t.remove_as(case, &["Team", "AB"]);
        assert_eq!(keys(&t), "y ab Zone team zone");
        let twice = parse(&[("a", "1"), ("a", "2")]).unwrap_err();
        assert_eq!((twice.code(), twice.message()), (ErrorCode::InvalidInput, "Duplicate tag keys found."));
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
