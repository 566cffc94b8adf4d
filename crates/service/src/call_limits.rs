//! The limits of calls, which the calls of other services for decisions have not: rates, and turns.

use std::time::Duration;

use bailiwick_model::{Result, SourceNetwork};
use bailiwick_operation::{FairQueueLimits, Overloaded, Permit};
use jiff::Timestamp;

use crate::Incoming;
use crate::authenticate::RETRY_AFTER;
use crate::caller::CallCaller;
use crate::shared::Shared;
use crate::steps::Facts;

/// The limits of the queue of calls for this many processors.
pub(crate) fn queue(processors: usize, is_store_remote: bool) -> FairQueueLimits {
    // Calls wait for the disk, or most of their time for other machines, so that more than one for each processor must have
    // begun.
    let at_once = if is_store_remote { 64 } else { 16 } * processors.max(1);
    FairQueueLimits {
        at_once,
        at_once_of_one: at_once / 2,
        waiting_of_one: 4 * 1024,
        waiting: 32 * 1024,
        patience: Duration::from_secs(20),
    }
}

/// Counts a call from a source, before its caller is known.
///
/// # Errors
/// `Throttling` beyond the rate limit of the source.
pub(crate) fn admit_source(shared: &Shared, facts: &Facts, incoming: &Incoming<'_>, now: Timestamp) -> Result<()> {
    if facts.is_decision() {
        return Ok(());
    }
    let admitted = shared.call_rates.admit_source(SourceNetwork::of(incoming.peer.ip), now);
    admitted.map_err(|wait| shared.throttled("calls of a source", wait))
}

/// Counts a call of a principal.
///
/// # Errors
/// `Throttling` beyond the rate limit of the principal.
pub(crate) fn admit_principal(shared: &Shared, facts: &Facts, caller: &impl CallCaller, now: Timestamp) -> Result<()> {
    if facts.is_decision() {
        return Ok(());
    }
    let admitted = shared.call_rates.admit_principal(|| caller.counted_as(), now);
    admitted.map_err(|wait| shared.throttled("calls of a principal", wait))
}

/// Waits until the call may be worked on; a decision may at once.
///
/// # Errors
/// `Throttling` if too many calls wait, or after a time.
pub(crate) async fn turn(shared: &Shared, facts: &Facts, caller: &impl CallCaller) -> Result<Option<Permit>> {
    if facts.is_decision() {
        return Ok(None);
    }
    let permit = shared.fair_queue.enter(caller.counted_as()).await;
    permit.map(Some).map_err(|Overloaded| shared.throttled("waiting calls", RETRY_AFTER))
}
