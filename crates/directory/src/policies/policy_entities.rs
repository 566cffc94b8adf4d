//! Who holds a managed policy.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::Result;
use bailiwick_operation::{Check, Checked, Cx};
use bailiwick_storage::{HolderFilter, IdentityKind, Policy, Tx, Usage};

use crate::Directory;
use crate::address::Addressed as _;
use crate::pages::Pages;

/// Lists the groups, users and roles of the caller's account that have the policy attached or as their boundary.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput`.
impl Checked<op::ListEntitiesForPolicy> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::ListEntitiesForPolicyRequest) -> Result<Vec<Check>> {
        Ok(vec![Policy::check(cx, tx, &req.policy_arn, "iam:ListEntitiesForPolicy").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::ListEntitiesForPolicyRequest,
    ) -> Result<pb::ListEntitiesForPolicyResponse> {
        let pages = Pages::open(cx, "ListEntitiesForPolicy", &req.marker, req.max_items)?;
        let policy = Policy::get(cx, tx, &req.policy_arn).await?;
        let mut answer = pb::ListEntitiesForPolicyResponse { is_truncated: Some(false), ..Default::default() };
        let kind = match req.entity_filter.as_deref() {
            None => None,
            Some("User") => Some(IdentityKind::User),
            Some("Group") => Some(IdentityKind::Group),
            Some("Role") => Some(IdentityKind::Role),
            // A managed policy holds no other: nothing is of that kind.
            Some(_) => return Ok(answer),
        };
        let usage = match req.policy_usage_filter.as_deref() {
            Some("PermissionsPolicy") => Some(Usage::Attached),
            Some("PermissionsBoundary") => Some(Usage::Boundary),
            _ => None,
        };
        let filter = HolderFilter { kind, usage, path_prefix: req.path_prefix.as_deref().unwrap_or("/") };
        let found = tx.list_holders(cx.account(), policy.reference(), filter, pages.after(), pages.limit()).await?;
        let page = pages.answer(found)?;
        for holder in page.items {
            let (name, id) = (Some(holder.name), Some(holder.id.to_string()));
            match holder.kind {
                IdentityKind::Group => answer.policy_groups.push(pb::PolicyGroup { group_name: name, group_id: id }),
                IdentityKind::User => answer.policy_users.push(pb::PolicyUser { user_name: name, user_id: id }),
                IdentityKind::Role => answer.policy_roles.push(pb::PolicyRole { role_name: name, role_id: id }),
            }
        }
        (answer.is_truncated, answer.marker) = (page.is_truncated, page.marker);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests;
