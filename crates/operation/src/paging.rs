//! Markers of pages, sealed.

use bailiwick_model::limits::{DEFAULT_PAGE, MAX_PAGE};
use bailiwick_model::{IamError, Result};
use bailiwick_seal::KeyPurpose;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use crate::{Cx, Principal};

/// Opens and seals the markers of one operation for one caller.
///
/// A marker is the sealed key of the last item on the page, so clients cannot read or make one. It is valid for the
/// operation, caller and other members of the request that it was made for, on every front end and across restarts. All
/// sessions of a role are one caller, because clients renew their credentials between pages.
pub struct Paging<'a> {
    cx: &'a Cx,
    operation: &'static str,
}

impl<'a> Paging<'a> {
    /// The markers of an operation.
    pub fn new(cx: &'a Cx, operation: &'static str) -> Self {
        Paging { cx, operation }
    }

    /// The caller, by what stays when they are renamed or renew their credentials.
    fn caller(&self) -> String {
        match &self.cx.caller().principal {
            Principal::Root { account } => format!("root {account}"),
            Principal::User { id, .. } | Principal::RoleSession { id, .. } => id.to_string(),
            Principal::FederatedUser { account, issuer, name } => {
                let issuer = issuer.as_ref().map_or_else(|| format!("root {account}"), |user| user.id.to_string());
                format!("{issuer} {name}")
            }
        }
    }

    /// The maximum number of items on the page: as requested, 100 by default, at most 1,000.
    pub fn limit(&self, max_items: Option<i32>) -> usize {
        max_items.map_or(DEFAULT_PAGE, |n| usize::try_from(n).unwrap_or(1).clamp(1, MAX_PAGE))
    }

    /// Opens a marker: the position after which the page begins.
    ///
    /// # Errors
    /// `ValidationError` if this operation did not make the marker, or made it for a request with other members.
    pub fn after(&self, marker: Option<&str>) -> Result<Option<String>> {
        let Some(marker) = marker else { return Ok(None) };
        let invalid = || {
            IamError::validation("Invalid Marker.")
                .field("Marker", "not a marker that this operation gave this caller for the same other parameters")
        };
        let sealed = BASE64.decode(marker).map_err(|_| invalid())?;
        let (account, caller) = (self.cx.account().digits(), self.caller());
        let sealer = &self.cx.deployment().sealer;
        let made_for = [self.operation.as_bytes(), &account, caller.as_bytes(), self.cx.question()];
        let opened = sealer.open(KeyPurpose::Marker, &made_for, &sealed);
        let opened = opened.map_err(|_| invalid())?;
        String::from_utf8(opened.to_vec()).map(Some).map_err(|_| invalid())
    }

    /// Makes the marker of the page that begins after `next`, as the store's page names it.
    ///
    /// # Errors
    /// `ServiceFailure` if sealing fails.
    pub fn marker(&self, next: &str) -> Result<String> {
        let (account, caller) = (self.cx.account().digits(), self.caller());
        let sealer = &self.cx.deployment().sealer;
        let made_for = [self.operation.as_bytes(), &account, caller.as_bytes(), self.cx.question()];
        let sealed = sealer.seal(KeyPurpose::Marker, &made_for, next.as_bytes()).map_err(IamError::internal)?;
        Ok(BASE64.encode(sealed))
    }
}
