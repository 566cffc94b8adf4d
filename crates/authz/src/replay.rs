//! Replays recorded decisions with a proposed change of policies.
//!
//! `change` reads the change, `policies` applies it to the policies of a principal, `recorded` makes a recorded check what
//! the evaluator decides. Both decisions of a check are made by the code that makes live ones, on one snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;

use bailiwick_api::{audit as pb, op};
use bailiwick_audit::{CallPosition, CallQuery, LookUp, RecordedCall, RecordedCheck, RecordedPrincipal};
use bailiwick_decision::{ResolvedSubject, SubjectKind};
use bailiwick_evaluator::{Decision, Policies, PolicyKind};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Planned};
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::{Page, Tx};
use jiff::SignedDuration;

use crate::decide::disclosure::Disclosure;
use crate::decide::noted::{outcome_name, policy_type_name};
use crate::decide::own_password;
use crate::work_budget::WorkBudget;
use crate::{Authz, date, snapshot};

mod change;
mod policies;
mod recorded;

use policies::{Changed, ChangedPolicies};
use recorded::{RecordedInput, Who};

/// The operation, for markers.
const OPERATION: &str = "Replay";
/// The records that one call reads.
const MAX_RECORDS: usize = 20_000;
/// The records that are read at once.
const PAGE: usize = 100;
/// The differences after which a call reads no further records.
const MAX_DIFFERENCES: usize = 1_000;
/// The time after which a call reads no further records.
const MAX_TIME: SignedDuration = SignedDuration::from_secs(2);

/// Lists the recorded decisions that a change of policies would make different.
///
/// # Errors
/// `InvalidInput` for an impossible window, a principal of another account, and a change of what a change can't be of;
/// `MalformedPolicyDocument`; `NoSuchEntity` for an identity or policy that does not exist.
impl Handle<op::Replay> for Authz {
    type Plan = (pb::ReplayRequest, CallQuery);

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::ReplayRequest) -> Result<Planned<Self::Plan>> {
        let principal = req.principal_arn.as_deref().map(|arn| RecordedPrincipal::parse(cx, arn)).transpose()?;
        let query = CallQuery::new(principal, req.start_time, req.end_time)?;
        let check = Check::without_resource("bailiwick:Replay", cx.account());
        Ok(Planned::new((req, query)).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (req, query): Self::Plan) -> Result<pb::ReplayResponse> {
        let trail = self.trail.as_ref().ok_or_else(|| IamError::internal("no audit trail to replay"))?;
        let snapshot = snapshot(cx)?;
        let pages = PageRequest::new(req.marker, None).open(cx, OPERATION)?;
        let at = match pages.after() {
            Some(text) => text.parse().map_err(|_| IamError::internal("a marker without a position"))?,
            None => CallPosition::default(),
        };
        let changes = change::read(cx, tx, &snapshot, req.changes).await?;
        let mut replay = Replay {
            authz: self,
            cx,
            snapshot: &snapshot,
            policies: ChangedPolicies::new(&snapshot, changes),
            report: pb::ReplayResponse::default(),
            failed: BTreeMap::new(),
        };
        let next = replay.run(trail, &query, at).await?;
        let marker = pages.answer(Page::<()> { items: Vec::new(), next: next.map(|next| next.to_string()) })?.marker;
        let not_replayable = replay.failed.into_iter().map(|(reason, (decisions, event_id))| pb::NotReplayable {
            reason,
            decisions,
            event_id,
        });
        Ok(pb::ReplayResponse { not_replayable: not_replayable.collect(), marker, ..replay.report })
    }
}

struct Replay<'a> {
    authz: &'a Authz,
    cx: &'a Cx,
    snapshot: &'a Snapshot,
    policies: ChangedPolicies<'a>,
    report: pb::ReplayResponse,
    /// By reason: how many decisions could not be replayed, and the id of an event.
    failed: BTreeMap<i32, (i64, String)>,
}

impl Replay<'_> {
    /// Replays a part of the trail. Returns where the next call continues.
    async fn run(&mut self, trail: &LookUp, query: &CallQuery, at: CallPosition) -> Result<Option<CallPosition>> {
        let clock = &self.cx.deployment().clock;
        let begun = clock.now();
        let (mut records, mut next) = (0, Some(at));
        while let Some(at) = next {
            if records >= MAX_RECORDS
                || self.report.differences.len() >= MAX_DIFFERENCES
                || clock.now().duration_since(begun) > MAX_TIME
            {
                return Ok(next);
            }
            let page = trail.calls(self.cx, query, at, PAGE).await?;
            records += page.records;
            self.report.records_read += i64::try_from(page.records).unwrap_or(i64::MAX);
            let known = &mut self.report.unreadable_segments;
            known.extend(page.unreadable);
            known.sort();
            known.dedup();
            let mut work = WorkBudget::new();
            for call in &page.calls {
                self.call(call, &mut work);
                work.add_bytes(2_000);
                work.yield_if_due().await;
            }
            next = page.next;
        }
        Ok(None)
    }

    fn fail(&mut self, call: &RecordedCall, reason: pb::NotReplayableReason, decisions: usize) {
        let count = i64::try_from(decisions).unwrap_or(i64::MAX);
        self.failed.entry(reason.into()).or_insert_with(|| (0, call.event_id.clone())).0 += count;
    }

    fn not_concerned(&mut self, decisions: usize) {
        self.report.not_concerned += i64::try_from(decisions).unwrap_or(i64::MAX);
    }

    fn call(&mut self, call: &RecordedCall, work: &mut WorkBudget) {
        use pb::NotReplayableReason as Reason;
        let Some(decision) = call.decision() else { return };
        let decisions = decision.checks.len().max(1) + decision.more_checks as usize;
        let subject = match recorded::subject(self.snapshot, call, decision) {
            Who::Subject(subject) => subject,
            Who::Federated => return self.fail(call, Reason::SessionPolicies, decisions),
            Who::Deleted => return self.fail(call, Reason::PrincipalDeleted, decisions),
            Who::WithoutPolicies if call.is_decision() && decision.checks.is_empty() => {
                return self.fail(call, Reason::ChecksNotRecorded, decisions);
            }
            Who::WithoutPolicies => return self.not_concerned(decisions),
        };
        let changed: Option<Arc<Changed>> = subject.id().and_then(|id| self.policies.of(&id));
        let Some(changed) = changed else { return self.not_concerned(decisions) };
        if decision.checks.is_empty() {
            return self.fail(call, Reason::ChecksNotRecorded, decisions);
        }
        if let Some(session) = &decision.session {
            let reason = match (session.limited, session.other_keys) {
                (true, _) => Some(Reason::SessionPolicies),
                (_, true) => Some(Reason::SessionTags),
                _ => None,
            };
            if let Some(reason) = reason {
                return self.fail(call, reason, decisions);
            }
        } else if subject.kind() == SubjectKind::RoleSession {
            return self.fail(call, Reason::ContextNotRecorded, decisions);
        }
        if decision.more_checks > 0 {
            self.fail(call, Reason::ContextNotRecorded, decision.more_checks as usize);
        }
        let last = decision.checks.len() - 1;
        for (at, check) in decision.checks.iter().enumerate() {
            let Some(input) = RecordedInput::read(call, check) else {
                self.fail(call, Reason::ContextNotRecorded, 1);
                continue;
            };
            let Some(before) = subject.resolve(self.snapshot) else {
                self.fail(call, Reason::PrincipalDeleted, 1);
                continue;
            };
            let after = subject.resolve_with(self.snapshot, &changed.identity, changed.boundary.as_ref());
            let decided = [&before, &after].map(|resolved| self.decide(&input, check, resolved, work));
            let [Ok(before), Ok(after)] = decided else {
                self.fail(call, Reason::TooLarge, 1);
                continue;
            };
            self.report.replayed += 1;
            // Every check before the last one was allowed.
            let recorded = if at == last && decision.more_checks == 0 { &*decision.outcome } else { "ALLOW" };
            if (recorded == "ALLOW") != (before.outcome == "ALLOW") {
                self.report.changed_since += 1;
            }
            if before.outcome != after.outcome {
                self.report.differences.push(pb::ReplayedDecision {
                    event_id: call.event_id.clone(),
                    event_time: call.time().map(date),
                    event_name: call.event_name.clone(),
                    principal_arn: call.principal_arn().to_owned(),
                    action: check.action.clone(),
                    resource: call.resource_of(check).to_owned(),
                    before: Some(before),
                    after: Some(after),
                });
            }
        }
    }

    /// Decides a recorded check for a subject with its policies.
    fn decide(
        &self,
        input: &RecordedInput<'_>,
        check: &RecordedCheck,
        resolved: &ResolvedSubject<'_>,
        work: &mut WorkBudget,
    ) -> Result<pb::ReplayedOutcome> {
        input.with(&self.authz.deployment, resolved, |request, policies| {
            let mut decided = work.decide(request, policies)?;
            if own_password::applies_to(check.own_password, &check.action, &decided, request) {
                decided = own_password::with_grant(policies, |policies| work.decide(request, policies))?;
            }
            let owner = request.resource_account.id;
            let account = resolved.subject().account();
            let disclosure = Disclosure::of_record(account, owner, self.snapshot.management_account(), policies);
            Ok(outcome(&disclosure.redact(decided), policies))
        })
    }
}

fn outcome(decision: &Decision, policies: &Policies<'_>) -> pb::ReplayedOutcome {
    let kind: Option<PolicyKind> = decision.statement.map(|at| at.kind).or(decision.lacking);
    let mut outcome = pb::ReplayedOutcome {
        outcome: outcome_name(decision.outcome).to_owned(),
        policy_type: kind.map(policy_type_name).unwrap_or_default().to_owned(),
        ..pb::ReplayedOutcome::default()
    };
    if let Some(at) = &decision.statement
        && let Some(policy) = policies.policy(at)
    {
        let sid = policy.statement(at.statement as usize).and_then(|statement| statement.sid.map(str::to_owned));
        outcome.policy = policy.name().unwrap_or_default().to_owned();
        outcome.sid = sid.unwrap_or_default();
        outcome.statement_index = i32::try_from(at.statement).unwrap_or(i32::MAX);
    }
    outcome
}

/// The error of a change that cannot be made.
fn invalid(member: &str, why: String) -> IamError {
    IamError::new(ErrorCode::InvalidInput, why.clone()).field(member, why)
}
