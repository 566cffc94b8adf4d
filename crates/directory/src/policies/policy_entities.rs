//! The holders of a managed policy.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::Result;
use bailiwick_operation::{Cx, Handle, PathPage, Planned};
use bailiwick_storage::{HolderFilter, IdentityKind, Policy, Tx, Usage};

use crate::Directory;
use crate::address::Target;

/// A page of the holders of a policy.
pub struct Holders {
    policy: Target<Policy>,
    kind: EntityFilter,
    usage: Option<Usage>,
    path: PathPage,
}

/// The kinds of holders to list.
enum EntityFilter {
    All,
    Only(IdentityKind),
    /// A kind that cannot hold a managed policy.
    None,
}

/// Lists the groups, users and roles of the caller's account that have the policy attached or as their boundary.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput`.
impl Handle<op::ListEntitiesForPolicy> for Directory {
    type Plan = Holders;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::ListEntitiesForPolicyRequest) -> Result<Planned<Holders>> {
        let policy = Target::<Policy>::look_up(cx, tx, &req.policy_arn).await?;
        let check = policy.check(cx, "iam:ListEntitiesForPolicy");
        let kind = match req.entity_filter.as_deref() {
            None => EntityFilter::All,
            Some("User") => EntityFilter::Only(IdentityKind::User),
            Some("Group") => EntityFilter::Only(IdentityKind::Group),
            Some("Role") => EntityFilter::Only(IdentityKind::Role),
            Some(_) => EntityFilter::None,
        };
        let usage = match req.policy_usage_filter.as_deref() {
            Some("PermissionsPolicy") => Some(Usage::Attached),
            Some("PermissionsBoundary") => Some(Usage::Boundary),
            _ => None,
        };
        let path = PathPage::new(req.path_prefix, req.marker, req.max_items);
        Ok(Planned::new(Holders { policy, kind, usage, path }).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: Holders) -> Result<pb::ListEntitiesForPolicyResponse> {
        let pages = plan.path.page.open(cx, "ListEntitiesForPolicy")?;
        let policy = plan.policy.get_attachable("Policy")?;
        let mut answer = pb::ListEntitiesForPolicyResponse { is_truncated: Some(false), ..Default::default() };
        let kind = match plan.kind {
            EntityFilter::All => None,
            EntityFilter::Only(kind) => Some(kind),
            EntityFilter::None => return Ok(answer),
        };
        let filter = HolderFilter { kind, usage: plan.usage, path_prefix: &plan.path.prefix };
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
