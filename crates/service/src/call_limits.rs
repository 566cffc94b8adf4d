//! The limits of calls, which the calls of other services for decisions have not: rates, and turns.

use bailiwick_api::Operation;
use bailiwick_api::options::Audit;
use bailiwick_model::{Result, SourceNetwork};
use bailiwick_operation::CxOf;
use jiff::Timestamp;

use crate::Incoming;
use crate::authenticate::RETRY_AFTER;
use crate::caller::{CallCaller, CallerOf};
use crate::fair_queue::{Overloaded, Permit};
use crate::shared::Shared;

/// Whether an operation is a decision for another service, which waits for no other call and has no rate limit.
const fn is_decision<O: Operation>() -> bool {
    matches!(O::AUDIT, Audit::Decision)
}

/// Counts a call from a source, before its caller is known.
///
/// # Errors
/// `Throttling` beyond the rate limit of the source.
pub(crate) fn admit_source<O: Operation>(shared: &Shared, incoming: &Incoming<'_>, now: Timestamp) -> Result<()> {
    if is_decision::<O>() {
        return Ok(());
    }
    let admitted = shared.call_rates.admit_source(SourceNetwork::of(incoming.peer.ip), now);
    admitted.map_err(|wait| shared.throttled("calls of a source", wait))
}

/// Counts a call of a principal.
///
/// # Errors
/// `Throttling` beyond the rate limit of the principal.
pub(crate) fn admit_principal<O: Operation>(shared: &Shared, caller: &CallerOf<O>, now: Timestamp) -> Result<()>
where
    CallerOf<O>: CallCaller<Cx = CxOf<O>>,
{
    if is_decision::<O>() {
        return Ok(());
    }
    let admitted = shared.call_rates.admit_principal(|| caller.counted_as(), now);
    admitted.map_err(|wait| shared.throttled("calls of a principal", wait))
}

/// Waits until the call may be worked on; a decision may at once.
///
/// # Errors
/// `Throttling` if too many calls wait, or after a time.
pub(crate) async fn turn<O: Operation>(shared: &Shared, caller: &CallerOf<O>) -> Result<Option<Permit>>
where
    CallerOf<O>: CallCaller<Cx = CxOf<O>>,
{
    if is_decision::<O>() {
        return Ok(None);
    }
    let permit = shared.fair_queue.enter(caller.counted_as()).await;
    permit.map(Some).map_err(|Overloaded| shared.throttled("waiting calls", RETRY_AFTER))
}
