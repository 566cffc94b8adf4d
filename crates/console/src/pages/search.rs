//! Searches of lists: by the beginning of the path, which the API offers, or by a part of the name, for which names are
//! read.

use std::pin::Pin;

use crate::person::Person;
use crate::request::Called;

/// How many items a page of a list has.
const SHOWN: i32 = 100;
/// How many items are read at once, and how often, to find names. The next page goes on.
const READ: i32 = 1000;
const READS: usize = 5;

/// The items that a call lists, and the marker of the next call.
pub(crate) type Listing<'a, T> = Pin<Box<dyn Future<Output = Called<(Vec<T>, Option<String>)>> + Send + 'a>>;

/// What is searched for.
pub(crate) struct Search {
    /// The beginning of the path.
    pub(crate) path_prefix: Option<String>,
    /// A part of the name, in lower case.
    name_part: Option<String>,
}

impl Search {
    /// Reads the search of the address: a text that begins with `/` is a path.
    pub(crate) fn of(person: &Person<'_>) -> Self {
        match person.query().text("q") {
            Some(text) if text.starts_with('/') => Search { path_prefix: Some(text), name_part: None },
            text => Search { path_prefix: None, name_part: text.map(|text| text.to_lowercase()) },
        }
    }

    /// Whether nothing is searched for.
    pub(crate) fn is_empty(&self) -> bool {
        self.path_prefix.is_none() && self.name_part.is_none()
    }

    /// Lists the items of a page, and the marker of the next one. `call` lists from a marker, at most so many; `name` is
    /// the name of an item. A page by name ends after 5,000 items or with 100 found, and may be empty and have a marker.
    ///
    /// # Errors
    /// Those of `call`.
    pub(crate) async fn page<'a, T>(
        &self,
        person: &Person<'_>,
        name: impl Fn(&T) -> Option<&String>,
        call: impl Fn(Option<String>, Option<i32>) -> Listing<'a, T>,
    ) -> Called<(Vec<T>, Option<String>)> {
        let mut marker = person.query().text("marker");
        let Some(part) = &self.name_part else { return call(marker, Some(SHOWN)).await };
        let is_found = |item: &T| name(item).is_some_and(|name| name.to_lowercase().contains(part));
        let mut found = Vec::new();
        for _ in 0..READS {
            let (items, next) = call(marker, Some(READ)).await?;
            found.extend(items.into_iter().filter(is_found));
            marker = next.filter(|next| !next.is_empty());
            if marker.is_none() || found.len() >= SHOWN.unsigned_abs() as usize {
                break;
            }
        }
        Ok((found, marker))
    }
}
