//! What responses show of stored objects. As in AWS, lists show less than the operation that gets one object.

use bailiwick_api::iam as pb;
use bailiwick_model::{Arn, Partition, Result, Tags};
use bailiwick_operation::{Cx, Principal};
use bailiwick_storage::{Group, InlinePolicy, Policy, PolicyRef, PolicyVersion, Role, RootPassword, Tx, User};
use jiff::Timestamp;
use prost_types::Timestamp as Date;

use crate::address::{IdentityRecord as _, arn_of_policy, policy_arn};
use crate::trust;

/// A date, in whole seconds.
pub(crate) fn date(time: Timestamp) -> Option<Date> {
    Some(Date { seconds: time.as_second(), nanos: 0 })
}

/// Tags in the order of their keys.
pub(crate) fn tags(tags: &Tags) -> Vec<pb::Tag> {
    tags.iter().map(|tag| pb::Tag { key: Some(tag.key.clone()), value: Some(tag.value.clone()) }).collect()
}

/// A user as lists show it.
pub(crate) fn user_summary(partition: Partition, user: &User) -> pb::User {
    pb::User {
        path: Some(user.path.to_string()),
        user_name: Some(user.name.to_string()),
        user_id: Some(user.id.to_string()),
        arn: Some(user.arn(partition).to_string()),
        create_date: date(user.created),
        password_last_used: user.password_last_used.and_then(date),
        permissions_boundary: None,
        tags: Vec::new(),
    }
}

/// A user as GetUser shows it.
pub(crate) async fn user(cx: &Cx, tx: &mut Tx, user: &User) -> Result<pb::User> {
    Ok(pb::User {
        permissions_boundary: boundary(cx, tx, user.boundary).await?,
        tags: tags(&user.tags),
        ..user_summary(cx.partition(), user)
    })
}

/// Root, as responses show it: without name and path, with the account's id as its unique id.
pub(crate) async fn root(cx: &Cx, tx: &mut Tx) -> Result<pb::User> {
    let account = cx.account();
    let arn = Principal::Root { account }.arn(cx.partition());
    let created = tx.find_account(account).await?.and_then(|account| date(account.created));
    let password = tx.account_setting::<RootPassword>(account).await?;
    Ok(pb::User {
        user_id: Some(account.to_string()),
        arn: Some(Arn::to_string(&arn)),
        create_date: created,
        password_last_used: password.and_then(|password| password.last_used).and_then(date),
        ..pb::User::default()
    })
}

/// A group.
pub(crate) fn group(partition: Partition, group: &Group) -> pb::Group {
    pb::Group {
        path: Some(group.path.to_string()),
        group_name: Some(group.name.to_string()),
        group_id: Some(group.id.to_string()),
        arn: Some(group.arn(partition).to_string()),
        create_date: date(group.created),
    }
}

/// What every response shows of a role, and all that an instance profile shows of it.
pub(crate) async fn role_base(cx: &Cx, tx: &mut Tx, role: &Role) -> Result<pb::Role> {
    Ok(pb::Role {
        path: Some(role.path.to_string()),
        role_name: Some(role.name.to_string()),
        role_id: Some(role.id.to_string()),
        arn: Some(role.arn(cx.partition()).to_string()),
        create_date: date(role.created),
        assume_role_policy_document: Some(trust::shown(cx, tx, role).await?),
        ..pb::Role::default()
    })
}

/// A role as CreateRole shows it.
pub(crate) async fn new_role(cx: &Cx, tx: &mut Tx, role: &Role) -> Result<pb::Role> {
    Ok(pb::Role {
        permissions_boundary: boundary(cx, tx, role.boundary).await?,
        tags: tags(&role.tags),
        ..role_base(cx, tx, role).await?
    })
}

/// A role as UpdateRoleDescription shows it.
pub(crate) async fn described_role(cx: &Cx, tx: &mut Tx, role: &Role) -> Result<pb::Role> {
    Ok(pb::Role { description: role.description.clone(), ..role_base(cx, tx, role).await? })
}

/// A role as lists show it.
pub(crate) async fn role_summary(cx: &Cx, tx: &mut Tx, role: &Role) -> Result<pb::Role> {
    let max_session_duration = i32::try_from(role.max_session_seconds).ok();
    let max_signin_session_duration = role.max_signin_session_seconds.and_then(|seconds| i32::try_from(seconds).ok());
    let described = described_role(cx, tx, role).await?;
    Ok(pb::Role { max_session_duration, max_signin_session_duration, ..described })
}

/// A role as GetRole shows it.
pub(crate) async fn role(cx: &Cx, tx: &mut Tx, role: &Role) -> Result<pb::Role> {
    Ok(pb::Role {
        permissions_boundary: boundary(cx, tx, role.boundary).await?,
        tags: tags(&role.tags),
        role_last_used: Some(role_last_used(cx, tx, role).await?),
        ..role_summary(cx, tx, role).await?
    })
}

/// When a role was last used; empty if it was not.
pub(crate) async fn role_last_used(cx: &Cx, tx: &Tx, role: &Role) -> Result<pb::RoleLastUsed> {
    let used = match cx.deployment().recent_uses.of_role(&role.id) {
        Some(recent) => Some(recent),
        None => tx.role_last_used(role).await?,
    };
    Ok(match used {
        Some(used) => pb::RoleLastUsed { last_used_date: date(used.time), region: Some(used.region) },
        None => pb::RoleLastUsed::default(),
    })
}

/// A permissions boundary.
pub(crate) async fn boundary(
    cx: &Cx,
    tx: &mut Tx,
    policy: Option<PolicyRef>,
) -> Result<Option<pb::AttachedPermissionsBoundary>> {
    let Some(policy) = policy else { return Ok(None) };
    Ok(policy_arn(cx, tx, policy).await?.map(|arn| pb::AttachedPermissionsBoundary {
        permissions_boundary_type: Some("Policy".into()),
        permissions_boundary_arn: Some(arn.to_string()),
    }))
}

/// A managed policy as lists show it. Counts are those of the caller's account.
pub(crate) async fn policy_summary(cx: &Cx, tx: &Tx, policy: &Policy) -> Result<pb::Policy> {
    Ok(pb::Policy {
        policy_name: Some(policy.name.to_string()),
        policy_id: Some(policy.id.to_string()),
        arn: Some(arn_of_policy(cx.partition(), policy).to_string()),
        path: Some(policy.path.to_string()),
        default_version_id: Some(version_id(policy.default_version)),
        attachment_count: Some(count(tx.attachment_count(cx.account(), policy.reference()).await?)),
        permissions_boundary_usage_count: Some(count(tx.boundary_count(cx.account(), policy.reference()).await?)),
        is_attachable: Some(true),
        description: None,
        create_date: date(policy.created),
        update_date: date(policy.updated),
        tags: Vec::new(),
    })
}

/// A managed policy as CreatePolicy shows it.
pub(crate) async fn new_policy(cx: &Cx, tx: &Tx, policy: &Policy) -> Result<pb::Policy> {
    Ok(pb::Policy { tags: tags(&policy.tags), ..policy_summary(cx, tx, policy).await? })
}

/// A managed policy as GetPolicy shows it.
pub(crate) async fn policy(cx: &Cx, tx: &Tx, policy: &Policy) -> Result<pb::Policy> {
    Ok(pb::Policy { description: policy.description.clone(), ..new_policy(cx, tx, policy).await? })
}

/// A version of a managed policy, without its document.
pub(crate) fn version_summary(policy: &Policy, version: &PolicyVersion) -> pb::PolicyVersion {
    pb::PolicyVersion {
        document: None,
        version_id: Some(version_id(version.version)),
        is_default_version: Some(version.version == policy.default_version),
        create_date: date(version.created),
    }
}

/// A version of a managed policy.
pub(crate) fn version(policy: &Policy, version: &PolicyVersion) -> pb::PolicyVersion {
    pb::PolicyVersion { document: Some(version.document.clone()), ..version_summary(policy, version) }
}

/// The id of a version: `v1`.
pub(crate) fn version_id(version: u32) -> String {
    format!("v{version}")
}

/// A managed policy in the list of an identity.
pub(crate) fn attached(partition: Partition, policy: &Policy) -> pb::AttachedPolicy {
    pb::AttachedPolicy {
        policy_name: Some(policy.name.to_string()),
        policy_arn: Some(arn_of_policy(partition, policy).to_string()),
    }
}

/// An inline policy with its document.
pub(crate) fn inline(policy: &InlinePolicy) -> pb::PolicyDetail {
    pb::PolicyDetail { policy_name: Some(policy.name.to_string()), policy_document: Some(policy.document.clone()) }
}

/// A count as responses carry it.
pub(crate) fn count(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
