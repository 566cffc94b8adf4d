//! Versions of managed policies: at most five, numbered from `v1`, a number never used twice, one of them the default.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Checked, Cx};
use bailiwick_storage::{Policy, PolicyVersion, Tx};

use crate::address::{Addressed as _, own_policy};
use crate::pages::Pages;
use crate::policies::document;
use crate::request::required;
use crate::{Directory, view};

/// Adds a version, as the default if the request says so.
///
/// # Errors
/// `NoSuchEntity`, `MalformedPolicyDocument`, `InvalidInput`; `LimitExceeded` for a sixth one.
impl Checked<op::CreatePolicyVersion> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::CreatePolicyVersionRequest) -> Result<Vec<Check>> {
        Ok(vec![Policy::check(cx, tx, &req.policy_arn, "iam:CreatePolicyVersion").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::CreatePolicyVersionRequest,
    ) -> Result<pb::CreatePolicyVersionResponse> {
        let policy = own_policy(cx, tx, &req.policy_arn).await?;
        let document = required(&req.policy_document, "policyDocument")?;
        document::managed(cx.partition().as_str(), document)?;
        let default = req.set_as_default == Some(true);
        let (policy, version) = tx.create_policy_version(&policy, document.to_owned(), default, cx.date()).await?;
        Ok(pb::CreatePolicyVersionResponse { policy_version: Some(view::version_summary(&policy, &version)) })
    }
}

/// Shows a version with its document.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput`.
impl Checked<op::GetPolicyVersion> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::GetPolicyVersionRequest) -> Result<Vec<Check>> {
        Ok(vec![Policy::check(cx, tx, &req.policy_arn, "iam:GetPolicyVersion").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::GetPolicyVersionRequest,
    ) -> Result<pb::GetPolicyVersionResponse> {
        let id = required(&req.version_id, "versionId")?;
        let policy =
            Policy::get(cx, tx, &req.policy_arn).await.map_err(|error| of_version(error, &req.policy_arn, id))?;
        let found = match number(id) {
            Some(number) => tx.find_policy_version(policy.reference(), number).await?,
            None => None,
        };
        let version = found.ok_or_else(|| no_such_version(&req.policy_arn, id))?;
        Ok(pb::GetPolicyVersionResponse { policy_version: Some(view::version(&policy, &version)) })
    }
}

/// Lists the versions, newest first, without documents.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput`.
impl Checked<op::ListPolicyVersions> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::ListPolicyVersionsRequest) -> Result<Vec<Check>> {
        Ok(vec![Policy::check(cx, tx, &req.policy_arn, "iam:ListPolicyVersions").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::ListPolicyVersionsRequest,
    ) -> Result<pb::ListPolicyVersionsResponse> {
        let pages = Pages::open(cx, "ListPolicyVersions", &req.marker, req.max_items)?;
        let policy = Policy::get(cx, tx, &req.policy_arn).await?;
        let all = tx.list_policy_versions(policy.reference()).await?;
        // Positions ascend while versions descend.
        let page = pages.cut(all, |version: &PolicyVersion| format!("{:010}", u32::MAX - version.version))?;
        Ok(pb::ListPolicyVersionsResponse {
            versions: page.items.iter().map(|version| view::version_summary(&policy, version)).collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

/// Makes a version the one that decides.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput`.
impl Checked<op::SetDefaultPolicyVersion> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::SetDefaultPolicyVersionRequest) -> Result<Vec<Check>> {
        Ok(vec![Policy::check(cx, tx, &req.policy_arn, "iam:SetDefaultPolicyVersion").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::SetDefaultPolicyVersionRequest,
    ) -> Result<pb::SetDefaultPolicyVersionResponse> {
        let id = required(&req.version_id, "versionId")?;
        let policy =
            own_policy(cx, tx, &req.policy_arn).await.map_err(|error| of_version(error, &req.policy_arn, id))?;
        let number = number(id).ok_or_else(|| no_such_version(&req.policy_arn, id))?;
        if tx.set_default_version(&policy, number, cx.date()).await? {
            Ok(pb::SetDefaultPolicyVersionResponse {})
        } else {
            Err(no_such_version(&req.policy_arn, id))
        }
    }
}

/// Deletes a version that is not the default.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput`; `DeleteConflict` for the default.
impl Checked<op::DeletePolicyVersion> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::DeletePolicyVersionRequest) -> Result<Vec<Check>> {
        Ok(vec![Policy::check(cx, tx, &req.policy_arn, "iam:DeletePolicyVersion").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::DeletePolicyVersionRequest,
    ) -> Result<pb::DeletePolicyVersionResponse> {
        let id = required(&req.version_id, "versionId")?;
        let policy =
            own_policy(cx, tx, &req.policy_arn).await.map_err(|error| of_version(error, &req.policy_arn, id))?;
        let number = number(id).ok_or_else(|| no_such_version(&req.policy_arn, id))?;
        if tx.delete_policy_version(&policy, number).await? {
            Ok(pb::DeletePolicyVersionResponse {})
        } else {
            Err(no_such_version(&req.policy_arn, id))
        }
    }
}

/// The number of a version id. `v1.suffix` is a form that AWS reserves; no version here has it.
pub(crate) fn number(id: &str) -> Option<u32> {
    let digits = id.strip_prefix('v')?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().ok() } else { None }
}

/// A policy that isn't there has no version either, and that is what AWS says.
fn of_version(error: IamError, arn: &Option<String>, version: &str) -> IamError {
    if error.code() == ErrorCode::NoSuchEntity { no_such_version(arn, version) } else { error }
}

fn no_such_version(arn: &Option<String>, version: &str) -> IamError {
    let arn = arn.as_deref().unwrap_or_default();
    let message = format!("Policy {arn} version {version} does not exist or is not attachable.");
    IamError::new(ErrorCode::NoSuchEntity, message)
}

#[cfg(test)]
mod tests;
