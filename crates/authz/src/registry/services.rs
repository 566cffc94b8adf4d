//! Registered services: their actions, resources and keys, and the principals that may act as them.
//!
//! A service name has one meaning in every account, because any trust policy may name a service principal. So only the
//! management account registers services, and no other account can claim a name.

use bailiwick_api::{authz as pb, op};
use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Planned, entity_arn, find_entity};
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::{Service, ServiceActor, Tx};

use super::definition::parse_definition;
use super::invalid;
use crate::{Authz, date, snapshot};

/// A service to register, as text.
pub struct NewService {
    prefix: String,
    definition: String,
    principal_arns: Vec<String>,
}

/// Registers a service, in place of an existing one with its prefix.
///
/// # Errors
/// `InvalidInput` for an invalid definition, a name that Bailiwick reserves, or a missing principal;
/// `EntityAlreadyExists` for a service principal of another service; `LimitExceeded`.
impl Handle<op::PutService> for Authz {
    type Plan = NewService;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::PutServiceRequest) -> Result<Planned<NewService>> {
        let service = NewService {
            prefix: req.service_prefix.unwrap_or_default(),
            definition: req.definition.unwrap_or_default(),
            principal_arns: req.principal_arns,
        };
        let check = check_in_management(cx, "bailiwick:PutService", &service.prefix);
        Ok(Planned::new(service).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, new: NewService) -> Result<pb::PutServiceResponse> {
        let parse_definition = parse_definition(&new.prefix, &new.definition)?;
        let mut actors: Vec<ServiceActor> = Vec::with_capacity(new.principal_arns.len());
        for arn in new.principal_arns {
            let id = find_entity(cx.partition(), tx, &arn).await?.ok_or_else(|| {
                invalid("principalArns", format!("`{arn}` is not the ARN of a user or role that is there"))
            })?;
            if actors.iter().any(|actor| actor.id == id) {
                return Err(invalid("principalArns", format!("`{arn}` is there twice")));
            }
            actors.push(ServiceActor { arn, id });
        }
        let old = tx.find_service(&new.prefix).await?;
        let service = Service {
            prefix: new.prefix,
            definition: new.definition,
            principals: parse_definition.principals.iter().map(|name| name.to_string()).collect(),
            actors,
            created: old.map_or(cx.date(), |old| old.created),
            updated: cx.date(),
        };
        tx.put_service(&service).await?;
        Ok(pb::PutServiceResponse { service: Some(view(cx, tx, service, true).await?) })
    }
}

/// A registered service that a request names, which may be missing.
pub struct ServiceTarget {
    prefix: String,
    stored: Option<Service>,
}

impl ServiceTarget {
    async fn look_up(tx: &mut Tx, prefix: Option<String>) -> Result<Self> {
        let prefix = prefix.unwrap_or_default();
        let stored = tx.find_service(&prefix).await?;
        Ok(ServiceTarget { prefix, stored })
    }

    /// # Errors
    /// `NoSuchEntity`.
    fn get(self) -> Result<Service> {
        self.stored.ok_or_else(|| IamError::no_such("service", self.prefix))
    }
}

/// Shows a service. Only the management account sees which principals may act as it.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::GetService> for Authz {
    type Plan = ServiceTarget;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetServiceRequest) -> Result<Planned<ServiceTarget>> {
        let service = ServiceTarget::look_up(tx, req.service_prefix).await?;
        let check = Check::new("bailiwick:GetService", &arn(cx, cx.account(), &service.prefix));
        Ok(Planned::new(service).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, service: ServiceTarget) -> Result<pb::GetServiceResponse> {
        Ok(pb::GetServiceResponse { service: Some(view(cx, tx, service.get()?, true).await?) })
    }
}

/// Lists the services by prefix.
impl Handle<op::ListServices> for Authz {
    type Plan = PageRequest;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::ListServicesRequest) -> Result<Planned<PageRequest>> {
        let page = PageRequest::new(req.marker, req.max_items);
        Ok(Planned::new(page).check(Check::without_resource("bailiwick:ListServices", cx.account())))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, page: PageRequest) -> Result<pb::ListServicesResponse> {
        let pages = page.open(cx, "ListServices")?;
        let page = pages.answer(tx.list_services(pages.after(), pages.limit()).await?)?;
        let mut services = Vec::with_capacity(page.items.len());
        for service in page.items {
            services.push(view(cx, tx, service, false).await?);
        }
        Ok(pb::ListServicesResponse { services, is_truncated: page.marker.is_some(), marker: page.marker })
    }
}

/// Deletes the registration of a service, unless policies or tags of its resources are stored.
///
/// # Errors
/// `NoSuchEntity`; `DeleteConflict` while policies or tags of its resources are stored and the request does not say to
/// keep them.
impl Handle<op::DeleteService> for Authz {
    /// The service, and whether the policies and tags of its resources stay.
    type Plan = (ServiceTarget, bool);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::DeleteServiceRequest) -> Result<Planned<Self::Plan>> {
        let service = ServiceTarget::look_up(tx, req.service_prefix).await?;
        let check = check_in_management(cx, "bailiwick:DeleteService", &service.prefix);
        Ok(Planned::new((service, req.keep_resources.unwrap_or_default())).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: Self::Plan) -> Result<pb::DeleteServiceResponse> {
        let (service, keep_resources) = (plan.0.get()?, plan.1);
        if !keep_resources {
            check_unused(&*snapshot(cx)?, &service.prefix)?;
        }
        tx.delete_service(&service).await?;
        Ok(pb::DeleteServiceResponse {})
    }
}

/// Refuses while policies or tags of a service's resources are stored in any account.
///
/// A policy that is stored at the same time may remain. It takes part in decisions as before, which does no harm.
fn check_unused(snapshot: &Snapshot, prefix: &str) -> Result<()> {
    let (mut count, mut first) = (0_usize, None);
    snapshot.each_resource(&mut |resource| {
        if resource.arn.split(':').nth(2) == Some(prefix) {
            count += 1;
            first = first.into_iter().chain([&*resource.arn]).min();
        }
    });
    let Some(first) = first else { return Ok(()) };
    let what = if count == 1 { "one resource".to_owned() } else { format!("{count} resources") };
    Err(IamError::new(
        ErrorCode::DeleteConflict,
        format!(
            "policies or tags of {what} of the service `{prefix}` are stored, such as of `{first}`: delete them first, or \
             set `keepResources`"
        ),
    ))
}

/// A check that only callers of the management account pass: it owns the resource, which has no policy of its own.
fn check_in_management(cx: &Cx, action: &'static str, prefix: &str) -> Check {
    Check::new(action, &arn(cx, cx.deployment().management_account, prefix))
}

fn arn(cx: &Cx, account: AccountId, prefix: &str) -> Arn {
    Arn::of(cx.partition(), "bailiwick", account, format_args!("service/{prefix}"))
}

async fn view(cx: &Cx, tx: &mut Tx, service: Service, whole: bool) -> Result<pb::RegisteredService> {
    let mut principal_arns = Vec::new();
    let withheld = cx.account() != cx.deployment().management_account;
    if !withheld {
        for actor in &service.actors {
            let account = Arn::parse(&actor.arn).ok().and_then(|arn| arn.account_id()).unwrap_or(AccountId::NONE);
            let now = entity_arn(cx.partition(), tx, account, &actor.id).await?;
            principal_arns.push(now.map_or_else(|| actor.id.to_string(), |arn| arn.to_string()));
        }
    }
    Ok(pb::RegisteredService {
        service_prefix: service.prefix,
        definition: whole.then_some(service.definition),
        service_principals: service.principals,
        principal_arns,
        create_date: Some(date(service.created)),
        update_date: Some(date(service.updated)),
        principal_arns_withheld: withheld,
    })
}
