//! Attachments of managed policies to users, groups and roles: nine operations, generic over the noun.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Cx, Handle, ListPage, PathPage, Planned};
use bailiwick_storage::{Group, Policy, Role, Tx, User};

use crate::address::{IdentityRecord, PolicyArn, Target};
use crate::request::required;
use crate::{Directory, view};

/// Looks up an identity and a policy, and names the check of attaching or detaching on the identity.
async fn plan<I: IdentityRecord>(
    cx: &Cx,
    tx: &mut Tx,
    identity: &Option<String>,
    policy: &Option<String>,
    action: &'static str,
) -> Result<Planned<(Target<I>, Target<Policy>)>> {
    let policy = PolicyArn::parse_attached(cx, required(policy, "policyArn")?)?;
    let identity = Target::<I>::look_up(cx, tx, identity).await?;
    let check = identity.check_with_boundary(cx, tx, action).await?.policy_arn(policy.as_str());
    Ok(Planned::new((identity, Target::at(cx, tx, policy).await?)).check(check))
}

async fn attach<I: IdentityRecord>(tx: &mut Tx, identity: Target<I>, policy: Target<Policy>) -> Result<()> {
    let identity = identity.get_modifiable()?;
    let policy = policy.get_attachable("Policy")?;
    tx.attach_policy(&identity.identity(), &policy).await
}

async fn detach<I: IdentityRecord>(tx: &mut Tx, identity: Target<I>, policy: Target<Policy>) -> Result<()> {
    let identity = identity.get_modifiable()?;
    let arn = policy.arn().clone();
    let policy = policy.get()?;
    if tx.detach_policy(&identity.identity(), policy.reference()).await? {
        Ok(())
    } else {
        // The policy exists; the attachment is missing.
        Err(IamError::new(ErrorCode::NoSuchEntity, format!("Policy {arn} was not found.")))
    }
}

async fn list<I: IdentityRecord>(
    cx: &Cx,
    tx: &mut Tx,
    operation: &'static str,
    identity: Target<I>,
    path: PathPage,
) -> Result<ListPage<Policy>> {
    let pages = path.page.open(cx, operation)?;
    let identity = identity.get()?.identity();
    pages.answer(tx.list_attached(&identity, &path.prefix, pages.after(), pages.limit()).await?)
}

macro_rules! attachments {
    ($($noun:ident $name:ident: $attach:ident $attach_request:ident $attach_response:ident,
       $detach:ident $detach_request:ident $detach_response:ident,
       $list:ident $list_request:ident $list_response:ident;)*) => {$(
        /// Attaches a managed policy. Has no effect if it is attached already.
        ///
        /// # Errors
        /// `NoSuchEntity` for either, `LimitExceeded`, `InvalidInput`, `UnmodifiableEntity`.
        impl Handle<op::$attach> for Directory {
            type Plan = (Target<$noun>, Target<Policy>);

            async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::$attach_request) -> Result<Planned<Self::Plan>> {
                plan(cx, tx, &req.$name, &req.policy_arn, concat!("iam:", stringify!($attach))).await
            }

            async fn handle(&self, _: &Cx, tx: &mut Tx, plan: Self::Plan) -> Result<pb::$attach_response> {
                attach(tx, plan.0, plan.1).await?;
                Ok(pb::$attach_response {})
            }
        }

        /// Detaches a managed policy.
        ///
        /// # Errors
        /// `NoSuchEntity` for either, or if it is not attached; `InvalidInput`, `UnmodifiableEntity`.
        impl Handle<op::$detach> for Directory {
            type Plan = (Target<$noun>, Target<Policy>);

            async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::$detach_request) -> Result<Planned<Self::Plan>> {
                plan(cx, tx, &req.$name, &req.policy_arn, concat!("iam:", stringify!($detach))).await
            }

            async fn handle(&self, _: &Cx, tx: &mut Tx, plan: Self::Plan) -> Result<pb::$detach_response> {
                detach(tx, plan.0, plan.1).await?;
                Ok(pb::$detach_response {})
            }
        }

        /// Lists the attached managed policies by name.
        ///
        /// # Errors
        /// `NoSuchEntity`.
        impl Handle<op::$list> for Directory {
            type Plan = (Target<$noun>, PathPage);

            async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::$list_request) -> Result<Planned<Self::Plan>> {
                let planned = Target::plan(cx, tx, &req.$name, concat!("iam:", stringify!($list))).await?;
                Ok(planned.with(PathPage::new(req.path_prefix, req.marker, req.max_items)))
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: Self::Plan) -> Result<pb::$list_response> {
                let page = list(cx, tx, stringify!($list), plan.0, plan.1).await?;
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
