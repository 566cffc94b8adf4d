//! Protection of the last administrator's access key, unless the call allows the lockout.

use bailiwick_authz::Administrators;
use bailiwick_model::{AccessKeyId, ErrorCode, IamError, Result};
use bailiwick_operation::Cx;
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::{IdentityKind, Standing, Tx};
use http::HeaderName;

use crate::shared::Parts;

/// The header, or gRPC metadata, that allows a lockout if it is `true`.
pub(crate) const ALLOW: HeaderName = HeaderName::from_static("x-bailiwick-allow-lockout");

/// Refuses a change that makes the last access key unusable with which the deployment can be administered.
///
/// If another key is left, the commit depends on it, so that two changes cannot each rely on the other's key.
///
/// # Errors
/// `UnmodifiableEntity`.
pub(crate) async fn refuse(
    parts: &Parts,
    cx: &Cx,
    snapshot: &Snapshot,
    tx: &mut Tx,
    id: &AccessKeyId,
    allowed: bool,
) -> Result<()> {
    match parts.authz.administrators_without(snapshot, cx, id).await {
        Administrators::Unchanged => Ok(()),
        Administrators::Administrator(other) => {
            let standing = Standing {
                account: other.account,
                delegate: None,
                identity: other.user.as_ref().map(|user| (IdentityKind::User, user)),
                access_key: Some(&other.id),
                provider: None,
                revocable_by: Vec::new(),
            };
            tx.depend_on(&standing).await
        }
        Administrators::None if allowed => {
            tracing::warn!(%id, "the last administrator's access key is taken out of use, as the call allows");
            Ok(())
        }
        Administrators::None => Err(IamError::new(
            ErrorCode::UnmodifiableEntity,
            format!(
                "The access key {id} is the last active one with which the management account {} can be administered. Create a user with the policy AdministratorAccess and an access key first, or send the header {ALLOW}: true.",
                snapshot.management_account()
            ),
        )),
    }
}
