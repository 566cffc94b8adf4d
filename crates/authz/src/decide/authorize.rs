//! Decisions for other services: one question.

use bailiwick_api::authz::{AuthorizeRequest, AuthorizeResponse};
use bailiwick_api::op;
use bailiwick_model::Result;
use bailiwick_operation::{Cx, Handle, Planned};
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::Tx;

use super::caller::{ClaimedCaller, QuestionSubject, claim};
use super::given_keys::GivenKeys;
use super::on_record::Asked;
use super::question::Question;
use super::target::service_prefix;
use super::uses;
use crate::authenticate::credentials::resolve_subject;
use crate::work_budget::WorkBudget;
use crate::{Authz, snapshot};

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
/// request must not have any. A response withholds the policies of other accounts, and does not reveal the stored tags of
/// their resources. The encoded message about a denial is for the principal's account: see `denial_message`.
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
        let about = self.question_subject(cx, &snapshot, caller?)?;
        let (question, context) = self.question(&snapshot, &req, &about)?;
        let subject = resolve_subject(&about.subject, &snapshot)?;
        let work = &mut WorkBudget::new();
        let mut view = self.answer(cx, &question, &subject, &[&context], work)?;
        if req.encode_denial && !view.is_allowed() {
            let message = self.encoded_message(cx, &question, &subject, &[&context], work)?;
            view = view.with_encoded_message(message);
        }
        uses::note(cx, snapshot.catalogue(), &about, &req.action, &view);
        let asked = Asked { subject: &subject, access_key: about.access_key.as_ref() };
        if let Some(decision) = self.to_record(cx, &asked, &question, &[&context], &view, &mut WorkBudget::new()) {
            // Rare, so that it does not enlarge the future of every question.
            let ids = Box::pin(self.record(cx, "Authorize", vec![Some(decision)])).await;
            view = view.with_authorization_id(ids.into_iter().flatten().next());
        }
        Ok(view.response(self.deployment.revisions.format(snapshot.revision())))
    }
}

impl Authz {
    /// Parses a question about a subject.
    ///
    /// # Errors
    /// Those of [`Question::parse`] and [`GivenKeys::read`], and of an action of a service that the subject did not sign for.
    pub(crate) fn question<'r>(
        &self,
        snapshot: &Snapshot,
        req: &'r AuthorizeRequest,
        about: &QuestionSubject,
    ) -> Result<(Question<'r>, GivenKeys<'r>)> {
        let question = Question::parse(
            self,
            &req.action,
            &req.resource,
            req.resource_account.as_deref(),
            req.resource_policy.as_deref(),
        )?;
        let context = GivenKeys::read(&req.context, None)?;
        about.check_action(snapshot, &req.action)?;
        Ok((question.asked_about(about), context))
    }
}
