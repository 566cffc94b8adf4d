//! Decisions on passing a role to a service: whether the caller may pass it, and whether it trusts the service.

use bailiwick_api::authz::{
    AuthorizePassRoleRequest, AuthorizePassRoleResponse, AuthorizeResult, ContextEntry, Decision,
};
use bailiwick_api::op;
use bailiwick_decision::{ResolvedSubject, Subject};
use bailiwick_model::{Arn, Result};
use bailiwick_operation::{Cx, Handle, Planned};
use bailiwick_storage::Tx;

use super::caller::{ClaimedCaller, claim};
use super::disclosure::is_foreign_account;
use super::given_keys::{GivenKeys, reserved_key};
use super::on_record::Asked;
use super::question::Question;
use super::render::DecisionView;
use crate::authenticate::credentials::resolve_subject;
use crate::work_budget::WorkBudget;
use crate::{Authz, invalid_member, snapshot};

/// The service that a role is passed to.
const PASSED_TO: &str = "iam:PassedToService";

/// Decides whether a caller may pass a role to a service.
///
/// The asking service needs the permissions of Authorize for `iam:PassRole`. Both decisions are made at one revision:
/// `iam:PassRole` on the role, with its tags and `iam:PassedToService`, and `sts:AssumeRole` by the service under the
/// role's trust policy. A role of another account than the caller's cannot be passed.
///
/// # Errors
/// `ValidationError` for an ARN that is not of a role, and for a context key that Bailiwick sets; those of the caller's
/// proof; `LimitExceeded` as Authorize.
impl Handle<op::AuthorizePassRole> for Authz {
    /// The question without its caller, and the caller.
    type Plan = (AuthorizePassRoleRequest, Result<ClaimedCaller>);

    fn min_revision<'r>(&self, req: &'r AuthorizePassRoleRequest) -> Option<&'r str> {
        req.min_revision.as_deref()
    }

    async fn plan(&self, cx: &Cx, _: &mut Tx, mut req: AuthorizePassRoleRequest) -> Result<Planned<Self::Plan>> {
        let caller = self.claimed(cx, &*snapshot(cx)?, req.caller.take());
        let checks = claim(&caller).checks(cx, "bailiwick:Authorize", "iam");
        Ok(Planned::new((req, caller)).checks(checks))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, (req, caller): Self::Plan) -> Result<AuthorizePassRoleResponse> {
        let snapshot = snapshot(cx)?;
        let role = role_arn(&req.role_arn)?;
        let about = self.question_subject(cx, &snapshot, caller?)?;
        about.check_service_principal(&snapshot, &req.service_principal)?;
        let given = GivenKeys::read(&req.context, None)?;
        if given.has(PASSED_TO) {
            return Err(reserved_key(PASSED_TO, "`servicePrincipal`"));
        }
        let known = [passed_to(&req.service_principal)];
        let known = GivenKeys::read(&known, Some(&given))?;
        let work = &mut WorkBudget::new();
        let subject = resolve_subject(&about.subject, &snapshot)?;
        let question = Question::parse(self, "iam:PassRole", role.as_str(), None, None)?;
        let mut pass_role = self.answer(cx, &question, &subject, &[&known, &given], work)?;
        // Whether the role trusts the service may be hidden from the asking service, so only this decision is recorded.
        let asked = Asked { subject: &subject, access_key: about.access_key.as_ref() };
        let context = [&known, &given];
        let decision = self.to_record(cx, &asked, &question, &context, &pass_role, &mut WorkBudget::new());
        work.yield_if_due().await;
        let service = Subject::service(&req.service_principal);
        let mut trust =
            self.part(cx, &resolve_subject(&service, &snapshot)?, "sts:AssumeRole", &role, &[&given], work)?.result();
        if decision.is_some() {
            let ids = self.record(cx, "AuthorizePassRole", vec![decision]).await;
            pass_role = pass_role.with_authorization_id(ids.into_iter().flatten().next());
        }
        let pass_role = pass_role.result();
        if is_foreign_account(cx, role.account_id()) && pass_role.decision() != Decision::Allow {
            // Another account does not learn whether the role exists, nor which services it trusts.
            let decision = Decision::ImplicitDeny.into();
            trust = AuthorizeResult { decision, authorization_id: None, ..pass_role.clone() };
        }
        let parts = [&pass_role, &trust];
        let decision = match parts.map(AuthorizeResult::decision) {
            [Decision::Allow, Decision::Allow] => Decision::Allow,
            decisions if decisions.contains(&Decision::ExplicitDeny) => Decision::ExplicitDeny,
            _ => Decision::ImplicitDeny,
        };
        let message = parts.into_iter().find_map(|part| part.message.clone());
        Ok(AuthorizePassRoleResponse {
            decision: decision.into(),
            message,
            pass_role: Some(pass_role),
            trust: Some(trust),
            revision: self.deployment.revisions.format(snapshot.revision()),
        })
    }
}

impl Authz {
    fn part(
        &self,
        cx: &Cx,
        resolved: &ResolvedSubject<'_>,
        action: &str,
        role: &Arn,
        context: &[&GivenKeys<'_>],
        work: &mut WorkBudget,
    ) -> Result<DecisionView> {
        let question = Question::parse(self, action, role.as_str(), None, None)?;
        self.answer(cx, &question, resolved, context, work)
    }
}

fn role_arn(text: &str) -> Result<Arn> {
    let is_role = |arn: &Arn| {
        arn.service() == "iam"
            && arn.account_id().is_some()
            && arn.typed_resource().is_some_and(|(kind, ..)| kind == "role")
    };
    let refused = || invalid_member("roleArn", "`roleArn` must be the ARN of a role");
    Arn::parse(text).ok().filter(is_role).ok_or_else(refused)
}

fn passed_to(service: &str) -> ContextEntry {
    ContextEntry { key: PASSED_TO.to_owned(), values: vec![service.to_owned()], ..Default::default() }
}
