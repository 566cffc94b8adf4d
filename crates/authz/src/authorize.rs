//! May they? One question, or many.

use bailiwick_api::authz::{
    AuthorizeItem, AuthorizeRequest, AuthorizeResponse, AuthorizeResult, BatchAuthorizeRequest, BatchAuthorizeResponse,
};
use bailiwick_api::op;
use bailiwick_evaluator as evaluator;
use bailiwick_model::{IamError, Result};
use bailiwick_operation::{Check, Checked, Cx};
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::Tx;
use prost::Message as _;

use crate::caller::{AskedAbout, Claim};
use crate::decide::snapshot;
use crate::disclosure::Disclosure;
use crate::effort::Effort;
use crate::question::{GivenKeys, Question, service_prefix};
use crate::render::{DecisionView, undecided};
use crate::subject::Present;
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
/// A caller who is proven by a signature is asked about by actions of the service that they signed for; see
/// `signing_name`.
///
/// A question without a policy of the resource is decided with the one that is kept for its ARN, if there is one. Of a
/// resource of which a policy or tags are kept, and of Bailiwick's own (users, roles, managed policies), the tags are the
/// stored ones and can't be brought. An answer withholds the policies of other accounts.
///
/// # Errors
/// `ValidationError`, `InvalidInput`, `MalformedPolicyDocument`, and what is wrong with the caller's proof;
/// `LimitExceeded` for a question that would take too long to decide.
impl Checked<op::Authorize> for Authz {
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

/// Decides many requests at one revision and one time, those at which the batch began. What they share is said once and
/// worked out once.
///
/// The asking service needs what it would need for each question alone. What is wrong with one question, its caller's
/// proof included, is told in its place; the others are answered.
///
/// # Errors
/// `ValidationError` for what is wrong with the part that all share.
impl Checked<op::BatchAuthorize> for Authz {
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
            Some(Ok(about)) => Some(about.subject.on(&snapshot).map(|present| (about, present))),
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
                    own.and_then(|about| {
                        self.item(cx, &about, &about.subject.on(&snapshot)?, &context, item, &mut effort)
                    })
                }
                (None, Some(Ok((about, present)))) => self.item(cx, about, present, &context, item, &mut effort),
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
        let about = self.asked_about(cx, snapshot, req.caller.as_ref())?;
        self.asked(cx, snapshot, req, &about, |present, request, policies, disclosure| {
            let decided = effort.ask(|budget| evaluator::decide_within(request, policies, budget));
            let decision = self.decisions.note(AskedBy::Service, decided)?;
            Ok(DecisionView::of(&decision, present, request, policies, disclosure))
        })
    }

    /// Puts a question to `then`, about a subject as he is in a snapshot.
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
        effort.read(item.encoded_len());
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

/// The same refusal once more, for another item.
fn again(error: &IamError) -> IamError {
    IamError::new(error.code(), error.message())
}
