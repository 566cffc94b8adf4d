//! Uses of SAML assertions, so that each is used once.

use bailiwick_model::Result;
use jiff::Timestamp;

use crate::{keys::Kind, tx::Tx};

impl Tx {
    /// Records that an assertion is used. Returns false if it was used before. Of two transactions that use the same
    /// assertion at the same time, one conflicts. Removes some uses of assertions that have expired.
    ///
    /// `digest` identifies provider and assertion, which expires at `expires`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn use_saml_assertion(&mut self, digest: &[u8; 32], expires: Timestamp, now: Timestamp) -> Result<bool> {
        self.use_once(Kind::SamlAssertionUse, digest, expires, now).await
    }
}
