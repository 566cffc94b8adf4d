//! Everything in an account that decides: users, groups, roles and their policies, and managed policies.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{AccountId, Result};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Planned};
use bailiwick_storage::{FoldedName as _, Group, Identity, Noun, Page, Policy, Role, Tx, User};

use crate::address::IdentityRecord as _;
use crate::identities::instance_profile::profiles_of;
use crate::{Directory, trust, view};

/// Returns everything that decides within the account, in pages that span all kinds: users, groups, roles, the
/// account's managed policies, and those of the deployment that are attached to an identity or are a boundary.
impl Handle<op::GetAccountAuthorizationDetails> for Directory {
    /// The kinds to include, all if empty; and the page.
    type Plan = (Vec<String>, PageRequest);

    async fn plan(
        &self,
        cx: &Cx,
        _: &mut Tx,
        req: pb::GetAccountAuthorizationDetailsRequest,
    ) -> Result<Planned<Self::Plan>> {
        let check = Check::without_resource("iam:GetAccountAuthorizationDetails", cx.account());
        Ok(Planned::new((req.filter, PageRequest::new(req.marker, req.max_items))).check(check))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (filter, page): Self::Plan,
    ) -> Result<pb::GetAccountAuthorizationDetailsResponse> {
        let pages = page.open(cx, "GetAccountAuthorizationDetails")?;
        let (first, mut after) = match pages.after().and_then(|after| after.split_once('/')) {
            Some((section, name)) => (section.parse().unwrap_or(0), Some(name.to_owned())),
            None => (0, None),
        };
        let mut answer = pb::GetAccountAuthorizationDetailsResponse::default();
        let (mut left, mut last, mut more) = (pages.limit(), None, false);
        for (rank, section) in SECTIONS.iter().enumerate().skip(first) {
            if !filter.is_empty() && !filter.iter().any(|kind| kind == section.filter) {
                after = None;
                continue;
            }
            // Reads one item even if the page is full, to know whether there is more.
            let page = section.load(cx, tx, after.take().as_deref(), left.max(1)).await?;
            if left == 0 && page.count() > 0 {
                more = true;
                break;
            }
            left -= page.count();
            more = page.has_more();
            if let Some(name) = page.last_name() {
                last = Some(format!("{rank}/{name}"));
            }
            page.add_to(cx, tx, &mut answer).await?;
            if more {
                break;
            }
        }
        let page = pages.answer(Page { items: Vec::<()>::new(), next: last.filter(|_| more) })?;
        (answer.is_truncated, answer.marker) = (page.is_truncated, page.marker);
        Ok(answer)
    }
}

struct Section {
    kind: Kind,
    filter: &'static str,
}

enum Kind {
    Users,
    Groups,
    Roles,
    OwnPolicies,
    SharedPolicies,
}

const SECTIONS: [Section; 5] = [
    Section { kind: Kind::Users, filter: "User" },
    Section { kind: Kind::Groups, filter: "Group" },
    Section { kind: Kind::Roles, filter: "Role" },
    Section { kind: Kind::OwnPolicies, filter: "LocalManagedPolicy" },
    Section { kind: Kind::SharedPolicies, filter: "AWSManagedPolicy" },
];

enum Loaded {
    Users(Page<User>),
    Groups(Page<Group>),
    Roles(Page<Role>),
    Policies(Page<Policy>),
}

impl Section {
    async fn load(&self, cx: &Cx, tx: &Tx, after: Option<&str>, limit: usize) -> Result<Loaded> {
        let account = cx.account();
        Ok(match self.kind {
            Kind::Users => Loaded::Users(tx.list(account, "/", after, limit).await?),
            Kind::Groups => Loaded::Groups(tx.list(account, "/", after, limit).await?),
            Kind::Roles => Loaded::Roles(tx.list(account, "/", after, limit).await?),
            Kind::OwnPolicies => Loaded::Policies(tx.list(account, "/", after, limit).await?),
            Kind::SharedPolicies => Loaded::Policies(used(cx, tx, after, limit).await?),
        })
    }
}

/// The deployment's policies that identities of the account have.
async fn used(cx: &Cx, tx: &Tx, after: Option<&str>, limit: usize) -> Result<Page<Policy>> {
    let mut items = Vec::new();
    for policy in tx.list::<Policy>(AccountId::NONE, "/", after, usize::MAX).await?.items {
        let reference = policy.reference();
        let count = tx.attachment_count(cx.account(), reference).await?;
        if count + tx.boundary_count(cx.account(), reference).await? > 0 {
            items.push(policy);
        }
        if items.len() > limit {
            break;
        }
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|policy| policy.name.folded());
    Ok(Page { items, next })
}

impl Loaded {
    fn count(&self) -> usize {
        match self {
            Loaded::Users(page) => page.items.len(),
            Loaded::Groups(page) => page.items.len(),
            Loaded::Roles(page) => page.items.len(),
            Loaded::Policies(page) => page.items.len(),
        }
    }

    fn has_more(&self) -> bool {
        match self {
            Loaded::Users(page) => page.next.is_some(),
            Loaded::Groups(page) => page.next.is_some(),
            Loaded::Roles(page) => page.next.is_some(),
            Loaded::Policies(page) => page.next.is_some(),
        }
    }

    /// The name after which the list continues.
    fn last_name(&self) -> Option<String> {
        fn last<N: Noun>(page: &Page<N>) -> Option<String> {
            page.items.last().map(|noun| noun.name().folded())
        }
        match self {
            Loaded::Users(page) => last(page),
            Loaded::Groups(page) => last(page),
            Loaded::Roles(page) => last(page),
            Loaded::Policies(page) => last(page),
        }
    }

    async fn add_to(self, cx: &Cx, tx: &mut Tx, answer: &mut pb::GetAccountAuthorizationDetailsResponse) -> Result<()> {
        match self {
            Loaded::Users(page) => {
                for user in &page.items {
                    answer.user_detail_list.push(user_detail(cx, tx, user).await?);
                }
            }
            Loaded::Groups(page) => {
                for group in &page.items {
                    answer.group_detail_list.push(group_detail(cx, tx, group).await?);
                }
            }
            Loaded::Roles(page) => {
                for role in &page.items {
                    answer.role_detail_list.push(role_detail(cx, tx, role).await?);
                }
            }
            Loaded::Policies(page) => {
                for policy in &page.items {
                    answer.policies.push(policy_detail(cx, tx, policy).await?);
                }
            }
        }
        Ok(())
    }
}

async fn user_detail(cx: &Cx, tx: &mut Tx, user: &User) -> Result<pb::UserDetail> {
    let identity = Identity::from(user);
    let groups = tx.list_groups_of(user, None, usize::MAX).await?.items;
    Ok(pb::UserDetail {
        path: Some(user.path.to_string()),
        user_name: Some(user.name.to_string()),
        user_id: Some(user.id.to_string()),
        arn: Some(user.arn(cx.partition()).to_string()),
        create_date: view::date(user.created),
        user_policy_list: inline(tx, &identity).await?,
        group_list: groups.iter().map(|group| group.name.to_string()).collect(),
        attached_managed_policies: attached(cx, tx, &identity).await?,
        permissions_boundary: view::boundary(cx, tx, user.boundary).await?,
        tags: view::tags(&user.tags),
    })
}

async fn group_detail(cx: &Cx, tx: &mut Tx, group: &Group) -> Result<pb::GroupDetail> {
    let identity = Identity::from(group);
    Ok(pb::GroupDetail {
        path: Some(group.path.to_string()),
        group_name: Some(group.name.to_string()),
        group_id: Some(group.id.to_string()),
        arn: Some(group.arn(cx.partition()).to_string()),
        create_date: view::date(group.created),
        group_policy_list: inline(tx, &identity).await?,
        attached_managed_policies: attached(cx, tx, &identity).await?,
    })
}

async fn role_detail(cx: &Cx, tx: &mut Tx, role: &Role) -> Result<pb::RoleDetail> {
    let identity = Identity::from(role);
    Ok(pb::RoleDetail {
        path: Some(role.path.to_string()),
        role_name: Some(role.name.to_string()),
        role_id: Some(role.id.to_string()),
        arn: Some(role.arn(cx.partition()).to_string()),
        create_date: view::date(role.created),
        assume_role_policy_document: Some(trust::shown(cx, tx, role).await?),
        instance_profile_list: profiles_of(cx, tx, role).await?,
        role_policy_list: inline(tx, &identity).await?,
        attached_managed_policies: attached(cx, tx, &identity).await?,
        permissions_boundary: view::boundary(cx, tx, role.boundary).await?,
        tags: view::tags(&role.tags),
        role_last_used: Some(view::role_last_used(cx, tx, role).await?),
    })
}

async fn policy_detail(cx: &Cx, tx: &mut Tx, policy: &Policy) -> Result<pb::ManagedPolicyDetail> {
    let shown = view::policy(cx, tx, policy).await?;
    let versions = tx.list_policy_versions(policy.reference()).await?;
    Ok(pb::ManagedPolicyDetail {
        policy_name: shown.policy_name,
        policy_id: shown.policy_id,
        arn: shown.arn,
        path: shown.path,
        default_version_id: shown.default_version_id,
        attachment_count: shown.attachment_count,
        permissions_boundary_usage_count: shown.permissions_boundary_usage_count,
        is_attachable: shown.is_attachable,
        description: shown.description,
        create_date: shown.create_date,
        update_date: shown.update_date,
        policy_version_list: versions.iter().map(|version| view::version(policy, version)).collect(),
    })
}

async fn inline(tx: &Tx, identity: &Identity) -> Result<Vec<pb::PolicyDetail>> {
    let policies = tx.list_inline_policies(identity, None, usize::MAX).await?;
    Ok(policies.items.iter().map(view::inline).collect())
}

async fn attached(cx: &Cx, tx: &Tx, identity: &Identity) -> Result<Vec<pb::AttachedPolicy>> {
    let policies = tx.list_attached(identity, "/", None, usize::MAX).await?;
    Ok(policies.items.iter().map(|policy| view::attached(cx.partition(), policy)).collect())
}

#[cfg(test)]
mod tests;
