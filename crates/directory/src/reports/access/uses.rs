//! The uses of services by one principal.

use std::collections::BTreeMap;

use bailiwick_model::Result;
use bailiwick_operation::Cx;
use bailiwick_storage::{ServiceUse, ServiceUser, Tx};
use jiff::SignedDuration;

/// How far a report looks back.
const TRACKED: SignedDuration = SignedDuration::from_hours(400 * 24);

/// The last use of each action, by the prefix of its service and its name. An empty name stands for actions that are in no
/// catalogue.
pub(super) struct Uses(BTreeMap<String, BTreeMap<String, ServiceUse>>);

impl Uses {
    /// The uses by a principal within the last 400 days: those in the store, and those that are not written yet.
    pub(super) async fn of(cx: &Cx, tx: &Tx, user: &ServiceUser) -> Result<Self> {
        let mut uses: BTreeMap<String, BTreeMap<String, ServiceUse>> = BTreeMap::new();
        let stored = tx.list_service_uses(user).await?;
        for (action, used) in stored.into_iter().chain(cx.deployment().recent_uses.services.of(user)) {
            let Some((service, name)) = action.split_once(':') else { continue };
            if cx.now().duration_since(used.time) > TRACKED {
                continue;
            }
            let actions = uses.entry(service.to_owned()).or_default();
            if actions.get(name).is_none_or(|known| known.time <= used.time) {
                actions.insert(name.to_owned(), used);
            }
        }
        Ok(Uses(uses))
    }

    /// The last use of any action of a service.
    pub(super) fn of_service(&self, service: &str) -> Option<&ServiceUse> {
        self.0.get(service)?.values().max_by_key(|used| used.time)
    }

    /// The last use of an action.
    pub(super) fn of_action(&self, service: &str, name: &str) -> Option<&ServiceUse> {
        self.0.get(service)?.get(name)
    }
}
