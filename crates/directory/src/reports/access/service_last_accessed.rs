//! When the services that a user, group, role or policy can access were last accessed.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{ErrorCode, Result};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Planned};
use bailiwick_storage::{AccessJob, AccessSubject, ServiceUse, ServiceUser, Tx};

use super::entities::{Entity, Named, Reported};
use super::names::service_name;
use super::services::{allowed_actions, allowed_services};
use super::uses::Uses;
use super::{create_job, job, no_such_job};
use crate::request::required;
use crate::{Directory, view};

/// Starts a report about a user, group, role or managed policy.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput`.
impl Handle<op::GenerateServiceLastAccessedDetails> for Directory {
    /// What the report is about, and whether it names actions.
    type Plan = (Named, bool);

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::GenerateServiceLastAccessedDetailsRequest,
    ) -> Result<Planned<Self::Plan>> {
        let arn = required(&req.arn, "arn")?;
        let (named, check) = Named::look_up(cx, tx, arn, "iam:GenerateServiceLastAccessedDetails").await?;
        Ok(Planned::new((named, req.granularity.as_deref() == Some("ACTION_LEVEL"))).check(check))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (named, actions): Self::Plan,
    ) -> Result<pb::GenerateServiceLastAccessedDetailsResponse> {
        let subject = named.get()?.subject(actions);
        Ok(pb::GenerateServiceLastAccessedDetailsResponse { job_id: Some(create_job(cx, tx, subject).await?) })
    }
}

/// Returns a page of the services that the subject of a job can access, by namespace. Only the user, role or root that
/// created the job may read it.
///
/// # Errors
/// `NoSuchEntity` for an unknown job.
impl Handle<op::GetServiceLastAccessedDetails> for Directory {
    type Plan = pb::GetServiceLastAccessedDetailsRequest;

    async fn plan(
        &self,
        cx: &Cx,
        _: &mut Tx,
        req: pb::GetServiceLastAccessedDetailsRequest,
    ) -> Result<Planned<Self::Plan>> {
        Ok(Planned::new(req).check(Check::without_resource("iam:GetServiceLastAccessedDetails", cx.account())))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::GetServiceLastAccessedDetailsRequest,
    ) -> Result<pb::GetServiceLastAccessedDetailsResponse> {
        let pages = PageRequest::new(req.marker, req.max_items).open(cx, "GetServiceLastAccessedDetails")?;
        let job = job(cx, tx, &req.job_id).await?;
        let answer = pb::GetServiceLastAccessedDetailsResponse {
            job_status: Some("COMPLETED".into()),
            job_type: Some(if job.subject.has_actions() { "ACTION_LEVEL" } else { "SERVICE_LEVEL" }.into()),
            job_creation_date: view::date(job.created),
            job_completion_date: view::date(job.created),
            is_truncated: Some(false),
            ..Default::default()
        };
        let Some(reported) = reported(tx, &job).await? else {
            return Ok(pb::GetServiceLastAccessedDetailsResponse {
                job_status: Some("FAILED".into()),
                error: Some(deleted()),
                ..answer
            });
        };
        let documents = reported.documents(cx, tx).await?;
        let actions = match job.subject.has_actions() {
            true => allowed_actions(tx, &documents).await?,
            false => Default::default(),
        };
        let page = pages.cut(allowed_services(tx, &documents).await?, String::clone)?;
        let entities = entities_with_uses(cx, tx, &reported).await?;
        let shown = |service: String| accessed(&entities, &service, actions.get(&service).map_or(&[], Vec::as_slice));
        Ok(pb::GetServiceLastAccessedDetailsResponse {
            services_last_accessed: page.items.into_iter().map(shown).collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
            ..answer
        })
    }
}

/// Returns a page of the users and roles that the subject of a job covers, those that used a service last first.
///
/// # Errors
/// `NoSuchEntity` for an unknown job.
impl Handle<op::GetServiceLastAccessedDetailsWithEntities> for Directory {
    type Plan = pb::GetServiceLastAccessedDetailsWithEntitiesRequest;

    async fn plan(
        &self,
        cx: &Cx,
        _: &mut Tx,
        req: pb::GetServiceLastAccessedDetailsWithEntitiesRequest,
    ) -> Result<Planned<Self::Plan>> {
        const ACTION: &str = "iam:GetServiceLastAccessedDetailsWithEntities";
        Ok(Planned::new(req).check(Check::without_resource(ACTION, cx.account())))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::GetServiceLastAccessedDetailsWithEntitiesRequest,
    ) -> Result<pb::GetServiceLastAccessedDetailsWithEntitiesResponse> {
        let pages =
            PageRequest::new(req.marker, req.max_items).open(cx, "GetServiceLastAccessedDetailsWithEntities")?;
        let job = job(cx, tx, &req.job_id).await?;
        let service = required(&req.service_namespace, "serviceNamespace")?.to_ascii_lowercase();
        let answer = pb::GetServiceLastAccessedDetailsWithEntitiesResponse {
            job_status: Some("COMPLETED".into()),
            job_creation_date: view::date(job.created),
            job_completion_date: view::date(job.created),
            is_truncated: Some(false),
            ..Default::default()
        };
        let Some(reported) = reported(tx, &job).await? else {
            return Ok(pb::GetServiceLastAccessedDetailsWithEntitiesResponse {
                job_status: Some("FAILED".into()),
                error: Some(deleted()),
                ..answer
            });
        };
        let documents = reported.documents(cx, tx).await?;
        let mut entities = match allowed_services(tx, &documents).await?.contains(&service) {
            true => entities_with_uses(cx, tx, &reported).await?,
            false => Vec::new(),
        };
        let position = |(entity, uses): &(Entity, Uses)| {
            let time = uses.of_service(&service).map_or(0, |used| used.time.as_microsecond());
            format!("{:020} {}", i64::MAX - time, entity.id)
        };
        entities.sort_by_cached_key(position);
        let page = pages.cut(entities, position)?;
        let shown = |(entity, uses): (Entity, Uses)| pb::EntityDetails {
            last_authenticated: uses.of_service(&service).and_then(|used| view::date(used.time)),
            entity_info: Some(entity.info),
        };
        Ok(pb::GetServiceLastAccessedDetailsWithEntitiesResponse {
            entity_details_list: page.items.into_iter().map(shown).collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
            ..answer
        })
    }
}

/// The subject of a job about an entity, if it still exists.
///
/// # Errors
/// `NoSuchEntity` for a job about the organization.
async fn reported(tx: &mut Tx, job: &AccessJob) -> Result<Option<Reported>> {
    if let AccessSubject::Organization { .. } = job.subject {
        return Err(no_such_job(&job.id));
    }
    Reported::of(tx, job.account, &job.subject).await
}

/// The reason why a job failed: its subject was deleted.
fn deleted() -> pb::ErrorDetails {
    pb::ErrorDetails {
        code: Some(ErrorCode::NoSuchEntity.wire().into()),
        message: Some("The entity that the report is about was deleted.".into()),
    }
}

/// The entities that a report covers, each with its uses of services.
async fn entities_with_uses(cx: &Cx, tx: &mut Tx, reported: &Reported) -> Result<Vec<(Entity, Uses)>> {
    let entities = reported.entities(cx, tx).await?;
    let mut all = Vec::with_capacity(entities.len());
    for entity in entities {
        let user = ServiceUser { account: cx.account(), id: Some(entity.id) };
        let uses = Uses::of(cx, tx, &user).await?;
        all.push((entity, uses));
    }
    Ok(all)
}

/// The last access to a service. The actions are those that the report names, if one of them was used.
fn accessed(entities: &[(Entity, Uses)], service: &str, actions: &[String]) -> pb::ServiceLastAccessed {
    let used = || entities.iter().filter_map(|(entity, uses)| Some((entity, uses.of_service(service)?)));
    let last = newest(used());
    let actions: Vec<_> = actions.iter().map(|name| action(entities, service, name)).collect();
    let is_used = actions.iter().any(|action| action.last_accessed_time.is_some());
    pb::ServiceLastAccessed {
        service_name: Some(service_name(service).to_owned()),
        service_namespace: Some(service.to_owned()),
        last_authenticated: last.and_then(|(_, used)| view::date(used.time)),
        last_authenticated_entity: last.and_then(|(entity, _)| entity.info.arn.clone()),
        last_authenticated_region: last.map(|(_, used)| used.region.clone()),
        total_authenticated_entities: Some(view::count(used().count() as u64)),
        tracked_actions_last_accessed: if is_used { actions } else { Vec::new() },
    }
}

fn action(entities: &[(Entity, Uses)], service: &str, name: &str) -> pb::TrackedActionLastAccessed {
    let last = newest(entities.iter().filter_map(|(entity, uses)| Some((entity, uses.of_action(service, name)?))));
    pb::TrackedActionLastAccessed {
        action_name: Some(name.to_owned()),
        last_accessed_entity: last.and_then(|(entity, _)| entity.info.arn.clone()),
        last_accessed_time: last.and_then(|(_, used)| view::date(used.time)),
        last_accessed_region: last.map(|(_, used)| used.region.clone()),
    }
}

/// The newest use; of several at the same time, that of the entity with the first ARN.
fn newest<'a>(uses: impl Iterator<Item = (&'a Entity, &'a ServiceUse)>) -> Option<(&'a Entity, &'a ServiceUse)> {
    uses.max_by_key(|(entity, used)| (used.time, std::cmp::Reverse(&entity.info.arn)))
}
