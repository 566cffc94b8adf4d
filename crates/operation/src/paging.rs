//! Pages: `Marker` and `MaxItems` in, `IsTruncated` and `Marker` out.

use bailiwick_model::limits::{DEFAULT_PAGE, MAX_PAGE};
use bailiwick_model::{IamError, Result};
use bailiwick_seal::KeyPurpose;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use crate::Cx;

/// Opens and seals the markers of one operation for one account.
///
/// A marker holds the key of the last item seen, sealed: clients learn nothing from it and can't make one. It is
/// good for the operation and account that it was given for, on every front end, across restarts.
pub struct Paging<'a> {
    cx: &'a Cx,
    operation: &'static str,
}

impl<'a> Paging<'a> {
    pub(crate) fn new(cx: &'a Cx, operation: &'static str) -> Self {
        Paging { cx, operation }
    }

    /// How many items the page holds at most: what was asked for, 100 by default, never more than 1,000.
    pub fn limit(&self, max_items: Option<i32>) -> usize {
        max_items.map_or(DEFAULT_PAGE, |n| usize::try_from(n).unwrap_or(1).clamp(1, MAX_PAGE))
    }

    /// Where to go on after, from a marker.
    ///
    /// # Errors
    /// `ValidationError` when the marker isn't one that this operation gave.
    pub fn after(&self, marker: Option<&str>) -> Result<Option<String>> {
        let Some(marker) = marker else { return Ok(None) };
        let invalid = || IamError::validation("Invalid Marker.").field("Marker", "not a marker that this list gave");
        let sealed = BASE64.decode(marker).map_err(|_| invalid())?;
        let account = self.cx.account().digits();
        let sealer = &self.cx.deployment().sealer;
        let opened = sealer.open(KeyPurpose::Marker, &[self.operation.as_bytes(), &account], &sealed);
        let opened = opened.map_err(|_| invalid())?;
        String::from_utf8(opened.to_vec()).map(Some).map_err(|_| invalid())
    }

    /// The marker for the page that begins after `next`, as the store's page names it.
    ///
    /// # Errors
    /// When sealing fails, which is a failure of ours.
    pub fn marker(&self, next: &str) -> Result<String> {
        let account = self.cx.account().digits();
        let sealer = &self.cx.deployment().sealer;
        let sealed = sealer
            .seal(KeyPurpose::Marker, &[self.operation.as_bytes(), &account], next.as_bytes())
            .map_err(IamError::internal)?;
        Ok(BASE64.encode(sealed))
    }
}
