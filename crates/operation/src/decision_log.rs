//! The recording of decisions for other services.

use std::sync::Arc;

use bailiwick_model::AccountId;

use crate::{AuthorizationDetails, Cx, DecisionRecord};

/// Records decisions that other services ask for.
pub trait DecisionLog: Send + Sync {
    /// Whether the next decision is to be recorded. It is asked once for each decision.
    fn wants(&self, is_allowed: bool) -> bool;

    /// Whether the record of a denial is to have its details: they are large, so their rate is limited for each principal
    /// that an account asks about. It is asked once for each denial that is recorded.
    fn wants_details(&self, asking: AccountId, principal: &str) -> bool;

    /// Records a decision that the caller of `cx` asked for by this operation, with the details of a denial. Never waits:
    /// without room, the decision is counted as lost. Returns the authorization id under which the details are on record,
    /// if they are.
    fn record(
        &self,
        cx: &Cx,
        operation: &'static str,
        decision: &DecisionRecord,
        denial: Option<RecordedDenial>,
    ) -> Option<String>;
}

/// The details of a denial, and the documents of its policies.
#[derive(Debug, Default)]
pub struct RecordedDenial {
    /// The details. No policy has a digest yet.
    pub details: AuthorizationDetails,
    /// The documents, in the order of `details.policies`; none for those that cannot be shown.
    pub documents: Vec<Option<Arc<str>>>,
}
