//! Reports on when services were last accessed: by the entities that a policy, group, user or role covers, and by the
//! accounts of the organization.
//!
//! A job is complete as soon as it is created, because uses are recorded as they happen. It keeps only what the report is
//! about, for a day: the report shows the uses up to the moment when it is read.

mod entities;
mod names;
mod organization;
mod service_last_accessed;
mod services;
mod unused_permissions;
mod uses;

use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Cx, uuid};
use bailiwick_storage::{AccessJob, AccessSubject, Tx};

use crate::request::required;

/// Creates a job and returns its id.
async fn create_job(cx: &Cx, tx: &mut Tx, subject: AccessSubject) -> Result<String> {
    let id = uuid(cx.random());
    let job =
        AccessJob { account: cx.account(), id: id.clone(), created: cx.date(), requester: requester(cx), subject };
    tx.create_expiring(&job).await?;
    Ok(id)
}

/// Returns the job that the request names.
///
/// # Errors
/// `NoSuchEntity` if the account has no such job, or another principal created it.
async fn job(cx: &Cx, tx: &mut Tx, id: &Option<String>) -> Result<AccessJob> {
    let id = required(id, "jobId")?;
    let found = tx.find_expiring::<AccessJob>(cx.account(), id, cx.now()).await?;
    found.filter(|job| job.requester == requester(cx)).ok_or_else(|| no_such_job(id))
}

fn no_such_job(id: &str) -> IamError {
    IamError::new(ErrorCode::NoSuchEntity, format!("The report with job id {id} cannot be found."))
}

/// The principal whose jobs the caller may read: a user, a role in any of its sessions, or root.
fn requester(cx: &Cx) -> String {
    let principal = &cx.caller().principal;
    principal.identity().map_or_else(|| principal.account().to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests;
