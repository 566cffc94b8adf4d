//! Services of the deployment's own: what they call things, and who may act as them.
//!
//! Names of services mean the same in every account: a trust policy anywhere may name a service principal. So the
//! management account alone registers them, and nobody can take a name before the one who is meant by it.

use bailiwick_api::{authz as pb, op};
use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Checked, Cx, entity_arn, find_entity};
use bailiwick_policy_lang::{Catalogue, catalogue};
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::{Service, ServiceActor, Tx};

use crate::Authz;
use crate::authenticate::date;
use crate::decide::snapshot;

/// Registers a service, in the place of the one of its prefix if there is one.
///
/// # Errors
/// `InvalidInput` for a definition that is none, a name that is taken by Bailiwick, or a principal that isn't there;
/// `EntityAlreadyExists` for a service principal of another service; `LimitExceeded`.
impl Checked<op::PutService> for Authz {
    async fn checks(&self, cx: &Cx, _: &mut Tx, req: &pb::PutServiceRequest) -> Result<Vec<Check>> {
        Ok(vec![governed(cx, "bailiwick:PutService", &req.service_prefix)])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::PutServiceRequest) -> Result<pb::PutServiceResponse> {
        let prefix = req.service_prefix.unwrap_or_default();
        let text = req.definition.unwrap_or_default();
        let defined = defined(&prefix, &text)?;
        let mut actors: Vec<ServiceActor> = Vec::with_capacity(req.principal_arns.len());
        for arn in req.principal_arns {
            let id = find_entity(cx.partition(), tx, &arn).await?.ok_or_else(|| {
                invalid("principalArns", format!("`{arn}` is not the ARN of a user or role that is there"))
            })?;
            if actors.iter().any(|actor| actor.id == id) {
                return Err(invalid("principalArns", format!("`{arn}` is there twice")));
            }
            actors.push(ServiceActor { arn, id });
        }
        let old = tx.find_service(&prefix).await?;
        let service = Service {
            prefix,
            definition: text,
            principals: defined.principals.iter().map(|name| name.to_string()).collect(),
            actors,
            created: old.map_or(cx.date(), |old| old.created),
            updated: cx.date(),
        };
        tx.put_service(&service).await?;
        Ok(pb::PutServiceResponse { service: Some(shown(cx, tx, service, true).await?) })
    }
}

/// Shows a service; who may act as it, to the management account alone.
///
/// # Errors
/// `NoSuchEntity`.
impl Checked<op::GetService> for Authz {
    async fn checks(&self, cx: &Cx, _: &mut Tx, req: &pb::GetServiceRequest) -> Result<Vec<Check>> {
        Ok(vec![Check::new("bailiwick:GetService", &arn(cx, cx.account(), &req.service_prefix))])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::GetServiceRequest) -> Result<pb::GetServiceResponse> {
        let service = get(tx, &req.service_prefix).await?;
        Ok(pb::GetServiceResponse { service: Some(shown(cx, tx, service, true).await?) })
    }
}

/// Lists the services by prefix.
impl Checked<op::ListServices> for Authz {
    async fn checks(&self, cx: &Cx, _: &mut Tx, _: &pb::ListServicesRequest) -> Result<Vec<Check>> {
        Ok(vec![Check::without_resource("bailiwick:ListServices", cx.account())])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::ListServicesRequest) -> Result<pb::ListServicesResponse> {
        let paging = cx.paging("ListServices");
        let after = paging.after(req.marker.as_deref())?;
        let page = tx.list_services(after.as_deref(), paging.limit(req.max_items)).await?;
        let marker = page.next.map(|next| paging.marker(&next)).transpose()?;
        let mut services = Vec::with_capacity(page.items.len());
        for service in page.items {
            services.push(shown(cx, tx, service, false).await?);
        }
        Ok(pb::ListServicesResponse { services, is_truncated: marker.is_some(), marker })
    }
}

/// Forgets a service, unless something is kept of its resources.
///
/// # Errors
/// `NoSuchEntity`; `DeleteConflict` while policies or tags of its resources are kept, unless they shall be.
impl Checked<op::DeleteService> for Authz {
    async fn checks(&self, cx: &Cx, _: &mut Tx, req: &pb::DeleteServiceRequest) -> Result<Vec<Check>> {
        Ok(vec![governed(cx, "bailiwick:DeleteService", &req.service_prefix)])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::DeleteServiceRequest) -> Result<pb::DeleteServiceResponse> {
        let service = get(tx, &req.service_prefix).await?;
        if !req.keep_resources.unwrap_or_default() {
            unused(&*snapshot(cx)?, &service.prefix)?;
        }
        tx.delete_service(&service).await?;
        Ok(pb::DeleteServiceResponse {})
    }
}

/// Refuses while policies or tags of a service's resources are kept, in whichever account.
///
/// What is kept while this is asked may stay: it decides as before, which is no harm.
fn unused(snapshot: &Snapshot, prefix: &str) -> Result<()> {
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
            "policies or tags of {what} of the service `{prefix}` are kept, such as of `{first}`: delete them first, or \
             say `keepResources`"
        ),
    ))
}

/// What the management account alone may do: its resource has no policy that could let others.
fn governed(cx: &Cx, action: &'static str, prefix: &Option<String>) -> Check {
    Check::new(action, &arn(cx, cx.deployment().management_account, prefix))
}

fn arn(cx: &Cx, account: AccountId, prefix: &Option<String>) -> Arn {
    let prefix = prefix.as_deref().unwrap_or_default();
    Arn::of(cx.partition(), "bailiwick", account, format_args!("service/{prefix}"))
}

async fn get(tx: &mut Tx, prefix: &Option<String>) -> Result<Service> {
    let prefix = prefix.as_deref().unwrap_or_default();
    tx.find_service(prefix).await?.ok_or_else(|| IamError::no_such("service", prefix))
}

async fn shown(cx: &Cx, tx: &mut Tx, service: Service, whole: bool) -> Result<pb::RegisteredService> {
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

fn invalid(field: &str, message: String) -> IamError {
    IamError::new(ErrorCode::InvalidInput, message.clone()).field(field, message)
}

/// Reads a definition: a catalogue of this one service, with nothing in it that is not the service's own.
fn defined(prefix: &str, text: &str) -> Result<catalogue::Service> {
    let refuse = |message: String| Err(invalid("definition", message));
    let builtin = Catalogue::builtin();
    if prefix == "aws" || builtin.service(prefix).is_some() {
        return Err(invalid("servicePrefix", format!("the prefix `{prefix}` is Bailiwick's own")));
    }
    let catalogue = match Catalogue::parse(text) {
        Ok(catalogue) => catalogue,
        Err(error) => return refuse(format!("`definition` is no catalogue: {error}")),
    };
    if catalogue.complete || catalogue.global_keys().next().is_some() {
        return refuse("`definition` may hold one service, and neither `complete` nor global `keys`".into());
    }
    let mut services = catalogue.services();
    let service = match (services.next(), services.next()) {
        (Some(service), None) if *service.prefix == *prefix => service,
        _ => return refuse(format!("`definition` must hold the service `{prefix}` and no other")),
    };
    if service.actors.is_some() {
        return refuse("who may act as the service is said in `principalArns`, not by `actors` in `definition`".into());
    }
    for (index, name) in service.principals.iter().enumerate() {
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.' || byte == b'-';
        if name.is_empty() || name.len() > 128 || !name.contains('.') || !name.bytes().all(good) {
            return refuse(format!("`{name}` is no name of a service principal, such as `photos.example.com`"));
        }
        if service.principals[..index].contains(name) {
            return refuse(format!("the service principal `{name}` is there twice"));
        }
        if builtin.services().any(|service| service.principals.contains(name)) {
            return refuse(format!("the service principal `{name}` is Bailiwick's own"));
        }
    }
    for name in &service.signing_names {
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(good) {
            return refuse(format!("`{name}` is no name that requests are signed for, such as `photos`"));
        }
        if builtin.service(name).is_some() {
            return refuse(format!("requests that are signed for `{name}` are Bailiwick's own"));
        }
    }
    let own = |key: &str| key.split_once(':').is_some_and(|(before, _)| before.eq_ignore_ascii_case(prefix));
    if let Some(key) = service.keys().find(|key| !own(&key.name)) {
        return refuse(format!(
            "the condition key `{}` is not the service's own, which begin with `{prefix}:`",
            key.name
        ));
    }
    let known = |key: &str| catalogue.key(key).is_some() || !own(key) && builtin.key(key).is_some();
    let keys = service.actions().flat_map(|action| &action.keys);
    let mut keys = keys.chain(service.resources().flat_map(|resource| &resource.keys));
    match keys.find(|key| !known(key)) {
        Some(key) => refuse(format!("the condition key `{key}` is named and not defined")),
        None => Ok(service.clone()),
    }
}
