//! What all requests share: the service and the sessions of browsers.

use std::sync::Arc;

use bailiwick_service::Service;
use jiff::Timestamp;

use crate::session::Sessions;

/// The service and the sessions.
pub(crate) struct Context {
    pub(crate) service: Arc<Service>,
    pub(crate) sessions: Sessions,
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
