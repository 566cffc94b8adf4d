//! Roles that are linked to services: only the service changes them, and they are created and deleted by operations of
//! their own.

mod facts;

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, Path, Result, RoleName};
use bailiwick_operation::{Check, Cx, Handle, Planned, uuid};
use bailiwick_storage::{DeletionTask, Identity, Policy, Role, Tx};
use serde_json::json;

use self::facts::LinkedRole;
use super::role::{LINKED, new_role};
use crate::address::Target;
use crate::request::required;
use crate::{Directory, trust, view};

/// A service-linked role to create. Errors of service, suffix and name are for authorized callers.
pub struct NewLinkedRole {
    service: String,
    role: Result<(LinkedRole, RoleName)>,
    description: Option<String>,
}

/// Creates the role that is linked to a service, with the service's managed policy if the deployment has it.
///
/// # Errors
/// `InvalidInput` for a service without such a role, a suffix that is not allowed, or a name that is taken;
/// `LimitExceeded`.
impl Handle<op::CreateServiceLinkedRole> for Directory {
    type Plan = NewLinkedRole;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::CreateServiceLinkedRoleRequest) -> Result<Planned<Self::Plan>> {
        let service = required(&req.aws_service_name, "aWSServiceName")?.to_owned();
        let role = facts::find(tx, &service, req.custom_suffix.as_deref()).await?;
        let name = match &role {
            Ok((_, name)) => name.to_string(),
            Err(_) => facts::PREFIX.to_owned(),
        };
        let arn = Arn::iam(cx.partition(), cx.account(), format_args!("role{LINKED}{service}/{name}"));
        // A denial does not show whether the service is registered.
        let displayed =
            Arn::iam(cx.partition(), cx.account(), format_args!("role{LINKED}{service}/{}*", facts::PREFIX));
        let check = Check::new("iam:CreateServiceLinkedRole", &arn)
            .key("iam:AWSServiceName", service.clone())
            .displayed_as(displayed.as_str());
        Ok(Planned::new(NewLinkedRole { service, role, description: req.description }).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, new: NewLinkedRole) -> Result<pb::CreateServiceLinkedRoleResponse> {
        let (facts, name) = new.role?;
        let path = Path::parse(&format!("{LINKED}{}/", new.service))?;
        let document = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"Service": &new.service},
                "Action": "sts:AssumeRole",
            }],
        });
        // As in AWS, this response alone has lists.
        let shown = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Action": ["sts:AssumeRole"],
                "Effect": "Allow",
                "Principal": {"Service": [&new.service]},
            }],
        });
        let trust_policy = trust::bind(cx, tx, &document.to_string(), cx.account()).await?;
        let role = Role {
            description: new.description,
            linked_service: Some(new.service),
            ..new_role(cx, name, path, trust_policy)
        };
        if tx.find::<Role>(cx.account(), &role.name).await?.is_some() {
            let name = &role.name;
            return Err(invalid(format!(
                "Service role name {name} has been taken in this account, please try a different suffix."
            )));
        }
        tx.create(&role).await?;
        if let Some(policy) = find_policy(tx, &facts).await? {
            tx.attach_policy(&Identity::from(&role), &policy).await?;
        }
        let role =
            pb::Role { assume_role_policy_document: Some(shown.to_string()), ..view::new_role(cx, tx, &role).await? };
        Ok(pb::CreateServiceLinkedRoleResponse { role: Some(role) })
    }
}

/// The deployment's managed policy of the service. A policy of the same name elsewhere is not the service's.
async fn find_policy(tx: &mut Tx, facts: &LinkedRole) -> Result<Option<Policy>> {
    let Some(name) = &facts.policy else { return Ok(None) };
    let found = tx.find::<Policy>(AccountId::NONE, name).await?;
    Ok(found.filter(|policy| policy.path.as_str() == facts.policy_path))
}

/// Deletes a role that is linked to a service, together with its attachments. The sessions of the role end with it.
///
/// AWS deletes after the service has confirmed that it no longer uses the role. Here the deletion is done when the
/// call returns, and the task has succeeded.
///
/// # Errors
/// `NoSuchEntity`, also for a role that is not linked to a service; `LimitExceeded`.
impl Handle<op::DeleteServiceLinkedRole> for Directory {
    type Plan = Target<Role>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::DeleteServiceLinkedRoleRequest) -> Result<Planned<Self::Plan>> {
        Target::plan(cx, tx, &req.role_name, "iam:DeleteServiceLinkedRole").await
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, role: Target<Role>) -> Result<pb::DeleteServiceLinkedRoleResponse> {
        let role = role.get()?;
        let Some(service) = &role.linked_service else {
            let message = format!("The service-linked role with name {} cannot be found.", role.name);
            return Err(IamError::new(ErrorCode::NoSuchEntity, message));
        };
        let identity = Identity::from(&role);
        for policy in tx.list_attached(&identity, "/", None, usize::MAX).await?.items {
            tx.detach_policy(&identity, policy.reference()).await?;
        }
        let id = format!("task{LINKED}{service}/{}/{}", role.name, uuid(cx.random()));
        tx.delete(&role).await?;
        tx.create_expiring(&DeletionTask { account: cx.account(), id: id.clone(), created: cx.date() }).await?;
        Ok(pb::DeleteServiceLinkedRoleResponse { deletion_task_id: Some(id) })
    }
}

/// Returns the status of a task that deletes a service-linked role: such a task has succeeded when it exists.
///
/// # Errors
/// `NoSuchEntity`; `InvalidInput` for an id that is not one of a deletion task.
impl Handle<op::GetServiceLinkedRoleDeletionStatus> for Directory {
    /// Whether there is such a task.
    type Plan = bool;

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::GetServiceLinkedRoleDeletionStatusRequest,
    ) -> Result<Planned<Self::Plan>> {
        let id = required(&req.deletion_task_id, "deletionTaskId")?;
        let role = role_of_task(id)?;
        // The role is gone: the ARN that it had is in the id of the task.
        let arn = Arn::iam(cx.partition(), cx.account(), format_args!("role/{role}"));
        let found = tx.find_expiring::<DeletionTask>(cx.account(), id, cx.now()).await?.is_some();
        let check = Check::new("iam:GetServiceLinkedRoleDeletionStatus", &arn);
        Ok(Planned::new(found).check(check))
    }

    async fn handle(
        &self,
        _: &Cx,
        _: &mut Tx,
        found: Self::Plan,
    ) -> Result<pb::GetServiceLinkedRoleDeletionStatusResponse> {
        if !found {
            let error = IamError::new(ErrorCode::NoSuchEntity, "Cannot find deletion status for given id.");
            return Err(error.field("DeletionTaskId", "not the id of a task of this account"));
        }
        Ok(pb::GetServiceLinkedRoleDeletionStatusResponse { status: Some("SUCCEEDED".into()), reason: None })
    }
}

/// The path and name of the role in the id of a task: `task/aws-service-role/SERVICE/ROLE/UUID`.
fn role_of_task(id: &str) -> Result<&str> {
    let role = id.strip_prefix("task/").and_then(|rest| rest.rsplit_once('/')).map(|(role, _)| role);
    let in_service = |role: &&str| role.strip_prefix("aws-service-role/").is_some_and(|rest| rest.contains('/'));
    role.filter(in_service).ok_or_else(|| {
        invalid("Invalid task id").field("DeletionTaskId", "expected task/aws-service-role/SERVICE/ROLE/UUID")
    })
}

fn invalid(message: impl Into<String>) -> IamError {
    IamError::new(ErrorCode::InvalidInput, message)
}

#[cfg(test)]
mod tests;
