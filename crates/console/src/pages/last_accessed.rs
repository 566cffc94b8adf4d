//! Last accessed: which services and actions a user, group, role or policy was used for last.

use bailiwick_api::iam::{
    EntityDetails, GenerateServiceLastAccessedDetailsRequest, GetServiceLastAccessedDetailsRequest,
    GetServiceLastAccessedDetailsWithEntitiesRequest, ServiceLastAccessed, TrackedActionLastAccessed,
};
use bailiwick_api::op;
use http::StatusCode;

use crate::pages::rows;
use crate::person::{Page, Person};
use crate::reply;
use crate::request::{CallError, Called};
use crate::view::{Cell, DetailPage, Field, Problem, Section, link_of_arn, url};

/// Answers `/console/last-accessed`: `arn` is asked about, `job` is the answer to a form, `service` shows who used one.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    let query = person.query();
    let arn = query.typed("arn");
    let mut error = None;
    if person.is_post() {
        match generate(person).await {
            Ok(page) => return page,
            Err(failed) => error = Some(failed),
        }
    }
    let mut sections = Vec::new();
    let is_answer = error.is_none();
    if let Some(job) = query.text("job").filter(|_| is_answer) {
        let shown = match query.text("service") {
            Some(service) => entities(person, &job, &service).await.map(|section| vec![section]),
            None => details(person, &arn, &job).await,
        };
        match shown {
            Ok(shown) => sections = shown,
            Err(failed) => error = Some(failed),
        }
    }
    let field = Field::line("arn", "ARN", 2048).with(arn).required();
    let field = field.hint("Of a user, group, role or managed policy.");
    let about = "The services that its policies allow, and when it used them last. Actions are of the services that record them.";
    let mut change = person.change("Show last accessed", "generate", vec![field]).about(about);
    change.is_open = true;
    let page = DetailPage {
        chrome: person.chrome("Last accessed"),
        back: ("/console/reports", "Reports"),
        problem: error.as_ref().map(Problem::new),
        facts: person.facts(Vec::new()),
        changes: vec![change],
        sections,
        documents: Vec::new(),
        destroying: Vec::new(),
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

async fn generate(person: &Person<'_>) -> Called<Page> {
    if person.asked() != "generate" {
        return Err(person.unknown_change());
    }
    let arn = person.form().typed("arn");
    let granularity = Some("ACTION_LEVEL".to_owned());
    let asked = GenerateServiceLastAccessedDetailsRequest { arn: Some(arn.clone()), granularity };
    let job = person.call::<op::GenerateServiceLastAccessedDetails>(asked).await?.job_id.unwrap_or_default();
    Ok(Ok(reply::redirect(&url("last-accessed", &[("arn", &arn), ("job", &job)]))))
}

/// The services, and the actions of those that record them.
async fn details(person: &Person<'_>, arn: &str, job: &str) -> Called<Vec<Section>> {
    let (mut services, mut marker, mut status) = (Vec::new(), None, String::new());
    loop {
        let asked =
            GetServiceLastAccessedDetailsRequest { job_id: Some(job.to_owned()), max_items: Some(1000), marker };
        let page = person.call::<op::GetServiceLastAccessedDetails>(asked).await?;
        services.extend(page.services_last_accessed);
        status = page.job_status.unwrap_or(status);
        marker = page.marker.filter(|_| page.is_truncated == Some(true));
        if marker.is_none() {
            break;
        }
    }
    if status == "IN_PROGRESS" {
        let table =
            person.table("Services", &["Service"], "The answer is being made. Load this page again in a moment.");
        return Ok(vec![Section::new("Services", table)]);
    }
    let actions = services.iter().flat_map(|service| {
        let namespace = service.service_namespace.clone().unwrap_or_default();
        service.tracked_actions_last_accessed.iter().map(move |action| (namespace.clone(), action))
    });
    let actions: Vec<_> = actions.map(|(namespace, action)| action_row(person, &namespace, action)).collect();
    let service_rows = services.iter().map(|service| service_row(person, arn, job, service)).collect();
    let columns = ["Service", "Last used", "By", "Region", "Users and roles"];
    let table = person.table("Services", &columns, "Its policies allow no service.");
    let services = Section::new("Services", rows(table, Ok(service_rows)));
    let table = person.table("Actions", &["Action", "Last used", "By", "Region"], "No action is recorded.");
    Ok(vec![services, Section::new("Actions", rows(table, Ok(actions)))])
}

fn service_row(person: &Person<'_>, arn: &str, job: &str, service: &ServiceLastAccessed) -> Vec<Cell> {
    let namespace = service.service_namespace.as_deref().unwrap_or_default();
    let number = service.total_authenticated_entities.unwrap_or_default();
    let who = match number {
        0 => Cell::text(None),
        _ => Cell::Link {
            url: url("last-accessed", &[("arn", arn), ("job", job), ("service", namespace)]),
            text: number.to_string(),
        },
    };
    vec![
        Cell::text(service.service_name.clone()),
        Cell::Time(person.moment(service.last_authenticated.as_ref())),
        by(service.last_authenticated_entity.as_deref()),
        Cell::text(service.last_authenticated_region.clone()),
        who,
    ]
}

fn action_row(person: &Person<'_>, namespace: &str, action: &TrackedActionLastAccessed) -> Vec<Cell> {
    vec![
        Cell::text(format!("{namespace}:{}", action.action_name.as_deref().unwrap_or_default())),
        Cell::Time(person.moment(action.last_accessed_time.as_ref())),
        by(action.last_accessed_entity.as_deref()),
        Cell::text(action.last_accessed_region.clone()),
    ]
}

fn by(arn: Option<&str>) -> Cell {
    arn.map_or_else(|| Cell::text(None), link_of_arn)
}

/// The users and roles that used a service.
async fn entities(person: &Person<'_>, job: &str, service: &str) -> Called<Section> {
    let asked = GetServiceLastAccessedDetailsWithEntitiesRequest {
        job_id: Some(job.to_owned()),
        service_namespace: Some(service.to_owned()),
        max_items: Some(1000),
        ..Default::default()
    };
    let found = person.call::<op::GetServiceLastAccessedDetailsWithEntities>(asked).await?;
    let row = |entity: EntityDetails| {
        let info = entity.entity_info.unwrap_or_default();
        vec![
            by(info.arn.as_deref()),
            Cell::text(info.r#type),
            Cell::Time(person.moment(entity.last_authenticated.as_ref())),
        ]
    };
    let title = if found.is_truncated == Some(true) { "The first 1,000 that used it" } else { "Who used it" };
    let table = person.table(&format!("Who used {service}"), &["Name", "Kind", "Last used"], "It was not used.");
    Ok(Section::new(title, rows(table, Ok(found.entity_details_list.into_iter().map(row).collect()))))
}
