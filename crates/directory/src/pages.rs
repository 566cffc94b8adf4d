//! Pages of lists: `Marker` and `MaxItems` in, `IsTruncated` and `Marker` out; the same for every list.

use bailiwick_model::Result;
use bailiwick_operation::{Cx, Paging};
use bailiwick_storage::Page;

/// Where a page begins and how long it may be.
pub(crate) struct Pages<'a> {
    paging: Paging<'a>,
    after: Option<String>,
    limit: usize,
}

/// What an answer says of a page.
pub(crate) struct Answer<T> {
    pub(crate) items: Vec<T>,
    pub(crate) is_truncated: Option<bool>,
    pub(crate) marker: Option<String>,
}

impl<'a> Pages<'a> {
    /// # Errors
    /// `ValidationError` for a marker that this operation did not give.
    pub(crate) fn open(
        cx: &'a Cx,
        operation: &'static str,
        marker: &Option<String>,
        max_items: Option<i32>,
    ) -> Result<Self> {
        let paging = cx.paging(operation);
        let after = paging.after(marker.as_deref())?;
        let limit = paging.limit(max_items);
        Ok(Pages { paging, after, limit })
    }

    /// The position after which the page begins.
    pub(crate) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// How many items it holds at most.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Makes an answer of a page that the store cut.
    pub(crate) fn answer<T>(&self, page: Page<T>) -> Result<Answer<T>> {
        let marker = page.next.map(|next| self.paging.marker(&next)).transpose()?;
        Ok(Answer { items: page.items, is_truncated: Some(marker.is_some()), marker })
    }

    /// Cuts the page out of a whole list, whose `position`s ascend.
    pub(crate) fn cut<T>(&self, all: Vec<T>, position: impl Fn(&T) -> String) -> Result<Answer<T>> {
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
