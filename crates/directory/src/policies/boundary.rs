//! Permissions boundaries of users and roles.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Checked, Cx};
use bailiwick_storage::{PolicyRef, Role, Tx, User};

use crate::Directory;
use crate::address::{Addressed as _, IdentityRecord, PolicyArn, check_bounded};
use crate::request::required;

/// An entity that can have a boundary.
pub(crate) trait Bounded: IdentityRecord {
    /// Itself with another boundary.
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

/// The boundary that a request names, if it names one.
///
/// # Errors
/// `NoSuchEntity` when there is no such policy; what is said of ARNs that are none of a policy.
pub(crate) async fn of_request(cx: &Cx, tx: &mut Tx, arn: &Option<String>) -> Result<Option<PolicyRef>> {
    let Some(arn) = arn else { return Ok(None) };
    Ok(Some(PolicyArn::parse(cx, arn)?.attachable(cx, tx, "Scope ARN:").await?.reference()))
}

async fn put_checks<B: Bounded>(
    cx: &Cx,
    tx: &mut Tx,
    name: &Option<String>,
    boundary: &Option<String>,
    action: &'static str,
) -> Result<Vec<Check>> {
    let boundary = PolicyArn::parse(cx, required(boundary, "permissionsBoundary")?)?;
    Ok(vec![B::check(cx, tx, name, action).await?.boundary(Some(boundary.arn.as_str()))])
}

async fn put<B: Bounded>(cx: &Cx, tx: &mut Tx, name: &Option<String>, boundary: &Option<String>) -> Result<()> {
    let entity = B::get(cx, tx, name).await?;
    entity.modifiable()?;
    let boundary = of_request(cx, tx, boundary).await?;
    tx.update(&entity, &entity.with_boundary(boundary)).await
}

async fn delete<B: Bounded>(cx: &Cx, tx: &mut Tx, name: &Option<String>) -> Result<()> {
    let entity = B::get(cx, tx, name).await?;
    entity.modifiable()?;
    if entity.boundary().is_none() {
        let message = format!("The {} with name {} has no permissions boundary.", B::TYPE, entity.name());
        return Err(IamError::new(ErrorCode::NoSuchEntity, message));
    }
    tx.update(&entity, &entity.with_boundary(None)).await
}

macro_rules! boundaries {
    ($($noun:ident $name:ident: $put:ident $put_request:ident $put_response:ident,
       $delete:ident $delete_request:ident $delete_response:ident;)*) => {$(
        /// Sets the boundary, in the place of the one that there is.
        ///
        /// # Errors
        /// `NoSuchEntity` for the entity or the policy, `InvalidInput`, `UnmodifiableEntity`.
        impl Checked<op::$put> for Directory {
            async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::$put_request) -> Result<Vec<Check>> {
                put_checks::<$noun>(cx, tx, &req.$name, &req.permissions_boundary, concat!("iam:", stringify!($put)))
                    .await
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::$put_request) -> Result<pb::$put_response> {
                put::<$noun>(cx, tx, &req.$name, &req.permissions_boundary).await?;
                Ok(pb::$put_response {})
            }
        }

        /// Takes the boundary away.
        ///
        /// # Errors
        /// `NoSuchEntity` for the entity, or when it has none; `UnmodifiableEntity`.
        impl Checked<op::$delete> for Directory {
            async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::$delete_request) -> Result<Vec<Check>> {
                Ok(vec![check_bounded::<$noun>(cx, tx, &req.$name, concat!("iam:", stringify!($delete))).await?])
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::$delete_request) -> Result<pb::$delete_response> {
                delete::<$noun>(cx, tx, &req.$name).await?;
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
