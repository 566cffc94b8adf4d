//! Managed policies. Their versions are in `policy_version`, lists in `policy_list`, holders in `policy_entities`.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{Arn, IdKind, PolicyName, Result};
use bailiwick_operation::{Check, Checked, Cx};
use bailiwick_storage::{Policy, Tx};

use crate::address::{Addressed as _, own_policy};
use crate::policies::document;
use crate::request::{path_or_root, required, tags};
use crate::{Directory, view};

/// Creates a managed policy in the caller's account, with the document as version `v1`.
///
/// # Errors
/// `EntityAlreadyExists`, `LimitExceeded`, `InvalidInput` (tags), `MalformedPolicyDocument`.
impl Checked<op::CreatePolicy> for Directory {
    async fn checks(&self, cx: &Cx, _: &mut Tx, req: &pb::CreatePolicyRequest) -> Result<Vec<Check>> {
        let (name, path) = (PolicyName::parse(required(&req.policy_name, "policyName")?)?, path_or_root(&req.path)?);
        let arn = Arn::iam(cx.partition(), cx.account(), format_args!("policy{path}{name}"));
        let tags = tags(&req.tags)?;
        let mut checks = vec![Check::new("iam:CreatePolicy", &arn).request_tags(&tags)];
        if !tags.is_empty() {
            checks.push(Check::new("iam:TagPolicy", &arn).request_tags(&tags));
        }
        Ok(checks)
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::CreatePolicyRequest) -> Result<pb::CreatePolicyResponse> {
        let document = required(&req.policy_document, "policyDocument")?;
        document::managed(cx.partition().as_str(), document)?;
        let policy = Policy {
            account: cx.account(),
            id: cx.new_id(IdKind::Policy),
            name: PolicyName::parse(required(&req.policy_name, "policyName")?)?,
            path: path_or_root(&req.path)?,
            created: cx.date(),
            updated: cx.date(),
            description: req.description.clone().filter(|text| !text.is_empty()),
            tags: tags(&req.tags)?,
            default_version: 1,
            latest_version: 1,
        };
        tx.create_policy(&policy, document.to_owned()).await?;
        Ok(pb::CreatePolicyResponse { policy: Some(view::new_policy(cx, tx, &policy).await?) })
    }
}

/// Shows a managed policy, without documents.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput`.
impl Checked<op::GetPolicy> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::GetPolicyRequest) -> Result<Vec<Check>> {
        Ok(vec![Policy::check(cx, tx, &req.policy_arn, "iam:GetPolicy").await?])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::GetPolicyRequest) -> Result<pb::GetPolicyResponse> {
        let policy = Policy::get(cx, tx, &req.policy_arn).await?;
        Ok(pb::GetPolicyResponse { policy: Some(view::policy(cx, tx, &policy).await?) })
    }
}

/// Deletes a managed policy that nobody holds, with its one version.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput`; `DeleteConflict` when it is attached, a boundary, or has further versions.
impl Checked<op::DeletePolicy> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::DeletePolicyRequest) -> Result<Vec<Check>> {
        Ok(vec![Policy::check(cx, tx, &req.policy_arn, "iam:DeletePolicy").await?])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::DeletePolicyRequest) -> Result<pb::DeletePolicyResponse> {
        let policy = own_policy(cx, tx, &req.policy_arn).await?;
        tx.delete_policy(&policy).await?;
        Ok(pb::DeletePolicyResponse {})
    }
}

#[cfg(test)]
mod tests;
