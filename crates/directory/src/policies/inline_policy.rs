//! Inline policies of users, groups and roles: twelve operations, written once.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{PolicyName, Result};
use bailiwick_operation::{Check, Checked, Cx};
use bailiwick_storage::{Group, InlinePolicy, Role, Tx, User};

use crate::Directory;
use crate::address::{Addressed as _, IdentityRecord, check_bounded};
use crate::pages::{Answer, Pages};
use crate::policies::document;
use crate::request::required;

async fn put<S: IdentityRecord>(
    cx: &Cx,
    tx: &mut Tx,
    identity: &Option<String>,
    policy: &Option<String>,
    document: Option<String>,
) -> Result<()> {
    let identity = S::get(cx, tx, identity).await?;
    identity.modifiable()?;
    let name = PolicyName::parse(required(policy, "policyName")?)?;
    let document = required(&document, "policyDocument")?.to_owned();
    let size = document::inline(cx, &document)?;
    tx.put_inline_policy(&identity.identity(), &InlinePolicy { name, document, size }).await
}

/// The names of identity and policy as they are stored, and the document.
async fn get<S: IdentityRecord>(
    cx: &Cx,
    tx: &mut Tx,
    identity: &Option<String>,
    policy: &Option<String>,
) -> Result<(Option<String>, InlinePolicy)> {
    let identity = S::get(cx, tx, identity).await?;
    let name = PolicyName::parse(required(policy, "policyName")?)?;
    let found = tx.get_inline_policy(&identity.identity(), &name).await?;
    Ok((Some(identity.name().to_string()), found))
}

async fn list<S: IdentityRecord>(
    cx: &Cx,
    tx: &mut Tx,
    identity: &Option<String>,
    pages: &Pages<'_>,
) -> Result<Answer<InlinePolicy>> {
    let identity = S::get(cx, tx, identity).await?;
    pages.answer(tx.list_inline_policies(&identity.identity(), pages.after(), pages.limit()).await?)
}

async fn delete<S: IdentityRecord>(
    cx: &Cx,
    tx: &mut Tx,
    identity: &Option<String>,
    policy: &Option<String>,
) -> Result<()> {
    let identity = S::get(cx, tx, identity).await?;
    identity.modifiable()?;
    let name = PolicyName::parse(required(policy, "policyName")?)?;
    tx.delete_inline_policy(&identity.identity(), &name).await
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
        impl Checked<op::$put> for Directory {
            async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::$put_request) -> Result<Vec<Check>> {
                Ok(vec![check_bounded::<$noun>(cx, tx, &req.$name, concat!("iam:", stringify!($put))).await?])
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::$put_request) -> Result<pb::$put_response> {
                put::<$noun>(cx, tx, &req.$name, &req.policy_name, req.policy_document).await?;
                Ok(pb::$put_response {})
            }
        }

        /// Shows an inline policy.
        ///
        /// # Errors
        /// `NoSuchEntity`.
        impl Checked<op::$get> for Directory {
            async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::$get_request) -> Result<Vec<Check>> {
                Ok(vec![$noun::check(cx, tx, &req.$name, concat!("iam:", stringify!($get))).await?])
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::$get_request) -> Result<pb::$get_response> {
                let (name, policy) = get::<$noun>(cx, tx, &req.$name, &req.policy_name).await?;
                Ok(pb::$get_response {
                    $name: name,
                    policy_name: Some(policy.name.to_string()),
                    policy_document: Some(policy.document),
                })
            }
        }

        /// Lists the names of the inline policies.
        ///
        /// # Errors
        /// `NoSuchEntity`.
        impl Checked<op::$list> for Directory {
            async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::$list_request) -> Result<Vec<Check>> {
                Ok(vec![$noun::check(cx, tx, &req.$name, concat!("iam:", stringify!($list))).await?])
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::$list_request) -> Result<pb::$list_response> {
                let pages = Pages::open(cx, stringify!($list), &req.marker, req.max_items)?;
                let page = list::<$noun>(cx, tx, &req.$name, &pages).await?;
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
        impl Checked<op::$delete> for Directory {
            async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::$delete_request) -> Result<Vec<Check>> {
                Ok(vec![check_bounded::<$noun>(cx, tx, &req.$name, concat!("iam:", stringify!($delete))).await?])
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::$delete_request) -> Result<pb::$delete_response> {
                delete::<$noun>(cx, tx, &req.$name, &req.policy_name).await?;
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
