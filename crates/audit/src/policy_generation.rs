//! Generates policies from what a principal did.
//!
//! One call reads a bounded part of the trail. What it found so far is in the marker, sealed, so that the next call
//! continues and the answer always has the whole policy.

use bailiwick_api::{audit as pb, op};
use bailiwick_model::{IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Pages, Planned, counted_as};
use bailiwick_storage::{Page, Tx};
use jiff::SignedDuration;

use crate::{CallQuery, LookUp, RecordedPrincipal};

mod document;
mod found;
mod state;
#[cfg(test)]
mod tests;

use state::State;

/// The operation, for markers.
const OPERATION: &str = "GeneratePolicy";
/// The records that one call reads.
const MAX_RECORDS: usize = 20_000;
/// The records that are read at once.
const PAGE: usize = 1_000;
/// The time after which a call reads no further records.
const MAX_TIME: SignedDuration = SignedDuration::from_secs(2);

/// What to generate a policy of.
pub struct Generation {
    query: CallQuery,
    wildcards_above: Option<usize>,
    source_ip: bool,
}

/// Generates a policy.
///
/// # Errors
/// `InvalidInput` for an ARN that is not of a user or role of the caller's account, and for an impossible window;
/// `LimitExceeded` if the principal did too many different things; `ValidationError` for a marker of another request.
impl Handle<op::GeneratePolicy> for LookUp {
    type Plan = (Generation, PageRequest);

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::GeneratePolicyRequest) -> Result<Planned<Self::Plan>> {
        let principal = Some(RecordedPrincipal::parse(cx, &req.principal_arn)?);
        let generation = Generation {
            query: CallQuery::new(principal, req.start_time, req.end_time)?,
            wildcards_above: req.wildcards_above.and_then(|above| usize::try_from(above).ok()),
            source_ip: req.source_ip_condition,
        };
        let check = Check::without_resource("bailiwick:GeneratePolicy", cx.account());
        Ok(Planned::new((generation, PageRequest::new(req.marker, None))).check(check))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, (generation, page): Self::Plan) -> Result<pb::GeneratePolicyResponse> {
        let pages = page.open(cx, OPERATION)?;
        let mut state = match pages.after() {
            Some(text) => State::open(text).ok_or_else(|| IamError::internal("a marker without a state"))?,
            None => State::default(),
        };
        self.read_on(cx, &generation, &mut state).await?;
        let begin = match state.at {
            Some(_) => None,
            None => self.begin(&counted_as(cx.caller())).await?,
        };
        let answer = answer(&pages, &generation, state)?;
        Ok(pb::GeneratePolicyResponse { trail_begin_time: begin.map(|time| date(time.as_microsecond())), ..answer })
    }
}

impl LookUp {
    /// Reads a part of the trail.
    async fn read_on(&self, cx: &Cx, generation: &Generation, state: &mut State) -> Result<()> {
        let clock = &cx.deployment().clock;
        let begun = clock.now();
        let mut records = 0;
        while let Some(at) = &state.at {
            if records >= MAX_RECORDS || clock.now().duration_since(begun) > MAX_TIME {
                return Ok(());
            }
            let at = at.parse().map_err(|_| IamError::internal("a state without a position"))?;
            let page = self.calls(cx, &generation.query, at, PAGE).await?;
            records += page.records;
            state.found.records += page.records as u64;
            page.calls.iter().for_each(|call| state.found.note(call, generation.source_ip));
            page.requests.iter().for_each(|call| state.found.note_request(call));
            if let Some(above) = generation.wildcards_above {
                state.found.generalise(above);
            }
            state.found.check_size()?;
            state.unreadable.extend(page.unreadable);
            state.at = page.next.map(|next| next.to_string());
        }
        Ok(())
    }
}

fn answer(pages: &Pages<'_>, generation: &Generation, state: State) -> Result<pb::GeneratePolicyResponse> {
    let found = &state.found;
    let answer = pb::GeneratePolicyResponse {
        documents: document::write(found, generation.source_ip)?,
        covered_calls: count(found.covered),
        records_read: count(found.records),
        failed_calls: count(found.failed),
        first_call_time: found.times.map(|(first, _)| date(first)),
        last_call_time: found.times.map(|(_, last)| date(last)),
        uncovered: found.uncovered().collect(),
        calls_without_permission: count(found.free),
        trail_begin_time: None,
        marker: None,
        unreadable_segments: state.unreadable.iter().cloned().collect(),
    };
    let next = state.at.is_some().then(|| state.seal()).transpose()?;
    let marker = pages.answer(Page::<()> { items: Vec::new(), next })?.marker;
    Ok(pb::GeneratePolicyResponse { marker, ..answer })
}

fn date(microseconds: i64) -> prost_types::Timestamp {
    // The nanoseconds are below a billion.
    let nanos = microseconds.rem_euclid(1_000_000) as i32 * 1_000;
    prost_types::Timestamp { seconds: microseconds.div_euclid(1_000_000), nanos }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
