//! Permissions boundaries of users and roles.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Cx, Handle, Planned};
use bailiwick_storage::{Policy, PolicyRef, Role, Tx, User};

use crate::Directory;
use crate::address::{IdentityRecord, PolicyArn, Target};
use crate::request::required;

/// An entity that can have a boundary.
pub(crate) trait Bounded: IdentityRecord {
    /// The entity with another boundary.
    fn with_boundary(&self, boundary: Option<PolicyRef>) -> Self;
}

impl Bounded for User {
    fn with_boundary(&self, boundary: Option<PolicyRef>) -> Self {
        User { boundary, ..self.clone() }
    }
}

impl Bounded for Role {
    fn with_boundary(&self, boundary: Option<PolicyRef>) -> Self {
        Role { boundary, ..self.clone() }
    }
}

/// Finds the boundary that a request names, if it names one. Errors are for authorized callers.
///
/// # Errors
/// `NoSuchEntity` if there is no such policy; as [`PolicyArn::parse`].
pub(crate) async fn find(cx: &Cx, tx: &mut Tx, arn: &Option<String>) -> Result<Option<PolicyRef>> {
    let Some(arn) = arn else { return Ok(None) };
    let policy = Target::<Policy>::at(cx, tx, PolicyArn::parse(cx, arn)?).await?;
    Ok(Some(policy.get_attachable(BOUNDARY)?.reference()))
}

/// How AWS's message about a missing boundary begins.
const BOUNDARY: &str = "Scope ARN:";

async fn plan_put<B: Bounded>(
    cx: &Cx,
    tx: &mut Tx,
    name: &Option<String>,
    boundary: &Option<String>,
    action: &'static str,
) -> Result<Planned<(Target<B>, Target<Policy>)>> {
    let boundary = PolicyArn::parse(cx, required(boundary, "permissionsBoundary")?)?;
    let entity = Target::<B>::look_up(cx, tx, name).await?;
    let check = entity.check(cx, action).boundary(Some(boundary.as_str()));
    Ok(Planned::new((entity, Target::at(cx, tx, boundary).await?)).check(check))
}

async fn put<B: Bounded>(tx: &mut Tx, entity: Target<B>, boundary: Target<Policy>) -> Result<()> {
    let entity = entity.get_modifiable()?;
    let boundary = boundary.get_attachable(BOUNDARY)?.reference();
    tx.update(&entity, &entity.with_boundary(Some(boundary))).await
}

async fn delete<B: Bounded>(tx: &mut Tx, entity: Target<B>) -> Result<()> {
    let entity = entity.get_modifiable()?;
    if entity.boundary().is_none() {
        let message = format!("The {} with name {} has no permissions boundary.", B::TYPE, entity.name());
        return Err(IamError::new(ErrorCode::NoSuchEntity, message));
    }
    tx.update(&entity, &entity.with_boundary(None)).await
}

macro_rules! boundaries {
    ($($noun:ident $name:ident: $put:ident $put_request:ident $put_response:ident,
       $delete:ident $delete_request:ident $delete_response:ident;)*) => {$(
        /// Sets the boundary, in place of an existing one.
        ///
        /// # Errors
        /// `NoSuchEntity` for the entity or the policy, `InvalidInput`, `UnmodifiableEntity`.
        impl Handle<op::$put> for Directory {
            type Plan = (Target<$noun>, Target<Policy>);

            async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::$put_request) -> Result<Planned<Self::Plan>> {
                plan_put(cx, tx, &req.$name, &req.permissions_boundary, concat!("iam:", stringify!($put))).await
            }

            async fn handle(&self, _: &Cx, tx: &mut Tx, (entity, boundary): Self::Plan) -> Result<pb::$put_response> {
                put(tx, entity, boundary).await?;
                Ok(pb::$put_response {})
            }
        }

        /// Removes the boundary.
        ///
        /// # Errors
        /// `NoSuchEntity` for the entity, or if it has no boundary; `UnmodifiableEntity`.
        impl Handle<op::$delete> for Directory {
            type Plan = Target<$noun>;

            async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::$delete_request) -> Result<Planned<Self::Plan>> {
                Target::plan_with_boundary(cx, tx, &req.$name, concat!("iam:", stringify!($delete))).await
            }

            async fn handle(&self, _: &Cx, tx: &mut Tx, entity: Self::Plan) -> Result<pb::$delete_response> {
                delete(tx, entity).await?;
                Ok(pb::$delete_response {})
            }
        }
    )*};
}

boundaries! {
    User user_name: PutUserPermissionsBoundary PutUserPermissionsBoundaryRequest PutUserPermissionsBoundaryResponse,
        DeleteUserPermissionsBoundary DeleteUserPermissionsBoundaryRequest DeleteUserPermissionsBoundaryResponse;
    Role role_name: PutRolePermissionsBoundary PutRolePermissionsBoundaryRequest PutRolePermissionsBoundaryResponse,
        DeleteRolePermissionsBoundary DeleteRolePermissionsBoundaryRequest DeleteRolePermissionsBoundaryResponse;
}

#[cfg(test)]
mod tests;
