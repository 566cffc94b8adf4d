//! The recording of decisions for other services.

use crate::{Cx, DecisionRecord};

/// Records decisions that other services ask for.
pub trait DecisionLog: Send + Sync {
    /// Whether the next decision is to be recorded. It is asked once for each decision.
    fn wants(&self, is_allowed: bool) -> bool;

    /// Records a decision that the caller of `cx` asked for by this operation. Never waits: without room, the decision is
    /// counted as lost.
    fn record(&self, cx: &Cx, operation: &'static str, decision: &DecisionRecord);
}
