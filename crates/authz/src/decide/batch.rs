//! Decisions for other services: many questions at once.

use bailiwick_api::authz::{AuthorizeItem, BatchAuthorizeRequest, BatchAuthorizeResponse, ContextEntry};
use bailiwick_api::op;
use bailiwick_decision::ResolvedSubject;
use bailiwick_model::{IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::Tx;
use prost::Message as _;

use super::caller::{ClaimedCaller, QuestionSubject};
use super::given_keys::GivenKeys;
use super::on_record::{Asked, ToRecord};
use super::question::Question;
use super::render::{DecisionView, item_error};
use super::target::service_prefix;
use super::uses;
use crate::authenticate::claim::Claim;
use crate::authenticate::credentials::resolve_subject;
use crate::work_budget::WorkBudget;
use crate::{Authz, snapshot};

/// The cost of checking a caller's proof, as a number of bytes read.
const PROOF_COST: usize = 2_000;

/// Decides many requests at one revision and one time, those at which the batch began. Shared parts are given once and
/// evaluated once.
///
/// The asking service needs the permissions of every question. The error of one question, its caller's proof included,
/// stands in its place in the response; the other questions are decided.
///
/// # Errors
/// `ValidationError` for the shared part.
impl Handle<op::BatchAuthorize> for Authz {
    type Plan = Batch;

    fn min_revision<'r>(&self, req: &'r BatchAuthorizeRequest) -> Option<&'r str> {
        req.min_revision.as_deref()
    }

    async fn plan(&self, cx: &Cx, _: &mut Tx, mut req: BatchAuthorizeRequest) -> Result<Planned<Batch>> {
        let snapshot = snapshot(cx)?;
        let shared = req.caller.take().map(|caller| self.claimed(cx, &snapshot, Some(caller)));
        let mut items = Vec::with_capacity(req.items.len());
        let mut claims: Vec<(String, Claim)> = Vec::new();
        let mut prefix_without_claim = None;
        let mut work = WorkBudget::new();
        for mut item in req.items {
            work.yield_if_due().await;
            work.add_bytes(PROOF_COST);
            let size = item.encoded_len();
            let own = item.caller.take().map(|caller| self.claimed(cx, &snapshot, Some(caller)));
            // An item that cannot be decided reveals nothing; its error stands in its place in the response.
            if let Ok(prefix) = service_prefix(&item.action) {
                match own.as_ref().or(shared.as_ref()) {
                    Some(Ok(caller)) => {
                        let claim = caller.claim();
                        let is_new =
                            |(other, whom): &(String, Claim)| !other.eq_ignore_ascii_case(prefix) || whom != claim;
                        if claims.iter().all(is_new) {
                            claims.push((prefix.to_owned(), claim.clone()));
                        }
                    }
                    _ => {
                        prefix_without_claim.get_or_insert_with(|| prefix.to_owned());
                    }
                }
            }
            items.push(BatchItem { size, question: item, caller: own });
        }
        if claims.is_empty() {
            claims.push((prefix_without_claim.unwrap_or_else(|| "bailiwick".to_owned()), Claim::without_principal()));
        }
        let checks = claims.iter().flat_map(|(prefix, claim)| claim.checks(cx, "bailiwick:Authorize", prefix));
        let checks: Vec<Check> = checks.collect();
        let batch = Batch { shared, context: req.context, items, encode_denials: req.encode_denials };
        Ok(Planned::new(batch).checks(checks))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, batch: Batch) -> Result<BatchAuthorizeResponse> {
        let snapshot = snapshot(cx)?;
        let context = GivenKeys::read(&batch.context, None)?;
        let shared = batch.shared.map(|caller| self.question_subject(cx, &snapshot, caller?));
        let shared = match &shared {
            Some(Ok(about)) => Some(resolve_subject(&about.subject, &snapshot).map(|resolved| (about, resolved))),
            Some(Err(error)) => Some(Err(copy_of(error))),
            None => None,
        };
        let mut work = WorkBudget::new();
        let shared_part = SharedPart { context: &context, encode_denials: batch.encode_denials };
        let mut explaining = WorkBudget::new();
        let (mut results, mut records) = (Vec::with_capacity(batch.items.len()), Vec::new());
        for BatchItem { size, question, caller } in batch.items {
            work.yield_if_due().await;
            explaining.yield_if_due().await;
            work.add_bytes(size);
            let work = &mut (&mut work, &mut explaining);
            let result = match (caller, &shared) {
                (Some(caller), _) => {
                    work.0.add_bytes(PROOF_COST);
                    caller.and_then(|caller| self.question_subject(cx, &snapshot, caller)).and_then(|about| {
                        self.item(
                            cx,
                            &about,
                            &resolve_subject(&about.subject, &snapshot)?,
                            &shared_part,
                            &question,
                            work,
                        )
                    })
                }
                (None, Some(Ok((about, resolved)))) => self.item(cx, about, resolved, &shared_part, &question, work),
                (None, Some(Err(error))) => Err(copy_of(error)),
                (None, None) => Err(IamError::validation("neither the item nor the batch names a caller")),
            };
            let result = result.map(|(decided, record)| {
                records.push(record);
                decided
            });
            results.push(result);
        }
        let mut ids = self.record(cx, "BatchAuthorize", records).await.into_iter();
        let result = |result: Result<DecisionView>| match result {
            Ok(decided) => decided.with_authorization_id(ids.next().flatten()).result(),
            Err(error) => item_error(&error),
        };
        let results = results.into_iter().map(result).collect();
        Ok(BatchAuthorizeResponse { results, revision: self.deployment.revisions.format(snapshot.revision()) })
    }
}

/// Questions without their callers, and the callers.
pub struct Batch {
    shared: Option<Result<ClaimedCaller>>,
    context: Vec<ContextEntry>,
    items: Vec<BatchItem>,
    encode_denials: bool,
}

/// What all items of a batch share besides a caller.
struct SharedPart<'a> {
    context: &'a GivenKeys<'a>,
    encode_denials: bool,
}

struct BatchItem {
    question: AuthorizeItem,
    /// Its own caller; otherwise the batch's is asked about.
    caller: Option<Result<ClaimedCaller>>,
    /// The encoded size, caller included, which measures the work of reading it.
    size: usize,
}

impl Authz {
    /// Decides one item. The second budget is for what explains denials.
    fn item(
        &self,
        cx: &Cx,
        about: &QuestionSubject,
        resolved: &ResolvedSubject<'_>,
        shared: &SharedPart<'_>,
        item: &AuthorizeItem,
        (work, explaining): &mut (&mut WorkBudget, &mut WorkBudget),
    ) -> Result<(DecisionView, Option<ToRecord>)> {
        let question = Question::parse(
            self,
            &item.action,
            &item.resource,
            item.resource_account.as_deref(),
            item.resource_policy.as_deref(),
        )?
        .asked_about(about);
        about.check_action(resolved.view(), &item.action)?;
        let own = GivenKeys::read(&item.context, Some(shared.context))?;
        let context = [&own, shared.context];
        let mut decided = self.answer(cx, &question, resolved, &context, work)?;
        if shared.encode_denials && !decided.is_allowed() {
            let message = self.encoded_message(cx, &question, resolved, &context, work)?;
            decided = decided.with_encoded_message(message);
        }
        uses::note(cx, resolved.view().catalogue(), about, &item.action, &decided);
        let asked = Asked { subject: resolved, access_key: about.access_key.as_ref() };
        let record = self.to_record(cx, &asked, &question, &context, &decided, explaining);
        Ok((decided, record))
    }
}

/// A copy of an error, for another item.
fn copy_of(error: &IamError) -> IamError {
    IamError::new(error.code(), error.message())
}
