//! Roles.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::limits::DEFAULT_SESSION_SECONDS;
use bailiwick_model::{ErrorCode, IamError, IdKind, Path, Result, RoleName};
use bailiwick_operation::{Check, Checked, Cx};
use bailiwick_storage::{Role, TrustPolicy, Tx};

use crate::address::{Addressed as _, IdentityRecord as _, arn_of};
use crate::pages::Pages;
use crate::policies::boundary;
use crate::request::{path_or_root, required, tags};
use crate::{Directory, trust, view};

/// The path of roles that services make for themselves.
const LINKED: &str = "/aws-service-role/";

/// Creates a role in the caller's account.
///
/// # Errors
/// `EntityAlreadyExists`, `LimitExceeded`, `InvalidInput` (tags, path), `MalformedPolicyDocument` (trust policy),
/// `NoSuchEntity` (boundary).
impl Checked<op::CreateRole> for Directory {
    async fn checks(&self, cx: &Cx, _: &mut Tx, req: &pb::CreateRoleRequest) -> Result<Vec<Check>> {
        let (name, path) = (RoleName::parse(required(&req.role_name, "roleName")?)?, path_or_root(&req.path)?);
        let arn = arn_of::<Role>(cx.partition(), cx.account(), &path, &name);
        let tags = tags(&req.tags)?;
        let create = Check::new("iam:CreateRole", &arn).boundary(req.permissions_boundary.as_deref());
        let mut checks = vec![create.request_tags(&tags)];
        if !tags.is_empty() {
            checks.push(Check::new("iam:TagRole", &arn).request_tags(&tags));
        }
        Ok(checks)
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::CreateRoleRequest) -> Result<pb::CreateRoleResponse> {
        let name = RoleName::parse(required(&req.role_name, "roleName")?)?;
        let path = path_or_root(&req.path)?;
        if path.as_str().starts_with(LINKED) {
            let message = format!("the path `{LINKED}` is reserved for roles that are linked to a service");
            return Err(IamError::new(ErrorCode::InvalidInput, message));
        }
        let tags = tags(&req.tags)?;
        let document = required(&req.assume_role_policy_document, "assumeRolePolicyDocument")?;
        let trust_policy = trust::bind(cx, tx, document, cx.account()).await?;
        let boundary = boundary::of_request(cx, tx, &req.permissions_boundary).await?;
        let role = Role {
            tags,
            boundary,
            description: req.description,
            max_session_seconds: seconds(req.max_session_duration),
            max_signin_session_seconds: signin_seconds(req.max_signin_session_duration),
            ..new_role(cx, name, path, trust_policy)
        };
        tx.create(&role).await?;
        Ok(pb::CreateRoleResponse { role: Some(view::new_role(cx, tx, &role).await?) })
    }
}

/// Shows a role.
///
/// # Errors
/// `NoSuchEntity`.
impl Checked<op::GetRole> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::GetRoleRequest) -> Result<Vec<Check>> {
        Ok(vec![Role::check(cx, tx, &req.role_name, "iam:GetRole").await?])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::GetRoleRequest) -> Result<pb::GetRoleResponse> {
        let role = Role::get(cx, tx, &req.role_name).await?;
        Ok(pb::GetRoleResponse { role: Some(view::role(cx, tx, &role).await?) })
    }
}

/// Lists the roles of the account by name.
impl Checked<op::ListRoles> for Directory {
    async fn checks(&self, cx: &Cx, _: &mut Tx, _: &pb::ListRolesRequest) -> Result<Vec<Check>> {
        Ok(vec![Check::without_resource("iam:ListRoles", cx.account())])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::ListRolesRequest) -> Result<pb::ListRolesResponse> {
        let pages = Pages::open(cx, "ListRoles", &req.marker, req.max_items)?;
        let prefix = req.path_prefix.as_deref().unwrap_or("/");
        let page = pages.answer(tx.list::<Role>(cx.account(), prefix, pages.after(), pages.limit()).await?)?;
        let mut roles = Vec::with_capacity(page.items.len());
        for role in &page.items {
            roles.push(view::role_summary(cx, tx, role).await?);
        }
        Ok(pb::ListRolesResponse { roles, is_truncated: page.is_truncated, marker: page.marker })
    }
}

/// Changes the description or a longest session; what the request leaves out stays.
///
/// # Errors
/// `NoSuchEntity`, `UnmodifiableEntity`; `InvalidInput` for a sign-in session that is both set and reset.
impl Checked<op::UpdateRole> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::UpdateRoleRequest) -> Result<Vec<Check>> {
        Ok(vec![Role::check(cx, tx, &req.role_name, "iam:UpdateRole").await?])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::UpdateRoleRequest) -> Result<pb::UpdateRoleResponse> {
        let old = modifiable(cx, tx, &req.role_name).await?;
        let mut new = old.clone();
        if req.description.is_some() {
            new.description = req.description;
        }
        if req.max_session_duration.is_some() {
            new.max_session_seconds = seconds(req.max_session_duration);
        }
        match (req.max_signin_session_duration, req.reset_max_signin_session_duration.unwrap_or(false)) {
            (Some(_), true) => {
                let message = "MaxSigninSessionDuration cannot be set and reset in the same request";
                let field = ("ResetMaxSigninSessionDuration", "false or left out when a duration is set");
                return Err(IamError::new(ErrorCode::InvalidInput, message).field(field.0, field.1));
            }
            (Some(asked), false) => new.max_signin_session_seconds = signin_seconds(Some(asked)),
            (None, true) => new.max_signin_session_seconds = None,
            (None, false) => {}
        }
        tx.update(&old, &new).await?;
        Ok(pb::UpdateRoleResponse {})
    }
}

/// Changes the description.
///
/// # Errors
/// `NoSuchEntity`, `UnmodifiableEntity`.
impl Checked<op::UpdateRoleDescription> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::UpdateRoleDescriptionRequest) -> Result<Vec<Check>> {
        Ok(vec![Role::check(cx, tx, &req.role_name, "iam:UpdateRoleDescription").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::UpdateRoleDescriptionRequest,
    ) -> Result<pb::UpdateRoleDescriptionResponse> {
        let old = modifiable(cx, tx, &req.role_name).await?;
        let new = Role { description: Some(required(&req.description, "description")?.to_owned()), ..old.clone() };
        tx.update(&old, &new).await?;
        Ok(pb::UpdateRoleDescriptionResponse { role: Some(view::described_role(cx, tx, &new).await?) })
    }
}

/// Replaces the trust policy.
///
/// # Errors
/// `NoSuchEntity`, `MalformedPolicyDocument`, `LimitExceeded`, `UnmodifiableEntity`.
impl Checked<op::UpdateAssumeRolePolicy> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::UpdateAssumeRolePolicyRequest) -> Result<Vec<Check>> {
        Ok(vec![Role::check(cx, tx, &req.role_name, "iam:UpdateAssumeRolePolicy").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::UpdateAssumeRolePolicyRequest,
    ) -> Result<pb::UpdateAssumeRolePolicyResponse> {
        let old = modifiable(cx, tx, &req.role_name).await?;
        let document = required(&req.policy_document, "policyDocument")?;
        let new = Role { trust_policy: trust::bind(cx, tx, document, old.account).await?, ..old.clone() };
        tx.update(&old, &new).await?;
        Ok(pb::UpdateAssumeRolePolicyResponse {})
    }
}

/// Deletes a role that has nothing any more. Its sessions end with it.
///
/// # Errors
/// `NoSuchEntity`, `DeleteConflict` naming what must go first, `UnmodifiableEntity`.
impl Checked<op::DeleteRole> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::DeleteRoleRequest) -> Result<Vec<Check>> {
        Ok(vec![Role::check(cx, tx, &req.role_name, "iam:DeleteRole").await?])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::DeleteRoleRequest) -> Result<pb::DeleteRoleResponse> {
        let role = modifiable(cx, tx, &req.role_name).await?;
        tx.delete(&role).await?;
        Ok(pb::DeleteRoleResponse {})
    }
}

/// A role of the caller's account that has nothing yet but its name and its trust policy.
pub(crate) fn new_role(cx: &Cx, name: RoleName, path: Path, trust_policy: TrustPolicy) -> Role {
    Role {
        account: cx.account(),
        id: cx.new_id(IdKind::Role),
        name,
        path,
        created: cx.date(),
        tags: bailiwick_model::Tags::new(),
        boundary: None,
        description: None,
        trust_policy,
        max_session_seconds: seconds(None),
        max_signin_session_seconds: None,
        sessions_valid_after: None,
        linked_service: None,
    }
}

async fn modifiable(cx: &Cx, tx: &mut Tx, name: &Option<String>) -> Result<Role> {
    let role = Role::get(cx, tx, name).await?;
    role.modifiable()?;
    Ok(role)
}

fn seconds(asked: Option<i32>) -> u32 {
    // Validation holds the number between 3,600 and 43,200; the default fits.
    asked.and_then(|asked| u32::try_from(asked).ok()).unwrap_or(DEFAULT_SESSION_SECONDS as u32)
}

fn signin_seconds(asked: Option<i32>) -> Option<u32> {
    // Validation holds the number between 3,600 and 7,776,000.
    asked.and_then(|asked| u32::try_from(asked).ok())
}

#[cfg(test)]
mod tests;
