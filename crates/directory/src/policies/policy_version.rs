//! Versions of managed policies: at most five, numbered from `v1`, a number never used twice, one of them the default.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Cx, Handle, PageRequest, Planned};
use bailiwick_storage::{Policy, PolicyVersion, Tx};

use crate::address::Target;
use crate::document;
use crate::request::required;
use crate::{Directory, view};

/// A version to create.
pub struct NewVersion {
    policy: Target<Policy>,
    document: String,
    is_default: bool,
}

/// Adds a version, as the default if the request says so.
///
/// # Errors
/// `NoSuchEntity`, `MalformedPolicyDocument`, `InvalidInput`; `LimitExceeded` for a sixth version.
impl Handle<op::CreatePolicyVersion> for Directory {
    type Plan = NewVersion;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::CreatePolicyVersionRequest) -> Result<Planned<NewVersion>> {
        let document = required(&req.policy_document, "policyDocument")?.to_owned();
        let policy = Target::<Policy>::look_up(cx, tx, &req.policy_arn).await?;
        let check = policy.check(cx, "iam:CreatePolicyVersion");
        let is_default = req.set_as_default == Some(true);
        Ok(Planned::new(NewVersion { policy, document, is_default }).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, new: NewVersion) -> Result<pb::CreatePolicyVersionResponse> {
        let policy = new.policy.get_own(cx)?;
        document::managed(cx.partition().as_str(), &new.document)?;
        let created = tx.create_policy_version(&policy, new.document, new.is_default, cx.date()).await?;
        let (policy, version) = created;
        Ok(pb::CreatePolicyVersionResponse { policy_version: Some(view::version_summary(&policy, &version)) })
    }
}

/// A version that a request names, of a policy that may be missing.
pub struct VersionTarget {
    policy: Target<Policy>,
    name: VersionName,
}

/// How a request names a version.
struct VersionName {
    policy: Arn,
    id: String,
}

impl VersionTarget {
    /// Looks up the policy and names the check of an action on it.
    async fn plan(
        cx: &Cx,
        tx: &mut Tx,
        arn: &Option<String>,
        id: &Option<String>,
        action: &'static str,
    ) -> Result<Planned<VersionTarget>> {
        let id = required(id, "versionId")?.to_owned();
        let policy = Target::<Policy>::look_up(cx, tx, arn).await?;
        let check = policy.check(cx, action);
        let name = VersionName { policy: policy.arn().clone(), id };
        Ok(Planned::new(VersionTarget { policy, name }).check(check))
    }

    /// The policy to change and the number of the version.
    ///
    /// # Errors
    /// As [`Target::get_own`]; `NoSuchEntity` for an id that no version can have.
    fn get_own(self, cx: &Cx) -> Result<(Policy, u32, VersionName)> {
        let policy = self.policy.get_own(cx).map_err(|error| self.name.missing_policy(error))?;
        let number = number(&self.name.id).ok_or_else(|| self.name.no_such())?;
        Ok((policy, number, self.name))
    }
}

impl VersionName {
    fn no_such(&self) -> IamError {
        let message = format!("Policy {} version {} does not exist or is not attachable.", self.policy, self.id);
        IamError::new(ErrorCode::NoSuchEntity, message)
    }

    /// For a missing policy AWS reports that the version is missing.
    fn missing_policy(&self, error: IamError) -> IamError {
        if error.code() == ErrorCode::NoSuchEntity { self.no_such() } else { error }
    }
}

/// Shows a version with its document.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput`.
impl Handle<op::GetPolicyVersion> for Directory {
    type Plan = VersionTarget;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetPolicyVersionRequest) -> Result<Planned<VersionTarget>> {
        VersionTarget::plan(cx, tx, &req.policy_arn, &req.version_id, "iam:GetPolicyVersion").await
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, plan: VersionTarget) -> Result<pb::GetPolicyVersionResponse> {
        let policy = plan.policy.get().map_err(|error| plan.name.missing_policy(error))?;
        let found = match number(&plan.name.id) {
            Some(number) => tx.find_policy_version(policy.reference(), number).await?,
            None => None,
        };
        let version = found.ok_or_else(|| plan.name.no_such())?;
        Ok(pb::GetPolicyVersionResponse { policy_version: Some(view::version(&policy, &version)) })
    }
}

/// Lists the versions, newest first, without documents.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput`.
impl Handle<op::ListPolicyVersions> for Directory {
    type Plan = (Target<Policy>, PageRequest);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::ListPolicyVersionsRequest) -> Result<Planned<Self::Plan>> {
        let planned = Target::plan(cx, tx, &req.policy_arn, "iam:ListPolicyVersions").await?;
        Ok(planned.with(PageRequest::new(req.marker, req.max_items)))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (policy, page): Self::Plan) -> Result<pb::ListPolicyVersionsResponse> {
        let pages = page.open(cx, "ListPolicyVersions")?;
        let policy = policy.get()?;
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

/// Makes a version the default, which is the one that decisions use.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput`.
impl Handle<op::SetDefaultPolicyVersion> for Directory {
    type Plan = VersionTarget;

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::SetDefaultPolicyVersionRequest,
    ) -> Result<Planned<VersionTarget>> {
        VersionTarget::plan(cx, tx, &req.policy_arn, &req.version_id, "iam:SetDefaultPolicyVersion").await
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: VersionTarget) -> Result<pb::SetDefaultPolicyVersionResponse> {
        let (policy, number, name) = plan.get_own(cx)?;
        if tx.set_default_version(&policy, number, cx.date()).await? {
            Ok(pb::SetDefaultPolicyVersionResponse {})
        } else {
            Err(name.no_such())
        }
    }
}

/// Deletes a version that is not the default.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput`; `DeleteConflict` for the default.
impl Handle<op::DeletePolicyVersion> for Directory {
    type Plan = VersionTarget;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::DeletePolicyVersionRequest) -> Result<Planned<VersionTarget>> {
        VersionTarget::plan(cx, tx, &req.policy_arn, &req.version_id, "iam:DeletePolicyVersion").await
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: VersionTarget) -> Result<pb::DeletePolicyVersionResponse> {
        let (policy, number, name) = plan.get_own(cx)?;
        if tx.delete_policy_version(&policy, number).await? {
            Ok(pb::DeletePolicyVersionResponse {})
        } else {
            Err(name.no_such())
        }
    }
}

/// Parses the number of a version id. AWS reserves the form `v1.suffix`; no version here has it.
pub(crate) fn number(id: &str) -> Option<u32> {
    let digits = id.strip_prefix('v')?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
