//! Whether this server is to get requests, which load balancers ask for.

use std::sync::Arc;

use bailiwick_service::Service;

use crate::rotation::MasterKeys;

/// Whether this server is to get requests.
#[derive(Clone)]
pub(crate) struct Readiness {
    pub(crate) service: Arc<Service>,
    pub(crate) master_keys: Arc<MasterKeys>,
}

impl Readiness {
    /// Returns why this server is not to get requests at the moment, if it is not. Every client can read it.
    pub(crate) fn refusal(&self) -> Option<String> {
        let parts = self.service.parts();
        let refuses_changes = parts.store.health().refuses_changes;
        if parts.snapshots.current().is_err() {
            let why = match refuses_changes {
                Some(why) => why.to_string(),
                None => "the snapshot of the store is built again; the log says why".to_owned(),
            };
            return Some(format!("decisions are refused: {why}"));
        }
        if let Some(why) = refuses_changes {
            return Some(format!("changes are refused: {why}"));
        }
        if self.master_keys.is_outdated() {
            return Some("sessions that other servers begin may be refused: this server does not have the master key of the store, which was replaced; put the new one where the settings expect it, or start the server again with it".to_owned());
        }
        // Changes are accepted while their records fit in the store.
        let is_failing = parts.recorder.stats().is_failing();
        is_failing.then(|| "audit records cannot be written: refusals are answered with ServiceUnavailable, and changes once too many records wait".to_owned())
    }
}
