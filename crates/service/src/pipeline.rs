//! The steps of every call, in order: authenticate, validate, plan, decide, handle, commit, answer, record.
//!
//! A plan may name what to wait for; it is planned and decided again after the wait. Computations with passwords are
//! slow. A plan names them; they run once, after the decision and outside of the
//! transaction, and the next attempt handles the call with their result. The keys of an issuer, by which an operation
//! verifies the proof in its request, are fetched before the first attempt.
//!
//! Between authentication and decision a call may wait: for a requested revision, for the snapshot, or for other
//! calls after a conflict. When more calls come than the processors can work on, all but decisions wait for their turn
//! before each attempt, which ends before the commit. So each attempt validates the caller again on the snapshot that it is decided on, and the
//! commit expects that the records of the proof are unchanged.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_authz::DecidedBy;
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, IssuerKeysOutcome, Planned, RequestInfo, trace, uuid};
use bailiwick_storage::{At, CommitError, Revision, Tx};
use bytes::Bytes;
use http::HeaderName;
use jiff::Timestamp;

use crate::call_audit::{CallAudit, Ids};
use crate::caller::{Basis, CallCaller, Outcomes};
use crate::shared::{Parts, Shared};
use crate::steps::{Handled, Steps, Target};
use crate::{Answer, Incoming, call_limits, lockout};

/// The header, or gRPC metadata, with the revision that an answer must not be older than.
const MIN_REVISION: HeaderName = HeaderName::from_static("x-bailiwick-min-revision");

/// The maximum number of attempts at a change that conflicts with others.
const ATTEMPTS: usize = 24;

/// The options of a call in its headers.
struct CallOptions<'a> {
    /// A revision that the answer must not be older than.
    min_revision: Option<&'a str>,
    /// Whether the last administrator's access key may become unusable.
    allow_lockout: bool,
}

/// Answers one call to an operation with its handler, for a kind of caller.
pub(crate) async fn run<C: CallCaller>(
    shared: &Shared,
    target: &dyn Target<C::Cx>,
    mut incoming: Incoming<'_>,
) -> Answer {
    let facts = target.facts();
    let operation = trace::span("operation");
    let _in_flight = shared.metrics.begin();
    let parts = &shared.parts;
    let began = parts.deployment.clock.now();
    let message = std::mem::replace(&mut incoming.message, Ok(Bytes::new()));
    let ids = Ids::new(parts.deployment.random.as_ref());
    let mut request = request_info(&incoming, ids);
    let request_id = request.id.clone();
    let caller = match call_limits::admit_source(shared, facts, &incoming, began) {
        Ok(()) => {
            let _authenticate = trace::span("authenticate");
            C::authenticate(shared, &incoming, began).await
        }
        Err(error) => Err(error),
    };
    request.region = caller.as_ref().ok().and_then(|caller| caller.region().cloned());
    let request = Arc::new(request);
    let mut audit = CallAudit::new(shared, facts, ids, Arc::clone(&request), began);
    let outcome = match caller {
        Err(error) => {
            shared.metrics.unauthenticated(error.code().wire());
            Err(error)
        }
        Ok(mut caller) => {
            caller.record(&mut audit);
            caller.note_use(shared, facts.info, in_seconds(began));
            let options = CallOptions {
                min_revision: incoming.header(&MIN_REVISION),
                allow_lockout: incoming.header(&lockout::ALLOW).is_some_and(|value| value.eq_ignore_ascii_case("true")),
            };
            let answer = answer(shared, target, &mut caller, &request, message, options, &mut audit).await;
            caller.ended(shared, &incoming, answer.as_ref().err(), began);
            answer
        }
    };
    let outcome = audit.end(outcome).await;
    if let Some(operation) = operation {
        operation.note("rpc.method", format!("{}.{}", facts.info.service, facts.info.name));
        operation.note("bailiwick.request_id", &*request_id);
        operation.note("bailiwick.front_end", incoming.front_end.name);
        if let Err(error) = &outcome {
            operation.note_error(error);
        }
    }
    let took = parts.deployment.clock.now().duration_since(began).unsigned_abs();
    let (revision, result) = match outcome {
        Ok(done) => (Some(done.revision), Ok(done.response)),
        Err(error) => (None, Err(error)),
    };
    shared.metrics.answered(incoming.route, result.as_ref().err().map(|e| e.code().wire()), took);
    Answer { request_id, revision: revision.map(|r| parts.deployment.revisions.format(r)), result }
}

fn in_seconds(time: Timestamp) -> Timestamp {
    // A second that the clock returned is in range.
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn request_info(incoming: &Incoming<'_>, ids: Ids) -> RequestInfo {
    RequestInfo {
        id: uuid(ids.request),
        source_ip: Some(incoming.peer.ip),
        secure_transport: incoming.peer.secure,
        user_agent: incoming.user_agent(),
        region: None,
    }
}

async fn answer<C: CallCaller>(
    shared: &Shared,
    target: &dyn Target<C::Cx>,
    caller: &mut C,
    info: &Arc<RequestInfo>,
    message: Result<Bytes>,
    options: CallOptions<'_>,
    audit: &mut CallAudit<'_>,
) -> Result<Handled> {
    let (parts, facts) = (&shared.parts, target.facts());
    let is_read = facts.info.read_only;
    call_limits::admit_principal(shared, facts, caller, parts.deployment.clock.now())?;
    caller.may_call(facts.info)?;
    let message = message?;
    let begun = target.begin(&message);
    audit.set_message(message);
    let mut steps = begun?;
    let in_request = steps.min_revision().map(str::to_owned);
    let wanted = [options.min_revision, in_request.as_deref()];
    let at = reached(parts, wanted.map(|revision| revision.filter(|_| C::MAY_WAIT))).await?;
    let mut outcomes = Outcomes { passwords: None, issuer_keys: None, question: steps.question() };
    let (mut queued, mut has_waited) = (None, false);
    if facts.wants_keys {
        outcomes.issuer_keys = Box::pin(issuer_keys(shared, &mut *steps, caller, info, at)).await?;
    }
    for attempt in 1..=ATTEMPTS {
        let permit = call_limits::turn(shared, facts, caller).await?;
        let (store, quotas) = (Arc::clone(&parts.store), Arc::clone(&parts.deployment.quotas));
        let mut tx = match facts.is_decision() {
            true => Tx::without_rows(store, quotas, parts.snapshots.current()?.revision()),
            false => Tx::begin(store, quotas, at).await?,
        };
        if attempt == 1 {
            // Names are seldom taken. The next attempt reads them.
            tx.presume_names();
        }
        let revision = tx.revision();
        let is_last = is_read && (has_waited || !facts.waits);
        parts.snapshots.at_least(revision).await?;
        let basis = revalidate(shared, caller, revision)?;
        caller.record(audit);
        let cx = caller.context(shared, info, &basis);
        let Basis { snapshot, now, .. } = basis;
        let cx = &C::with_outcomes(cx, &outcomes);
        let plan = trace::span("plan");
        let planned = steps.plan(cx, &mut tx, is_last).await?;
        drop(plan);
        let Planned { plan: (), mut checks, retired_key, password, wait, proven, instead } = planned;
        caller.set_proven(proven)?;
        caller.record(audit);
        debug_assert_eq!(checks.iter().find_map(Check::undocumented), None, "a check of {}", facts.info.name);
        audit.set_resource(&checks);
        let decision = trace::span("decide");
        let mut decided = caller.decide(shared, &snapshot, cx, &checks, audit.begin_decision()).await;
        if let Some(instead) = instead
            && facts.answers_less
            && is_read
            && decided.is_err()
            && audit.is_implicit_denial()
        {
            debug_assert_eq!(
                instead.checks.iter().find_map(Check::undocumented),
                None,
                "a check of {}",
                facts.info.name
            );
            let mut noted = DecidedBy::new(false);
            if Box::pin(caller.decide(shared, &snapshot, cx, &instead.checks, &mut noted)).await.is_ok() {
                steps.do_instead();
                (checks, decided) = (instead.checks, Ok(()));
                *audit.begin_decision() = noted;
            }
        }
        if let Some(decision) = decision {
            decision.note("bailiwick.checks", checks.len().to_string());
            decision.note("bailiwick.outcome", if decided.is_ok() { "allow" } else { "deny" });
        }
        if let Err(error) = decided {
            if let Some(denied) = audit.admit_denial(&checks, &error)
                && let Some(explained) = caller.explain_denial(shared, &snapshot, cx, denied)
            {
                // Rare, so that it does not enlarge the future of every call.
                Box::pin(audit.set_explained(&snapshot, explained)).await;
            }
            return Err(error);
        }
        audit.set_permitted(&checks);
        caller.note_actions(shared, facts.info, &checks, in_seconds(now));
        if let Some(work) = password
            && outcomes.passwords.is_none()
        {
            // The computation is slow. The transaction ends here, and the next attempt proves and decides again.
            drop((tx, permit));
            let outcome = parts.deployment.passwords.run(caller.counted_as(), *work).await?;
            outcomes.passwords = Some(Arc::new(outcome));
            continue;
        }
        if let Some(wait) = wait
            && facts.waits
            && !std::mem::replace(&mut has_waited, true)
        {
            // The next attempt proves and decides again.
            drop((tx, permit));
            wait.wait().await?;
            continue;
        }
        let handle = trace::span("handle");
        let response = match steps.handle(cx, &mut tx).await {
            Ok(response) => Ok(response),
            Err(_) if tx.has_presumed() => continue,
            Err(error) if tx.is_kept_if_refused() && !is_read => Err(error),
            Err(error) => return Err(error),
        };
        drop(handle);
        if let Some(key) = retired_key.filter(|_| response.is_ok()) {
            C::check_lockout(shared, cx, &snapshot, &mut tx, &key, options.allow_lockout).await?;
        }
        if is_read || tx.is_read_only() {
            // Other calls may have run in between. Only a caller that is still valid gets the response.
            revalidate(shared, caller, revision)?;
            return Ok(Handled { response: response?, revision, committed: false });
        }
        caller.depend(&mut tx).await?;
        if let Ok(response) = &response {
            audit.write_into(&mut tx, response).await?;
        }
        // The store works on commits together.
        drop(permit);
        let commit = trace::span("commit");
        let committed = tx.commit().await;
        drop(commit);
        match committed {
            Ok(revision) => {
                // When the response leaves, decisions must see the change.
                parts.snapshots.at_least(revision).await.map_err(unseen)?;
                // A refusal that was counted is recorded as every refusal is, by the end of the call.
                return Ok(Handled { response: response?, revision, committed: true });
            }
            Err(CommitError::Failed(error)) => return Err(error),
            Err(CommitError::Conflict) => {
                shared.metrics.conflict();
                // Calls that conflicted on one resource continue one after the other. A call that conflicts again, with
                // calls outside the queue, waits for those to finish.
                if queued.is_none() {
                    let resource = checks.first().map_or("*", |check| check.resource.as_str());
                    queued = Some(shared.conflict_queue.wait(resource).await);
                } else {
                    tokio::time::sleep(Duration::from_millis(attempt as u64)).await;
                }
            }
        }
    }
    Err(IamError::new(
        ErrorCode::ConcurrentModification,
        "The request was rejected because multiple requests to change this object were submitted simultaneously. Wait a few minutes and submit your request again.",
    ))
}

/// The error of a change that is durable, and that decisions do not see in time. `ServiceUnavailable` would say that nothing was
/// changed.
fn unseen(error: IamError) -> IamError {
    let message = "the change was made, and decisions of this server do not see it yet: read it before you send the request again";
    IamError::new(ErrorCode::ServiceFailure, message).caused_by(error)
}

/// Gets the keys that a handler wants. Its transaction ends before the fetch begins.
async fn issuer_keys<C: CallCaller>(
    shared: &Shared,
    steps: &mut dyn Steps<C::Cx>,
    caller: &mut C,
    info: &Arc<RequestInfo>,
    at: At,
) -> Result<Option<Arc<IssuerKeysOutcome>>> {
    let parts = &shared.parts;
    let mut tx = Tx::begin(Arc::clone(&parts.store), Arc::clone(&parts.deployment.quotas), at).await?;
    parts.snapshots.at_least(tx.revision()).await?;
    let basis = revalidate(shared, caller, tx.revision())?;
    let cx = caller.context(shared, info, &basis);
    let Some(wanted) = steps.wanted_keys(&cx, &mut tx).await? else { return Ok(None) };
    drop(tx);
    let result = parts.deployment.issuer_keys.get(&wanted).await;
    Ok(Some(Arc::new(IssuerKeysOutcome { wanted, result })))
}

/// Waits until decisions see every revision that the answer must not be older than.
async fn reached(parts: &Parts, wanted: [Option<&str>; 2]) -> Result<At> {
    let mut newest = None;
    for text in wanted.into_iter().flatten() {
        newest = newest.max(Some(parts.deployment.revisions.parse(text)?));
    }
    let Some(revision) = newest else { return Ok(At::Latest) };
    parts.snapshots.at_least(revision).await?;
    Ok(At::AtLeast(revision))
}

/// Validates the caller on the newest snapshot, on which the attempt is decided: its transaction reads at `revision`, which is not
/// later.
///
/// The clock is read before the snapshot is taken, without waiting in between: a session that is issued at this time is
/// older than any revocation that this server makes after the snapshot.
fn revalidate(shared: &Shared, caller: &mut impl CallCaller, revision: Revision) -> Result<Basis> {
    let parts = &shared.parts;
    let now = parts.deployment.clock.now();
    let snapshot = parts.snapshots.current()?;
    caller.revalidate(shared, &snapshot, now)?;
    Ok(Basis { revision, snapshot, now })
}
