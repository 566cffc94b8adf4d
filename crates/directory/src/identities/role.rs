//! Roles.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::limits::DEFAULT_SESSION_SECONDS;
use bailiwick_model::{ErrorCode, IamError, IdKind, KeyCase, Path, Result, RoleName, Tags};
use bailiwick_operation::{Check, Cx, Handle, PathPage, Planned};
use bailiwick_storage::{PolicyRef, Role, TrustPolicy, Tx};

use crate::address::{Target, arn_of};
use crate::policies::boundary;
use crate::request::{check_list, path_or_root, required, tags};
use crate::{Directory, trust, view};

/// The path of roles that are linked to services.
pub(super) const LINKED: &str = "/aws-service-role/";

/// A role to create. Errors of path, trust policy and boundary are for authorized callers.
pub struct NewRole {
    name: RoleName,
    path: Path,
    tags: Tags,
    trust_policy: String,
    boundary: Result<Option<PolicyRef>>,
    description: Option<String>,
    max_session_seconds: u32,
    max_signin_session_seconds: Option<u32>,
}

/// Creates a role in the caller's account.
///
/// # Errors
/// `EntityAlreadyExists`, `LimitExceeded`, `InvalidInput` (tags, path), `MalformedPolicyDocument` (trust policy),
/// `NoSuchEntity` (boundary).
impl Handle<op::CreateRole> for Directory {
    type Plan = NewRole;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::CreateRoleRequest) -> Result<Planned<NewRole>> {
        let (name, path) = (RoleName::parse(required(&req.role_name, "roleName")?)?, path_or_root(&req.path)?);
        let arn = arn_of::<Role>(cx.partition(), cx.account(), &path, &name);
        let tags = tags(KeyCase::Insensitive, &req.tags)?;
        let create =
            Check::new("iam:CreateRole", &arn).boundary(req.permissions_boundary.as_deref()).request_tags(&tags);
        let tag = Check::new("iam:TagRole", &arn).request_tags(&tags);
        let has_tags = !tags.is_empty();
        let role = NewRole {
            name,
            path,
            tags,
            boundary: boundary::find(cx, tx, &req.permissions_boundary).await,
            trust_policy: required(&req.assume_role_policy_document, "assumeRolePolicyDocument")?.to_owned(),
            description: req.description,
            max_session_seconds: seconds(req.max_session_duration),
            max_signin_session_seconds: signin_seconds(req.max_signin_session_duration),
        };
        Ok(Planned::new(role).check(create).check_if(has_tags, tag))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, new: NewRole) -> Result<pb::CreateRoleResponse> {
        if new.path.as_str().starts_with(LINKED) {
            let message = format!("the path `{LINKED}` is reserved for roles that are linked to a service");
            return Err(IamError::new(ErrorCode::InvalidInput, message));
        }
        let trust_policy = trust::bind(cx, tx, &new.trust_policy, cx.account()).await?;
        let role = Role {
            tags: new.tags,
            boundary: new.boundary?,
            description: new.description,
            max_session_seconds: new.max_session_seconds,
            max_signin_session_seconds: new.max_signin_session_seconds,
            ..new_role(cx, new.name, new.path, trust_policy)
        };
        tx.create(&role).await?;
        Ok(pb::CreateRoleResponse { role: Some(view::new_role(cx, tx, &role).await?) })
    }
}

/// Shows a role.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::GetRole> for Directory {
    type Plan = Target<Role>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetRoleRequest) -> Result<Planned<Self::Plan>> {
        Target::plan_with_boundary(cx, tx, &req.role_name, "iam:GetRole").await
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, role: Target<Role>) -> Result<pb::GetRoleResponse> {
        Ok(pb::GetRoleResponse { role: Some(view::role(cx, tx, &role.get()?).await?) })
    }
}

/// Lists the roles of the account by name.
impl Handle<op::ListRoles> for Directory {
    type Plan = PathPage;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::ListRolesRequest) -> Result<Planned<PathPage>> {
        let page = PathPage::new(req.path_prefix, req.marker, req.max_items);
        let check = check_list(cx, "iam:ListRoles", "role", &page.prefix);
        Ok(Planned::new(page).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: PathPage) -> Result<pb::ListRolesResponse> {
        let pages = plan.page.open(cx, "ListRoles")?;
        let page = pages.answer(tx.list::<Role>(cx.account(), &plan.prefix, pages.after(), pages.limit()).await?)?;
        let mut roles = Vec::with_capacity(page.items.len());
        for role in &page.items {
            roles.push(view::role_summary(cx, tx, role).await?);
        }
        Ok(pb::ListRolesResponse { roles, is_truncated: page.is_truncated, marker: page.marker })
    }
}

/// What UpdateRole changes; none stays as it is.
pub struct RoleChanges {
    description: Option<String>,
    max_session_seconds: Option<u32>,
    /// The longest sign-in session to set; none within resets it. Fails if it is both set and reset.
    max_signin_session_seconds: Result<Option<Option<u32>>>,
}

/// Changes the description or a maximum session duration. What the request leaves out stays. Of a role that is linked
/// to a service only the description may be changed.
///
/// # Errors
/// `NoSuchEntity`, `UnmodifiableEntity`; `InvalidInput` for a sign-in session that is both set and reset.
impl Handle<op::UpdateRole> for Directory {
    type Plan = (Target<Role>, RoleChanges);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::UpdateRoleRequest) -> Result<Planned<Self::Plan>> {
        let reset = req.reset_max_signin_session_duration.unwrap_or(false);
        let changes = RoleChanges {
            description: req.description,
            max_session_seconds: req.max_session_duration.map(|asked| seconds(Some(asked))),
            max_signin_session_seconds: match (req.max_signin_session_duration, reset) {
                (Some(_), true) => {
                    let message = "MaxSigninSessionDuration cannot be set and reset in the same request";
                    let field = ("ResetMaxSigninSessionDuration", "false or left out when a duration is set");
                    Err(IamError::new(ErrorCode::InvalidInput, message).field(field.0, field.1))
                }
                (Some(asked), false) => Ok(Some(signin_seconds(Some(asked)))),
                (None, true) => Ok(Some(None)),
                (None, false) => Ok(None),
            },
        };
        Ok(Target::plan_with_boundary(cx, tx, &req.role_name, "iam:UpdateRole").await?.with(changes))
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, (role, changes): Self::Plan) -> Result<pb::UpdateRoleResponse> {
        let durations =
            changes.max_session_seconds.is_some() || !matches!(changes.max_signin_session_seconds, Ok(None));
        let old = role.get()?;
        if durations && old.linked_service.is_some() {
            let message =
                format!("{} is an AWS service linked role, max session duration cannot be changed.", old.name);
            return Err(IamError::new(ErrorCode::UnmodifiableEntity, message));
        }
        let new = Role {
            description: changes.description.or_else(|| old.description.clone()),
            max_session_seconds: changes.max_session_seconds.unwrap_or(old.max_session_seconds),
            max_signin_session_seconds: changes.max_signin_session_seconds?.unwrap_or(old.max_signin_session_seconds),
            ..old.clone()
        };
        tx.update(&old, &new).await?;
        Ok(pb::UpdateRoleResponse {})
    }
}

/// Changes the description, also of a role that is linked to a service.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::UpdateRoleDescription> for Directory {
    type Plan = (Target<Role>, String);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::UpdateRoleDescriptionRequest) -> Result<Planned<Self::Plan>> {
        let description = required(&req.description, "description")?.to_owned();
        let action = "iam:UpdateRoleDescription";
        Ok(Target::plan_with_boundary(cx, tx, &req.role_name, action).await?.with(description))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (role, description): Self::Plan,
    ) -> Result<pb::UpdateRoleDescriptionResponse> {
        let old = role.get()?;
        let new = Role { description: Some(description), ..old.clone() };
        tx.update(&old, &new).await?;
        Ok(pb::UpdateRoleDescriptionResponse { role: Some(view::described_role(cx, tx, &new).await?) })
    }
}

/// Replaces the trust policy.
///
/// # Errors
/// `NoSuchEntity`, `MalformedPolicyDocument`, `LimitExceeded`, `UnmodifiableEntity`.
impl Handle<op::UpdateAssumeRolePolicy> for Directory {
    type Plan = (Target<Role>, String);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::UpdateAssumeRolePolicyRequest) -> Result<Planned<Self::Plan>> {
        let document = required(&req.policy_document, "policyDocument")?.to_owned();
        let action = "iam:UpdateAssumeRolePolicy";
        Ok(Target::plan_with_boundary(cx, tx, &req.role_name, action).await?.with(document))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (role, document): Self::Plan,
    ) -> Result<pb::UpdateAssumeRolePolicyResponse> {
        let old = role.get_modifiable()?;
        let new = Role { trust_policy: trust::bind(cx, tx, &document, old.account).await?, ..old.clone() };
        tx.update(&old, &new).await?;
        Ok(pb::UpdateAssumeRolePolicyResponse {})
    }
}

/// Deletes a role that has no policies left. Its sessions end with it.
///
/// # Errors
/// `NoSuchEntity`, `DeleteConflict` naming what must be removed first, `UnmodifiableEntity`.
impl Handle<op::DeleteRole> for Directory {
    type Plan = Target<Role>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::DeleteRoleRequest) -> Result<Planned<Self::Plan>> {
        Target::plan_with_boundary(cx, tx, &req.role_name, "iam:DeleteRole").await
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, role: Target<Role>) -> Result<pb::DeleteRoleResponse> {
        tx.delete(&role.get_modifiable()?).await?;
        Ok(pb::DeleteRoleResponse {})
    }
}

/// A role of the caller's account with a name and a trust policy and nothing else.
pub(crate) fn new_role(cx: &Cx, name: RoleName, path: Path, trust_policy: TrustPolicy) -> Role {
    Role {
        account: cx.account(),
        id: cx.new_id(IdKind::Role),
        name,
        path,
        created: cx.date(),
        tags: Tags::new(),
        boundary: None,
        description: None,
        trust_policy,
        max_session_seconds: seconds(None),
        max_signin_session_seconds: None,
        sessions_valid_after: None,
        linked_service: None,
    }
}

fn seconds(asked: Option<i32>) -> u32 {
    // Validation keeps the number between 3,600 and 43,200; the default fits.
    asked.and_then(|asked| u32::try_from(asked).ok()).unwrap_or(DEFAULT_SESSION_SECONDS as u32)
}

fn signin_seconds(asked: Option<i32>) -> Option<u32> {
    // Validation keeps the number between 3,600 and 7,776,000.
    asked.and_then(|asked| u32::try_from(asked).ok())
}

#[cfg(test)]
mod tests;
