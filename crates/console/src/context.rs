//! What all requests share: the service and the sessions of browsers.

use std::sync::Arc;

use bailiwick_service::Service;
use jiff::Timestamp;

use crate::lists::Lists;
use crate::session::Sessions;
use crate::watches::Watches;

/// The service, the sessions, and what long lists hold.
pub(crate) struct Context {
    pub(crate) service: Arc<Service>,
    pub(crate) sessions: Sessions,
    pub(crate) lists: Lists,
    pub(crate) watches: Watches,
}

impl Context {
    /// Fills a buffer with random bytes.
    pub(crate) fn fill(&self, buffer: &mut [u8]) {
        self.service.parts().deployment.random.fill(buffer);
    }

    /// The current time.
    pub(crate) fn now(&self) -> Timestamp {
        self.service.parts().deployment.clock.now()
    }
}
