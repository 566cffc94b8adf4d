//! What a principal may do.

use bailiwick_api::{authz as pb, op};
use bailiwick_decision::Subject;
use bailiwick_model::{Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Planned};
use bailiwick_policy_lang::catalogue::{Action, Service};
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::{Page, Tx};

use super::examine::{Examined, examine};
use super::page::PageBudget;
use super::principals;
use crate::bare_principal;
use crate::decide::disclosure::is_foreign_account;
use crate::decide::given_keys::GivenKeys;
use crate::decide::question::Question;
use crate::decide::target;
use crate::{Authz, invalid_member, snapshot};

/// The operation, for markers.
const OPERATION: &str = "WhatCan";

/// Lists the actions of the catalogue that a principal may perform, each decided as by Explain.
///
/// The caller needs `bailiwick:WhatCan` on the principal, which no identity policy allows across accounts.
///
/// # Errors
/// `NoSuchEntity` for a missing principal, `InvalidInput` for an invalid resource or context.
impl Handle<op::WhatCan> for Authz {
    /// The ARN of the principal, and the request.
    type Plan = (Arn, pb::WhatCanRequest);

    fn min_revision<'r>(&self, req: &'r pb::WhatCanRequest) -> Option<&'r str> {
        req.min_revision.as_deref()
    }

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::WhatCanRequest) -> Result<Planned<Self::Plan>> {
        let arn = principal(&req.principal_arn)?;
        let mut check = Check::new("bailiwick:WhatCan", &arn);
        if let Some(entity) = snapshot(cx)?.entity_by_arn(&arn) {
            check = check.aws_resource_tags(entity.tags());
        }
        Ok(Planned::new((arn, req)).check(check))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, (arn, req): Self::Plan) -> Result<pb::WhatCanResponse> {
        let snapshot = snapshot(cx)?;
        let pages = PageRequest::new(req.marker.clone(), req.max_items).open(cx, OPERATION)?;
        let missing = || {
            let (kind, _, name) = arn.typed_resource().unwrap_or_default();
            IamError::no_such(kind, name)
        };
        let subject = subject(cx, &snapshot, &arn)?.ok_or_else(missing)?;
        let subject = subject.resolve(&snapshot).ok_or_else(missing)?;
        let context = GivenKeys::read(&req.context, None)?;
        let resource = req.resource.as_deref().unwrap_or("*");
        let owner = target::owner(resource, req.resource_account.as_deref())?;
        if is_foreign_account(cx, owner) {
            let why = "policies of other accounts' resources are shown to the management account only";
            return Err(IamError::new(ErrorCode::AccessDenied, why));
        }
        let mut page = PageBudget::new(pages.limit());
        let mut answer = pb::WhatCanResponse::default();
        let (mut last, mut is_truncated) = (None, false);
        for (service, action) in actions(&snapshot, &req, pages.after()) {
            if page.is_spent() {
                is_truncated = true;
                break;
            }
            last = Some(position(service, action));
            let name = format!("{}:{}", service.prefix, action.name);
            let question = Question::parse(self, &name, resource, req.resource_account.as_deref(), None)?;
            let any_resource = resource == "*" && !action.resources.is_empty();
            page.examined += 1;
            match examine(cx, &question, &context, &subject, any_resource, &mut page.work)? {
                Examined::Allowed(grant) => {
                    let access_level = level(action);
                    let allowed = pb::AllowedAction { action: name, access_level, grant: Some(grant) };
                    page.add(&allowed);
                    of_service(&mut answer, service).allowed.push(allowed);
                }
                Examined::PartlyAllowed(grant) => {
                    let access_level = level(action);
                    let partly = pb::PartlyAllowedAction { action: name, access_level, grant: Some(grant) };
                    page.add(&partly);
                    of_service(&mut answer, service).partly_allowed.push(partly);
                }
                Examined::Undecided => {
                    page.add_name(&name);
                    of_service(&mut answer, service).undecided.push(name);
                }
                Examined::Denied => {}
            }
            page.work.yield_if_due().await;
        }
        let marker = last.filter(|_| is_truncated);
        answer.marker = pages.answer(Page::<()> { items: Vec::new(), next: marker })?.marker;
        answer.is_truncated = is_truncated;
        answer.examined = page.examined;
        answer.revision = self.deployment.revisions.format(snapshot.revision());
        Ok(answer)
    }
}

/// Parses the ARN of a principal.
fn principal(text: &str) -> Result<Arn> {
    let invalid = || {
        let why = "`principal_arn` must be the ARN of a user, a role or the root user of the account";
        invalid_member("principalArn", why)
    };
    let arn = Arn::parse(text).map_err(|_| invalid())?;
    let is_principal = match arn.typed_resource() {
        None => arn.resource() == "root",
        Some((kind, _, name)) => matches!(kind, "user" | "role") && !name.is_empty(),
    };
    if arn.service() != "iam" || arn.account_id().is_none() || !is_principal {
        return Err(invalid());
    }
    Ok(arn)
}

/// The principal with this ARN; none if it does not exist.
fn subject(cx: &Cx, snapshot: &Snapshot, arn: &Arn) -> Result<Option<Subject>> {
    if arn.resource() == "root" {
        let account = arn.account_id().filter(|account| snapshot.account(*account).is_some());
        let account = account.filter(|_| arn.partition() == snapshot.partition().as_str());
        return Ok(account.and_then(|account| principals::root(snapshot, account)));
    }
    snapshot.entity_by_arn(arn).map(|entity| bare_principal::of_entity(cx, snapshot, entity)).transpose()
}

/// The actions to examine, in the order of their positions.
fn actions<'a>(
    snapshot: &'a Snapshot,
    req: &'a pb::WhatCanRequest,
    after: Option<&'a str>,
) -> impl Iterator<Item = (&'a Service, &'a Action)> {
    let wanted = req.service_prefix.as_deref();
    let services = snapshot.catalogue().services();
    let services = services.filter(move |service| wanted.is_none_or(|only| only.eq_ignore_ascii_case(&service.prefix)));
    let all = services.flat_map(|service| service.actions().map(move |action| (service, action)));
    let resource = req.resource.as_deref().filter(|resource| *resource != "*");
    all.filter(move |(service, action)| {
        let fits = |name: &str, resource: &str| service.resource(name).is_some_and(|kind| kind.fits(resource));
        let acts = resource.is_none_or(|resource| action.resources.iter().any(|name| fits(name, resource)));
        acts && after.is_none_or(|after| position(service, action).as_str() > after)
    })
}

/// The position of an action. A space is less than every character of a name, so the positions ascend as prefixes do.
fn position(service: &Service, action: &Action) -> String {
    format!("{} {}", service.prefix, action.name.to_ascii_lowercase())
}

fn level(action: &Action) -> Option<String> {
    action.access.map(|access| access.as_str().to_owned())
}

/// The entry of a service, which is the last one or a new one.
fn of_service<'a>(answer: &'a mut pb::WhatCanResponse, service: &Service) -> &'a mut pb::ServiceAccess {
    let is_last = answer.services.last().is_some_and(|last| *last.service_prefix == *service.prefix);
    if !is_last {
        answer
            .services
            .push(pb::ServiceAccess { service_prefix: service.prefix.to_string(), ..pb::ServiceAccess::default() });
    }
    let last = answer.services.len() - 1;
    &mut answer.services[last]
}
