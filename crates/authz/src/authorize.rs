//! Decisions for other services: one question or many.

use bailiwick_api::authz::{
    AuthorizeItem, AuthorizeRequest, AuthorizeResponse, AuthorizeResult, BatchAuthorizeRequest, BatchAuthorizeResponse,
    ContextEntry,
};
use bailiwick_api::op;
use bailiwick_evaluator as evaluator;
use bailiwick_model::{IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::Tx;
use prost::Message as _;

use crate::caller::{AskedAbout, Claim, ClaimedCaller};
use crate::decide::snapshot;
use crate::disclosure::Disclosure;
use crate::effort::Effort;
use crate::question::{GivenKeys, Question, service_prefix};
use crate::render::{DecisionView, undecided};
use crate::subject::Present;
use crate::{AskedBy, Authz};

/// The cost of checking a caller's proof, as a number of bytes read.
const PROOF: usize = 2_000;

/// Decides one request of a caller of another service.
///
/// The asking service needs `bailiwick:Authorize` on `arn:PARTITION:bailiwick::ITS-ACCOUNT:service/PREFIX`, where
/// `PREFIX` is that of the action in the question. Policies can limit it by that resource or by the keys
/// `bailiwick:ServicePrefix` and `bailiwick:PrincipalAccount`. To name a caller without proof, the asking service also
/// needs `bailiwick:AuthorizeAs` on the caller's ARN, which no identity policy allows across accounts. The same holds for
/// a service principal, unless the service is registered with the asking user or role as one that may act as it.
///
/// A caller that is proven by a signature can be asked about only for actions of the service that the signature is for;
/// see `signing_name`.
///
/// A question without a resource policy is decided with the stored policy of the ARN, if any. If a policy or tags of the
/// resource are stored, and for Bailiwick's own resources (users, roles, managed policies), the stored tags apply and the
/// request must not have any. A response withholds the policies of other accounts.
///
/// # Errors
/// `ValidationError`, `InvalidInput`, `MalformedPolicyDocument`, and those of the caller's proof; `LimitExceeded` for a
/// question that would take too long to decide.
impl Handle<op::Authorize> for Authz {
    /// The question without its caller, and the caller.
    type Plan = (AuthorizeRequest, Result<ClaimedCaller>);

    fn min_revision<'r>(&self, req: &'r AuthorizeRequest) -> Option<&'r str> {
        req.min_revision.as_deref()
    }

    async fn plan(&self, cx: &Cx, _: &mut Tx, mut req: AuthorizeRequest) -> Result<Planned<Self::Plan>> {
        let prefix = service_prefix(&req.action)?;
        let caller = self.claimed(cx, &*snapshot(cx)?, req.caller.take());
        let checks = claim(&caller).checks(cx, "bailiwick:Authorize", prefix);
        Ok(Planned::new((req, caller)).checks(checks))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, (req, caller): Self::Plan) -> Result<AuthorizeResponse> {
        let snapshot = snapshot(cx)?;
        let about = self.asked_about(cx, &snapshot, caller?)?;
        let mut effort = Effort::new();
        self.asked(cx, &snapshot, &req, &about, |present, request, policies, disclosure| {
            let decided = effort.ask(|budget| evaluator::decide_within(request, policies, budget));
            let decision = self.decisions.note(AskedBy::Service, decided)?;
            let view = DecisionView::of(&decision, present, request, policies, disclosure);
            Ok(view.response(self.deployment.revisions.format(snapshot.revision())))
        })
    }
}

/// The claim that the checks of a question are about; no principal's if the caller cannot be read.
pub(crate) fn claim(caller: &Result<ClaimedCaller>) -> Claim {
    caller.as_ref().map_or_else(|_| Claim::nobody(), |caller| caller.claim().clone())
}

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
    /// Calls `then` with a question, about a subject as it is in a snapshot.
    pub(crate) fn asked<T>(
        &self,
        cx: &Cx,
        snapshot: &Snapshot,
        req: &AuthorizeRequest,
        about: &AskedAbout,
        then: impl FnOnce(&Present<'_>, &evaluator::Request<'_>, &evaluator::Policies<'_>, Disclosure) -> Result<T>,
    ) -> Result<T> {
        let question = Question::read(
            self,
            &req.action,
            &req.resource,
            req.resource_account.as_deref(),
            req.resource_policy.as_deref(),
        )?;
        let context = GivenKeys::read(&req.context, None)?;
        about.check_action(snapshot, &req.action)?;
        let present = about.subject.on(snapshot)?;
        question.put(cx, &present, &[&context], |request, policies, disclosure| {
            then(&present, request, policies, disclosure)
        })
    }

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
