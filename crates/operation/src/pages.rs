//! Pages of lists: `Marker` and `MaxItems` in, `IsTruncated` and `Marker` out; the same for every list.

use bailiwick_model::Result;
use bailiwick_storage::Page;

use crate::{Cx, Paging};

/// The page that a request asks for. The marker stays sealed until the caller is authorized.
#[derive(Clone, Debug)]
pub struct PageRequest {
    marker: Option<String>,
    max_items: Option<i32>,
}

/// A page of the objects below a path.
#[derive(Clone, Debug)]
pub struct PathPage {
    /// The path that each object's own path begins with.
    pub prefix: String,
    /// The page.
    pub page: PageRequest,
}

/// Where a page begins and how long it may be.
pub struct Pages<'a> {
    paging: Paging<'a>,
    after: Option<String>,
    limit: usize,
}

/// The part of a response that is about a page.
#[derive(Clone, Debug)]
pub struct ListPage<T> {
    /// The items on the page.
    pub items: Vec<T>,
    /// Whether there are more; always present.
    pub is_truncated: Option<bool>,
    /// Where the next page begins, if there are more.
    pub marker: Option<String>,
}

impl PageRequest {
    /// Takes `Marker` and `MaxItems` from a request.
    pub fn new(marker: Option<String>, max_items: Option<i32>) -> Self {
        PageRequest { marker, max_items }
    }

    /// Opens the marker.
    ///
    /// # Errors
    /// `ValidationError` for a marker that this operation did not return.
    pub fn open<'a>(&self, cx: &'a Cx, operation: &'static str) -> Result<Pages<'a>> {
        let paging = Paging::new(cx, operation);
        let after = paging.after(self.marker.as_deref())?;
        let limit = paging.limit(self.max_items);
        Ok(Pages { paging, after, limit })
    }
}

impl PathPage {
    /// Takes `PathPrefix`, `Marker` and `MaxItems` from a request.
    pub fn new(prefix: Option<String>, marker: Option<String>, max_items: Option<i32>) -> Self {
        PathPage { prefix: prefix.unwrap_or_else(|| "/".into()), page: PageRequest::new(marker, max_items) }
    }
}

impl Pages<'_> {
    /// The position after which the page begins.
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// The maximum number of items.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Makes the response of a page that the store cut.
    ///
    /// # Errors
    /// `ServiceFailure` if the marker cannot be sealed.
    pub fn answer<T>(&self, page: Page<T>) -> Result<ListPage<T>> {
        let marker = page.next.map(|next| self.paging.marker(&next)).transpose()?;
        Ok(ListPage { items: page.items, is_truncated: Some(marker.is_some()), marker })
    }

    /// Cuts the page out of a whole list, whose `position`s ascend.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn cut<T>(&self, all: Vec<T>, position: impl Fn(&T) -> String) -> Result<ListPage<T>> {
        let start = match self.after() {
            Some(after) => all.partition_point(|item| position(item).as_str() <= after),
            None => 0,
        };
        let more = all.len() - start > self.limit;
        let items: Vec<T> = all.into_iter().skip(start).take(self.limit).collect();
        let next = if more { items.last().map(&position) } else { None };
        self.answer(Page { items, next })
    }
}
