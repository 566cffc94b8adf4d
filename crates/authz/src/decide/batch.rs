//! Decisions for other services: many questions at once.

use bailiwick_api::authz::{
    AuthorizeItem, AuthorizeResult, BatchAuthorizeRequest, BatchAuthorizeResponse, ContextEntry,
};
use bailiwick_api::op;
use bailiwick_evaluator as evaluator;
use bailiwick_model::{IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::Tx;
use prost::Message as _;

use super::caller::{AskedAbout, ClaimedCaller};
use super::given_keys::GivenKeys;
use super::question::{Question, service_prefix};
use super::render::{DecisionView, undecided};
use crate::authenticate::claim::Claim;
use crate::effort::Effort;
use crate::subject::Present;
use crate::{AskedBy, Authz, snapshot};

/// The cost of checking a caller's proof, as a number of bytes read.
const PROOF: usize = 2_000;

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
        let mut asked: Vec<(String, Claim)> = Vec::new();
        let mut broken = None;
        let mut effort = Effort::new();
        for mut item in req.items {
            effort.pause().await;
            effort.read(PROOF);
            let size = item.encoded_len();
            let own = item.caller.take().map(|caller| self.claimed(cx, &snapshot, Some(caller)));
            // An item that cannot be decided reveals nothing; its error stands in its place in the response.
            if let Ok(prefix) = service_prefix(&item.action) {
                match own.as_ref().or(shared.as_ref()) {
                    Some(Ok(caller)) => {
                        let claim = caller.claim();
                        let is_new =
                            |(other, whom): &(String, Claim)| !other.eq_ignore_ascii_case(prefix) || whom != claim;
                        if asked.iter().all(is_new) {
                            asked.push((prefix.to_owned(), claim.clone()));
                        }
                    }
                    _ => {
                        broken.get_or_insert_with(|| prefix.to_owned());
                    }
                }
            }
            items.push(BatchItem { size, question: item, caller: own });
        }
        if asked.is_empty() {
            asked.push((broken.unwrap_or_else(|| "bailiwick".to_owned()), Claim::nobody()));
        }
        let checks = asked.iter().flat_map(|(prefix, claim)| claim.checks(cx, "bailiwick:Authorize", prefix));
        let checks: Vec<Check> = checks.collect();
        Ok(Planned::new(Batch { shared, context: req.context, items }).checks(checks))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, batch: Batch) -> Result<BatchAuthorizeResponse> {
        let snapshot = snapshot(cx)?;
        let context = GivenKeys::read(&batch.context, None)?;
        let shared = batch.shared.map(|caller| self.asked_about(cx, &snapshot, caller?));
        let shared = match &shared {
            Some(Ok(about)) => Some(about.subject.on(&snapshot).map(|present| (about, present))),
            Some(Err(error)) => Some(Err(again(error))),
            None => None,
        };
        let mut effort = Effort::new();
        let mut results = Vec::with_capacity(batch.items.len());
        for BatchItem { size, question, caller } in batch.items {
            effort.pause().await;
            effort.read(size);
            let result = match (caller, &shared) {
                (Some(caller), _) => {
                    effort.read(PROOF);
                    caller.and_then(|caller| self.asked_about(cx, &snapshot, caller)).and_then(|about| {
                        self.item(cx, &about, &about.subject.on(&snapshot)?, &context, &question, &mut effort)
                    })
                }
                (None, Some(Ok((about, present)))) => self.item(cx, about, present, &context, &question, &mut effort),
                (None, Some(Err(error))) => Err(again(error)),
                (None, None) => Err(IamError::validation("neither the item nor the batch says who wants to act")),
            };
            results.push(result.unwrap_or_else(|error| undecided(&error)));
        }
        Ok(BatchAuthorizeResponse { results, revision: self.deployment.revisions.format(snapshot.revision()) })
    }
}

/// Questions without their callers, and the callers.
pub struct Batch {
    shared: Option<Result<ClaimedCaller>>,
    context: Vec<ContextEntry>,
    items: Vec<BatchItem>,
}

struct BatchItem {
    question: AuthorizeItem,
    /// Its own caller; otherwise the batch's is asked about.
    caller: Option<Result<ClaimedCaller>>,
    /// The encoded size, caller included, which measures the work of reading it.
    size: usize,
}

impl Authz {
    fn item(
        &self,
        cx: &Cx,
        about: &AskedAbout,
        present: &Present<'_>,
        shared: &GivenKeys<'_>,
        item: &AuthorizeItem,
        effort: &mut Effort,
    ) -> Result<AuthorizeResult> {
        let question = Question::read(
            self,
            &item.action,
            &item.resource,
            item.resource_account.as_deref(),
            item.resource_policy.as_deref(),
        )?;
        about.check_action(present.snapshot, &item.action)?;
        let own = GivenKeys::read(&item.context, Some(shared))?;
        question.put(cx, present, &[&own, shared], |request, policies, disclosure| {
            let decided = effort.ask(|budget| evaluator::decide_within(request, policies, budget));
            let decision = self.decisions.note(AskedBy::Service, decided)?;
            Ok(DecisionView::of(&decision, present, request, policies, disclosure).result())
        })
    }
}

/// A copy of an error, for another item.
fn again(error: &IamError) -> IamError {
    IamError::new(error.code(), error.message())
}
