//! Managed policies on users, groups and roles: nine operations, written once.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Checked, Cx};
use bailiwick_storage::{Group, Policy, Role, Tx, User};

use crate::address::{Addressed as _, IdentityRecord, PolicyArn, check_bounded, no_such_policy};
use crate::pages::{Answer, Pages};
use crate::request::required;
use crate::{Directory, view};

async fn checks<S: IdentityRecord>(
    cx: &Cx,
    tx: &mut Tx,
    identity: &Option<String>,
    policy: &Option<String>,
    action: &'static str,
) -> Result<Vec<Check>> {
    let policy = PolicyArn::parse_attached(cx, required(policy, "policyArn")?)?;
    Ok(vec![check_bounded::<S>(cx, tx, identity, action).await?.policy_arn(policy.arn.as_str())])
}

async fn attach<S: IdentityRecord>(
    cx: &Cx,
    tx: &mut Tx,
    identity: &Option<String>,
    policy: &Option<String>,
) -> Result<()> {
    let identity = S::get(cx, tx, identity).await?;
    identity.modifiable()?;
    let policy = PolicyArn::parse_attached(cx, required(policy, "policyArn")?)?.attachable(cx, tx, "Policy").await?;
    tx.attach_policy(&identity.identity(), &policy).await
}

async fn detach<S: IdentityRecord>(
    cx: &Cx,
    tx: &mut Tx,
    identity: &Option<String>,
    policy: &Option<String>,
) -> Result<()> {
    let identity = S::get(cx, tx, identity).await?;
    identity.modifiable()?;
    let named = PolicyArn::parse_attached(cx, required(policy, "policyArn")?)?;
    let Some(policy) = named.find(cx, tx).await? else { return Err(no_such_policy(&named.arn)) };
    if tx.detach_policy(&identity.identity(), policy.reference()).await? {
        Ok(())
    } else {
        // It is there; what is missing is the attachment.
        Err(IamError::new(ErrorCode::NoSuchEntity, format!("Policy {} was not found.", named.arn)))
    }
}

async fn list<S: IdentityRecord>(
    cx: &Cx,
    tx: &mut Tx,
    identity: &Option<String>,
    path_prefix: Option<&str>,
    pages: &Pages<'_>,
) -> Result<Answer<Policy>> {
    let identity = S::get(cx, tx, identity).await?;
    let prefix = path_prefix.unwrap_or("/");
    pages.answer(tx.list_attached(&identity.identity(), prefix, pages.after(), pages.limit()).await?)
}

macro_rules! attachments {
    ($($noun:ident $name:ident: $attach:ident $attach_request:ident $attach_response:ident,
       $detach:ident $detach_request:ident $detach_response:ident,
       $list:ident $list_request:ident $list_response:ident;)*) => {$(
        /// Attaches a managed policy; one that is attached stays so.
        ///
        /// # Errors
        /// `NoSuchEntity` for either, `LimitExceeded`, `InvalidInput`, `UnmodifiableEntity`.
        impl Checked<op::$attach> for Directory {
            async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::$attach_request) -> Result<Vec<Check>> {
                checks::<$noun>(cx, tx, &req.$name, &req.policy_arn, concat!("iam:", stringify!($attach))).await
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::$attach_request) -> Result<pb::$attach_response> {
                attach::<$noun>(cx, tx, &req.$name, &req.policy_arn).await?;
                Ok(pb::$attach_response {})
            }
        }

        /// Detaches a managed policy.
        ///
        /// # Errors
        /// `NoSuchEntity` for either, or when it is not attached; `InvalidInput`, `UnmodifiableEntity`.
        impl Checked<op::$detach> for Directory {
            async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::$detach_request) -> Result<Vec<Check>> {
                checks::<$noun>(cx, tx, &req.$name, &req.policy_arn, concat!("iam:", stringify!($detach))).await
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::$detach_request) -> Result<pb::$detach_response> {
                detach::<$noun>(cx, tx, &req.$name, &req.policy_arn).await?;
                Ok(pb::$detach_response {})
            }
        }

        /// Lists the managed policies attached, by name.
        ///
        /// # Errors
        /// `NoSuchEntity`.
        impl Checked<op::$list> for Directory {
            async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::$list_request) -> Result<Vec<Check>> {
                Ok(vec![$noun::check(cx, tx, &req.$name, concat!("iam:", stringify!($list))).await?])
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::$list_request) -> Result<pb::$list_response> {
                let pages = Pages::open(cx, stringify!($list), &req.marker, req.max_items)?;
                let page = list::<$noun>(cx, tx, &req.$name, req.path_prefix.as_deref(), &pages).await?;
                Ok(pb::$list_response {
                    attached_policies: page.items.iter().map(|policy| view::attached(cx.partition(), policy)).collect(),
                    is_truncated: page.is_truncated,
                    marker: page.marker,
                })
            }
        }
    )*};
}

attachments! {
    User user_name: AttachUserPolicy AttachUserPolicyRequest AttachUserPolicyResponse,
        DetachUserPolicy DetachUserPolicyRequest DetachUserPolicyResponse,
        ListAttachedUserPolicies ListAttachedUserPoliciesRequest ListAttachedUserPoliciesResponse;
    Group group_name: AttachGroupPolicy AttachGroupPolicyRequest AttachGroupPolicyResponse,
        DetachGroupPolicy DetachGroupPolicyRequest DetachGroupPolicyResponse,
        ListAttachedGroupPolicies ListAttachedGroupPoliciesRequest ListAttachedGroupPoliciesResponse;
    Role role_name: AttachRolePolicy AttachRolePolicyRequest AttachRolePolicyResponse,
        DetachRolePolicy DetachRolePolicyRequest DetachRolePolicyResponse,
        ListAttachedRolePolicies ListAttachedRolePoliciesRequest ListAttachedRolePoliciesResponse;
}

#[cfg(test)]
mod tests;
