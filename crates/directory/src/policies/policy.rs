//! Managed policies. Their versions are in `policy_version`, lists in `policy_list`, holders in `policy_entities`.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{IdKind, KeyCase, PolicyName, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::{Policy, Tx};

use crate::address::{Target, arn_of_policy};
use crate::document;
use crate::request::{path_or_root, required, tags};
use crate::{Directory, view};

/// Creates a managed policy in the caller's account, with the document as version `v1`.
///
/// # Errors
/// `EntityAlreadyExists`, `LimitExceeded`, `InvalidInput` (tags), `MalformedPolicyDocument`.
impl Handle<op::CreatePolicy> for Directory {
    /// The policy and its document.
    type Plan = (Policy, String);

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::CreatePolicyRequest) -> Result<Planned<Self::Plan>> {
        let policy = Policy {
            account: cx.account(),
            id: cx.new_id(IdKind::Policy),
            name: PolicyName::parse(required(&req.policy_name, "policyName")?)?,
            path: path_or_root(&req.path)?,
            created: cx.date(),
            updated: cx.date(),
            description: req.description.filter(|text| !text.is_empty()),
            tags: tags(KeyCase::Sensitive, &req.tags)?,
            default_version: 1,
            latest_version: 1,
        };
        let document = required(&req.policy_document, "policyDocument")?.to_owned();
        let arn = arn_of_policy(cx.partition(), &policy);
        let check = |action| {
            let check = Check::new(action, &arn).request_tags(&policy.tags);
            check.displayed_as(format!("policy {}", policy.name))
        };
        let (create, tag) = (check("iam:CreatePolicy"), check("iam:TagPolicy"));
        let has_tags = !policy.tags.is_empty();
        Ok(Planned::new((policy, document)).check(create).check_if(has_tags, tag))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (policy, document): Self::Plan) -> Result<pb::CreatePolicyResponse> {
        document::managed(cx.partition().as_str(), &document)?;
        tx.create_policy(&policy, document).await?;
        Ok(pb::CreatePolicyResponse { policy: Some(view::new_policy(cx, tx, &policy).await?) })
    }
}

/// Shows a managed policy, without documents.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput`.
impl Handle<op::GetPolicy> for Directory {
    type Plan = Target<Policy>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetPolicyRequest) -> Result<Planned<Target<Policy>>> {
        Target::plan(cx, tx, &req.policy_arn, "iam:GetPolicy").await
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, policy: Target<Policy>) -> Result<pb::GetPolicyResponse> {
        Ok(pb::GetPolicyResponse { policy: Some(view::policy(cx, tx, &policy.get()?).await?) })
    }
}

/// Deletes a managed policy that is not in use, with its only version.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput`; `DeleteConflict` if it is attached, a boundary, or has further versions.
impl Handle<op::DeletePolicy> for Directory {
    type Plan = Target<Policy>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::DeletePolicyRequest) -> Result<Planned<Target<Policy>>> {
        Target::plan(cx, tx, &req.policy_arn, "iam:DeletePolicy").await
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, policy: Target<Policy>) -> Result<pb::DeletePolicyResponse> {
        tx.delete_policy(&policy.get_own(cx)?).await?;
        Ok(pb::DeletePolicyResponse {})
    }
}

#[cfg(test)]
mod tests;
