//! May they? One question, or many.

use bailiwick_api::authz::{
    AuthorizeItem, AuthorizeRequest, AuthorizeResponse, AuthorizeResult, BatchAuthorizeRequest, BatchAuthorizeResponse,
};
use bailiwick_api::op;
use bailiwick_evaluator as evaluator;
use bailiwick_model::{AccountId, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle};
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::Tx;
use prost::Message as _;

use crate::caller::Claim;
use crate::decide::snapshot;
use crate::effort::Effort;
use crate::question::{GivenKeys, Question, service_prefix};
use crate::render::{DecisionView, undecided};
use crate::subject::{Present, Subject};
use crate::{AskedBy, Authz};

/// What looking at a caller's proof costs, as bytes that are read.
const PROOF: usize = 2_000;

/// Decides one request of somebody who proves himself to another service.
///
/// The asking service needs `bailiwick:Authorize` on `arn:PARTITION:bailiwick::ITS-ACCOUNT:service/PREFIX`, where
/// `PREFIX` is that of the action asked about; its policies may bound it by that resource or by the keys
/// `bailiwick:ServicePrefix` and `bailiwick:PrincipalAccount`. Who names a caller that is not proven needs
/// `bailiwick:AuthorizeAs` on the caller's ARN as well, which no identity policy gives across accounts. So it does for
/// a service principal, unless the service is registered and the asking user or role is listed to act as it.
///
/// A question without a policy of the resource is decided with the one that is kept for its ARN, if there is one; the
/// tags that are kept are `aws:ResourceTag/…` where the question does not bring the key. What a kept policy says is
/// told to the account that owns the resource and to the management account, not to others.
///
/// # Errors
/// `ValidationError`, `InvalidInput`, `MalformedPolicyDocument`, and what is wrong with the caller's proof;
/// `LimitExceeded` for a question that would take too long to decide.
impl Handle<op::Authorize> for Authz {
    fn min_revision<'r>(&self, req: &'r AuthorizeRequest) -> Option<&'r str> {
        req.min_revision.as_deref()
    }

    async fn checks(&self, cx: &Cx, _: &mut Tx, req: &AuthorizeRequest) -> Result<Vec<Check>> {
        let prefix = service_prefix(&req.action)?;
        let claim = self.claim(cx, &*snapshot(cx)?, req.caller.as_ref());
        Ok(claim.unwrap_or_else(|_| Claim::nobody()).checks(cx, "bailiwick:Authorize", prefix))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, req: AuthorizeRequest) -> Result<AuthorizeResponse> {
        let snapshot = snapshot(cx)?;
        let told = self.authorized(cx, &snapshot, &req, &mut Effort::new())?;
        Ok(told.response(self.deployment.revisions.format(snapshot.revision())))
    }
}

/// Decides many requests at one revision. What they share is said once and worked out once.
///
/// The asking service needs what it would need for each question alone. What is wrong with one question, its caller's
/// proof included, is told in its place; the others are answered.
///
/// # Errors
/// `ValidationError` for what is wrong with the part that all share.
impl Handle<op::BatchAuthorize> for Authz {
    fn min_revision<'r>(&self, req: &'r BatchAuthorizeRequest) -> Option<&'r str> {
        req.min_revision.as_deref()
    }

    async fn checks(&self, cx: &Cx, _: &mut Tx, req: &BatchAuthorizeRequest) -> Result<Vec<Check>> {
        let snapshot = snapshot(cx)?;
        let shared = req.caller.as_ref().map(|caller| self.claim(cx, &snapshot, Some(caller)));
        let mut asked: Vec<(String, Claim)> = Vec::new();
        let mut broken = None;
        let mut effort = Effort::new();
        for item in &req.items {
            effort.pause().await;
            effort.read(PROOF);
            // Items that can't be decided reveal nothing, and are told so one by one.
            let Ok(prefix) = service_prefix(&item.action) else { continue };
            let own = item.caller.as_ref().map(|caller| self.claim(cx, &snapshot, Some(caller)));
            let claim = match own.as_ref().or(shared.as_ref()) {
                Some(Ok(claim)) => claim,
                _ => {
                    broken.get_or_insert(prefix);
                    continue;
                }
            };
            if !asked.iter().any(|(other, whom)| other.eq_ignore_ascii_case(prefix) && whom == claim) {
                asked.push((prefix.to_owned(), claim.clone()));
            }
        }
        if asked.is_empty() {
            asked.push((broken.unwrap_or("bailiwick").to_owned(), Claim::nobody()));
        }
        Ok(asked.iter().flat_map(|(prefix, claim)| claim.checks(cx, "bailiwick:Authorize", prefix)).collect())
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, req: BatchAuthorizeRequest) -> Result<BatchAuthorizeResponse> {
        let snapshot = snapshot(cx)?;
        let context = GivenKeys::read(&req.context, None)?;
        let shared = req.caller.as_ref().map(|caller| self.asked_about(cx, &snapshot, Some(caller)));
        let shared = match &shared {
            Some(Ok(subject)) => Some(subject.on(&snapshot)),
            Some(Err(error)) => Some(Err(again(error))),
            None => None,
        };
        let mut effort = Effort::new();
        let mut results = Vec::with_capacity(req.items.len());
        for item in &req.items {
            effort.pause().await;
            let own;
            let result = match (&item.caller, &shared) {
                (Some(caller), _) => {
                    effort.read(PROOF);
                    own = self.asked_about(cx, &snapshot, Some(caller));
                    own.and_then(|subject| self.item(cx, &subject.on(&snapshot)?, &context, item, &mut effort))
                }
                (None, Some(Ok(present))) => self.item(cx, present, &context, item, &mut effort),
                (None, Some(Err(error))) => Err(again(error)),
                (None, None) => Err(IamError::validation("neither the item nor the batch says who wants to act")),
            };
            results.push(result.unwrap_or_else(|error| undecided(&error)));
        }
        Ok(BatchAuthorizeResponse { results, revision: self.deployment.revisions.format(snapshot.revision()) })
    }
}

impl Authz {
    fn authorized(
        &self,
        cx: &Cx,
        snapshot: &Snapshot,
        req: &AuthorizeRequest,
        effort: &mut Effort,
    ) -> Result<DecisionView> {
        let subject = self.asked_about(cx, snapshot, req.caller.as_ref())?;
        self.asked(cx, snapshot, req, &subject, |present, request, policies| {
            let decided = effort.ask(|budget| evaluator::decide_within(request, policies, budget));
            let decision = self.decisions.note(AskedBy::Service, decided)?;
            let is_foreign_account =
                req.resource_policy.is_none() && is_foreign_account(cx, request.resource_account.id);
            Ok(DecisionView::of(&decision, present, request, policies).unless_stranger(is_foreign_account))
        })
    }

    /// Puts a question to `then`, about a subject as he is in a snapshot.
    pub(crate) fn asked<T>(
        &self,
        cx: &Cx,
        snapshot: &Snapshot,
        req: &AuthorizeRequest,
        subject: &Subject,
        then: impl FnOnce(&Present<'_>, &evaluator::Request<'_>, &evaluator::Policies<'_>) -> Result<T>,
    ) -> Result<T> {
        let question = Question::read(
            self,
            &req.action,
            &req.resource,
            req.resource_account.as_deref(),
            req.resource_policy.as_deref(),
        )?;
        let context = GivenKeys::read(&req.context, None)?;
        question.check_context(&context)?;
        let present = subject.on(snapshot)?;
        question.put(&present, &[&context], cx.now(), |request, policies| then(&present, request, policies))
    }

    fn item(
        &self,
        cx: &Cx,
        present: &Present<'_>,
        shared: &GivenKeys<'_>,
        item: &AuthorizeItem,
        effort: &mut Effort,
    ) -> Result<AuthorizeResult> {
        effort.read(item.encoded_len());
        let question = Question::read(
            self,
            &item.action,
            &item.resource,
            item.resource_account.as_deref(),
            item.resource_policy.as_deref(),
        )?;
        let own = GivenKeys::read(&item.context, Some(shared))?;
        question.check_context(shared)?;
        question.check_context(&own)?;
        question.put(present, &[&own, shared], cx.now(), |request, policies| {
            let decided = effort.ask(|budget| evaluator::decide_within(request, policies, budget));
            let decision = self.decisions.note(AskedBy::Service, decided)?;
            let is_foreign_account =
                item.resource_policy.is_none() && is_foreign_account(cx, request.resource_account.id);
            Ok(DecisionView::of(&decision, present, request, policies).unless_stranger(is_foreign_account).result())
        })
    }
}

/// Whether the asking service is of an account that may not see what is kept in this one: neither the same, nor the
/// management account.
pub(crate) fn is_foreign_account(cx: &Cx, owner: Option<AccountId>) -> bool {
    cx.account() != cx.deployment().management_account && owner.is_some_and(|owner| owner != cx.account())
}

/// The same refusal once more, for another item.
fn again(error: &IamError) -> IamError {
    IamError::new(error.code(), error.message())
}
