//! Who calls.

use bailiwick_authz::Authenticated;
use bailiwick_model::Result;
use jiff::Timestamp;

use crate::{Incoming, Service, proof};

impl Service {
    /// Proves who calls, and notes that the connection is theirs.
    ///
    /// # Errors
    /// What [`bailiwick_authz::Authz::authenticate`] refuses with.
    pub(crate) async fn authenticate(&self, incoming: &Incoming<'_>, now: Timestamp) -> Result<Authenticated> {
        let who = self.parts.authz.authenticate(&proof::of(incoming)?, now).await?;
        incoming.peer.standing.set_authenticated();
        Ok(who)
    }
}
