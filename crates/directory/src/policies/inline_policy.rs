//! Inline policies of users, groups and roles: twelve operations, generic over the noun.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{PolicyName, Result};
use bailiwick_operation::{Cx, Handle, ListPage, PageRequest, Planned};
use bailiwick_storage::{Group, InlinePolicy, Role, Tx, User};

use crate::Directory;
use crate::address::{IdentityRecord, Target};
use crate::document;
use crate::request::required;

/// An identity and the document to store under a policy name.
pub struct Put<I: IdentityRecord> {
    identity: Target<I>,
    name: PolicyName,
    document: String,
}

impl<I: IdentityRecord> Put<I> {
    async fn carry_out(self, cx: &Cx, tx: &mut Tx) -> Result<()> {
        let identity = self.identity.get_modifiable()?.identity();
        let size = document::inline(cx, &self.document)?;
        tx.put_inline_policy(&identity, &InlinePolicy { name: self.name, document: self.document, size }).await
    }
}

/// The stored names of identity and policy, and the document.
async fn get<I: IdentityRecord>(
    tx: &mut Tx,
    identity: Target<I>,
    name: &PolicyName,
) -> Result<(Option<String>, InlinePolicy)> {
    let identity = identity.get()?;
    let found = tx.get_inline_policy(&identity.identity(), name).await?;
    Ok((Some(identity.name().to_string()), found))
}

async fn list<I: IdentityRecord>(
    cx: &Cx,
    tx: &mut Tx,
    operation: &'static str,
    identity: Target<I>,
    page: PageRequest,
) -> Result<ListPage<InlinePolicy>> {
    let pages = page.open(cx, operation)?;
    let identity = identity.get()?.identity();
    pages.answer(tx.list_inline_policies(&identity, pages.after(), pages.limit()).await?)
}

async fn delete<I: IdentityRecord>(tx: &mut Tx, identity: Target<I>, name: &PolicyName) -> Result<()> {
    tx.delete_inline_policy(&identity.get_modifiable()?.identity(), name).await
}

fn policy_name(member: &Option<String>) -> Result<PolicyName> {
    Ok(PolicyName::parse(required(member, "policyName")?)?)
}

macro_rules! inline_policies {
    ($($noun:ident $name:ident: $put:ident $put_request:ident $put_response:ident,
       $get:ident $get_request:ident $get_response:ident,
       $list:ident $list_request:ident $list_response:ident,
       $delete:ident $delete_request:ident $delete_response:ident;)*) => {$(
        /// Adds an inline policy, or replaces the one of that name.
        ///
        /// # Errors
        /// `NoSuchEntity`, `MalformedPolicyDocument`, `LimitExceeded`, `UnmodifiableEntity`.
        impl Handle<op::$put> for Directory {
            type Plan = Put<$noun>;

            async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::$put_request) -> Result<Planned<Self::Plan>> {
                let name = policy_name(&req.policy_name)?;
                let document = required(&req.policy_document, "policyDocument")?.to_owned();
                let identity = Target::<$noun>::look_up(cx, tx, &req.$name).await?;
                let check = identity.check_with_boundary(cx, tx, concat!("iam:", stringify!($put))).await?;
                Ok(Planned::new(Put { identity, name, document }).check(check))
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: Self::Plan) -> Result<pb::$put_response> {
                plan.carry_out(cx, tx).await?;
                Ok(pb::$put_response {})
            }
        }

        /// Shows an inline policy.
        ///
        /// # Errors
        /// `NoSuchEntity`.
        impl Handle<op::$get> for Directory {
            type Plan = (Target<$noun>, PolicyName);

            async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::$get_request) -> Result<Planned<Self::Plan>> {
                let name = policy_name(&req.policy_name)?;
                Ok(Target::plan(cx, tx, &req.$name, concat!("iam:", stringify!($get))).await?.with(name))
            }

            async fn handle(&self, _: &Cx, tx: &mut Tx, (identity, name): Self::Plan) -> Result<pb::$get_response> {
                let (identity_name, policy) = get(tx, identity, &name).await?;
                Ok(pb::$get_response {
                    $name: identity_name,
                    policy_name: Some(policy.name.to_string()),
                    policy_document: Some(policy.document),
                })
            }
        }

        /// Lists the names of the inline policies.
        ///
        /// # Errors
        /// `NoSuchEntity`.
        impl Handle<op::$list> for Directory {
            type Plan = (Target<$noun>, PageRequest);

            async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::$list_request) -> Result<Planned<Self::Plan>> {
                let planned = Target::plan(cx, tx, &req.$name, concat!("iam:", stringify!($list))).await?;
                Ok(planned.with(PageRequest::new(req.marker, req.max_items)))
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, (identity, page): Self::Plan) -> Result<pb::$list_response> {
                let page = list(cx, tx, stringify!($list), identity, page).await?;
                Ok(pb::$list_response {
                    policy_names: page.items.iter().map(|policy| policy.name.to_string()).collect(),
                    is_truncated: page.is_truncated,
                    marker: page.marker,
                })
            }
        }

        /// Deletes an inline policy.
        ///
        /// # Errors
        /// `NoSuchEntity`, `UnmodifiableEntity`.
        impl Handle<op::$delete> for Directory {
            type Plan = (Target<$noun>, PolicyName);

            async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::$delete_request) -> Result<Planned<Self::Plan>> {
                let name = policy_name(&req.policy_name)?;
                let action = concat!("iam:", stringify!($delete));
                Ok(Target::plan_with_boundary(cx, tx, &req.$name, action).await?.with(name))
            }

            async fn handle(&self, _: &Cx, tx: &mut Tx, (identity, name): Self::Plan) -> Result<pb::$delete_response> {
                delete(tx, identity, &name).await?;
                Ok(pb::$delete_response {})
            }
        }
    )*};
}

inline_policies! {
    User user_name: PutUserPolicy PutUserPolicyRequest PutUserPolicyResponse,
        GetUserPolicy GetUserPolicyRequest GetUserPolicyResponse,
        ListUserPolicies ListUserPoliciesRequest ListUserPoliciesResponse,
        DeleteUserPolicy DeleteUserPolicyRequest DeleteUserPolicyResponse;
    Group group_name: PutGroupPolicy PutGroupPolicyRequest PutGroupPolicyResponse,
        GetGroupPolicy GetGroupPolicyRequest GetGroupPolicyResponse,
        ListGroupPolicies ListGroupPoliciesRequest ListGroupPoliciesResponse,
        DeleteGroupPolicy DeleteGroupPolicyRequest DeleteGroupPolicyResponse;
    Role role_name: PutRolePolicy PutRolePolicyRequest PutRolePolicyResponse,
        GetRolePolicy GetRolePolicyRequest GetRolePolicyResponse,
        ListRolePolicies ListRolePoliciesRequest ListRolePoliciesResponse,
        DeleteRolePolicy DeleteRolePolicyRequest DeleteRolePolicyResponse;
}

#[cfg(test)]
mod tests;
