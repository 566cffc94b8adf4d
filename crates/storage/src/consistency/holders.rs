//! What memberships and attachments belong to, which the name of their identity determines.

use bailiwick_model::{AccountId, PolicyRef, UniqueId};
use bytes::Bytes;

use super::{
    key_parts::{id_of, identity_record, invalid},
    row::Links,
};
use crate::{
    Group, Role, Usage, User,
    attachment::holder_key,
    codec::{Record as _, id_value},
    error::StoreError,
    identity::Identity,
    keys::{self, CounterKind},
    lifecycle::IdentityNoun as _,
    reference::IdentityKind,
    store::View,
};

pub(super) async fn membership(view: &dyn View, account: AccountId, rest: &[u8]) -> Result<Links, StoreError> {
    let (user, rest) = id_of(rest)?;
    let (group, _) = id_of(rest)?;
    let owner = keys::identity(account, IdentityKind::User, &user);
    let links = Links::at(keys::user_group(account, &user, &group))
        .refers(keys::identity(account, IdentityKind::Group, &group))
        .counted(account, CounterKind::GroupsOfUser, user.as_bytes())
        .counted(account, CounterKind::Members, group.as_bytes());
    Ok(match identity(view, account, &user).await? {
        Some(identity) => {
            links.index(keys::group_member(account, &group, &identity.folded_name()), id_value(&user)).refers(owner)
        }
        None => Links { has_unknown_indexes: true, ..links.refers(owner) },
    })
}

pub(super) async fn attachment(view: &dyn View, account: AccountId, rest: &[u8]) -> Result<Links, StoreError> {
    let (id, rest) = id_of(rest)?;
    let (policy, _) = keys::take_policy(rest).ok_or_else(invalid)?;
    let mut links = Links::at(keys::attachment(account, &id, policy))
        .refers(identity_record(account, &id)?)
        .refers(keys::policy(policy))
        .counted(account, CounterKind::Attached, id.as_bytes());
    links.counters.push(keys::policy_counter(account, CounterKind::Attachments, policy));
    Ok(match identity(view, account, &id).await? {
        Some(identity) => links.index(holder_key(&identity, policy, Usage::Attached), id_value(&id)),
        None => Links { has_unknown_indexes: true, ..links },
    })
}

/// The record that the row of a policy's holder belongs to.
pub(super) fn held(account: AccountId, rest: &[u8], holder: Option<UniqueId>) -> Result<Option<Bytes>, StoreError> {
    let (policy, rest): (PolicyRef, _) = keys::take_policy(rest).ok_or_else(invalid)?;
    let Some(holder) = holder else { return Ok(None) };
    match rest.first() {
        Some(usage) if *usage == Usage::Attached as u8 => Ok(Some(keys::attachment(account, &holder, policy))),
        Some(usage) if *usage == Usage::Boundary as u8 => identity_record(account, &holder).map(Some),
        _ => Err(invalid()),
    }
}

/// The identity with this id; none if it does not exist or cannot be read, which are faults of their own.
async fn identity(view: &dyn View, account: AccountId, id: &UniqueId) -> Result<Option<Identity>, StoreError> {
    let Some(kind) = IdentityKind::of(id) else { return Ok(None) };
    let found = match view.get(&keys::identity(account, kind, id)).await {
        Err(StoreError::Damaged { .. }) => None,
        found => found?,
    };
    let Some(found) = found else { return Ok(None) };
    Ok(match kind {
        IdentityKind::Group => Group::decode(&found.value).ok().map(|group| group.identity()),
        IdentityKind::User => User::decode(&found.value).ok().map(|user| user.identity()),
        IdentityKind::Role => Role::decode(&found.value).ok().map(|role| role.identity()),
    })
}
