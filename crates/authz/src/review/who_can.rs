//! Who may perform an action.

use bailiwick_api::{authz as pb, op};
use bailiwick_decision::assumed_role;
use bailiwick_model::Result;
use bailiwick_operation::{Cx, Handle, PageRequest, Planned};
use bailiwick_storage::{Page, Tx};

use super::examine::{Examined, examine};
use super::page::PageBudget;
use super::principals::{self, Position};
use crate::authenticate::claim::Claim;
use crate::decide::disclosure::is_foreign_account;
use crate::decide::given_keys::GivenKeys;
use crate::decide::question::Question;
use crate::decide::target::{self, service_prefix};
use crate::{Authz, snapshot};

/// The operation, for markers.
const OPERATION: &str = "WhoCan";
/// The action that is checked.
const ACTION: &str = "bailiwick:WhoCan";

/// Lists the principals of the caller's account that may perform an action on a resource, each decided as by Explain.
///
/// The checks are those of Explain for a principal of the caller's account. None is on the principals themselves: the
/// answer is about all of them, and would be wrong without those that a caller may not ask about one by one.
///
/// # Errors
/// As Authorize, without those of callers. A decision that takes too many steps is part of the answer.
impl Handle<op::WhoCan> for Authz {
    type Plan = pb::WhoCanRequest;

    fn min_revision<'r>(&self, req: &'r pb::WhoCanRequest) -> Option<&'r str> {
        req.min_revision.as_deref()
    }

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::WhoCanRequest) -> Result<Planned<Self::Plan>> {
        let prefix = service_prefix(&req.action)?;
        let claim = Claim::of_account(Some(cx.account()));
        let mut checks = claim.checks(cx, ACTION, prefix);
        let role = assumed_role(&req.action, &req.resource).and_then(|role| role.account_id());
        let has_given_policy = role.is_some() || req.resource_policy.is_some();
        let holder = match has_given_policy {
            true => role,
            false => target::owner(&req.resource, req.resource_account.as_deref()).ok().flatten(),
        };
        if let Some(holder) = holder.filter(|holder| is_foreign_account(cx, Some(*holder))) {
            checks.extend(claim.checks_in(cx, ACTION, prefix, holder));
        }
        Ok(Planned::new(req).checks(checks))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::WhoCanRequest) -> Result<pb::WhoCanResponse> {
        let snapshot = snapshot(cx)?;
        let pages = PageRequest::new(req.marker.clone(), req.max_items).open(cx, OPERATION)?;
        let (account, policy) = (req.resource_account.as_deref(), req.resource_policy.as_deref());
        let question = Question::parse(self, &req.action, &req.resource, account, policy)?;
        let context = GivenKeys::read(&req.context, None)?;
        let any_resource = req.resource == "*" && super::has_resources(snapshot.catalogue(), &req.action);
        let mut page = PageBudget::new(pages.limit());
        let mut answer = pb::WhoCanResponse::default();
        let mut next = Some(pages.after().map_or(Ok(Position::START), Position::parse)?);
        'page: while let Some(at) = next.take() {
            let batch = principals::batch(cx, tx, &snapshot, &at).await?;
            next = Some(at);
            for (subject, after) in &batch.subjects {
                if page.is_spent() {
                    break 'page;
                }
                next = Some(after.clone());
                // A user or role without policies in the snapshot was deleted meanwhile.
                let Some(subject) = subject.resolve(&snapshot) else { continue };
                page.examined += 1;
                match examine(cx, &question, &context, &subject, any_resource, &mut page.work)? {
                    Examined::Allowed(grant) => {
                        let principal_arn = subject.identity_arn().to_owned();
                        let allowed = pb::AllowedPrincipal { principal_arn, grant: Some(grant) };
                        page.add(&allowed);
                        answer.allowed.push(allowed);
                    }
                    Examined::PartlyAllowed(grant) => {
                        let principal_arn = subject.identity_arn().to_owned();
                        let partly = pb::PartlyAllowedPrincipal { principal_arn, grant: Some(grant) };
                        page.add(&partly);
                        answer.partly_allowed.push(partly);
                    }
                    Examined::Undecided => {
                        page.add_name(subject.identity_arn());
                        answer.undecided.push(subject.identity_arn().to_owned());
                    }
                    Examined::Denied => {}
                }
                page.work.yield_if_due().await;
            }
            next = batch.next;
        }
        let marker = next.map(|at| at.text());
        answer.marker = pages.answer(Page::<()> { items: Vec::new(), next: marker })?.marker;
        answer.is_truncated = answer.marker.is_some();
        answer.examined = page.examined;
        answer.revision = self.deployment.revisions.format(snapshot.revision());
        Ok(answer)
    }
}
