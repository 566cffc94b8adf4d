//! Findings about users: passwords, MFA, access keys, and policies of their own.

use bailiwick_api::account::{Finding, FindingKind, FindingSeverity};
use bailiwick_model::Result;
use bailiwick_operation::Cx;
use bailiwick_storage::{AccessKey, CredentialRules, Identity, KeyOwner, Tx, User};

use super::criteria::{Criteria, about, ends, finding};
use super::policies;
use crate::address::IdentityRecord as _;
use crate::credentials::lifecycle::{end_of_key, end_of_password};

pub(super) async fn examine(cx: &Cx, tx: &mut Tx, criteria: &Criteria, user: &User) -> Result<Vec<Finding>> {
    let arn = user.arn(cx.partition()).to_string();
    let mut findings = password(tx, criteria, user, &arn).await?;
    let rules = tx.account_setting::<CredentialRules>(user.account).await?;
    if let Some(rules) = &rules
        && let Some(profile) = tx.find_login_profile(user.account, &user.id).await?
    {
        findings.extend(ends(cx, rules, end_of_password(rules, user, &profile), &arn, None));
    }
    let owner = KeyOwner::User(user.id);
    for key in tx.list_access_keys(user.account, &owner, None, usize::MAX).await?.items {
        if key.active {
            access_key(cx, tx, criteria, &key, &arn, &mut findings).await?;
            if let Some(rules) = &rules {
                let end = end_of_key(cx.deployment(), tx, rules, &key, Some(user)).await?;
                findings.extend(ends(cx, rules, end, &arn, Some(key.id.as_str())));
            }
        }
    }
    let identity = Identity::from(user);
    let attached = tx.list_attached(&identity, "/", None, usize::MAX).await?.items;
    let inline = tx.list_inline_policies(&identity, None, usize::MAX).await?.items;
    let names = attached.iter().map(|policy| &policy.name).chain(inline.iter().map(|policy| &policy.name));
    for name in names {
        let text = format!("The policy {name} is the user's own.");
        let advice = "Give the policy to a group or role, and put the user into the group.";
        let found = finding(FindingKind::DirectPolicy, FindingSeverity::Low, &arn, text, advice);
        findings.push(about(found, Some(name.as_str()), None));
    }
    findings.extend(policies::administrators(cx, tx, &identity, &arn).await?);
    Ok(findings)
}

/// A password without a second factor, and one that is not used.
async fn password(tx: &mut Tx, criteria: &Criteria, user: &User, arn: &str) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let Some(profile) = tx.find_login_profile(user.account, &user.id).await? else { return Ok(findings) };
    if tx.mfa_device_count_of(user.account, &KeyOwner::User(user.id)).await? == 0 {
        findings.push(finding(
            FindingKind::UserWithoutMfa,
            FindingSeverity::High,
            arn,
            "The user has a password and no MFA device.",
            "Let the user enable a passkey or a virtual MFA device, or delete the login profile.",
        ));
    }
    let last = user.password_last_used.map_or(profile.changed, |used| used.max(profile.changed));
    if criteria.is_unused(last) {
        let text = format!("The password was not used for {} days or more.", criteria.unused_days);
        let advice = "Delete the login profile if the user does not need it.";
        let found = finding(FindingKind::UnusedPassword, FindingSeverity::Medium, arn, text, advice);
        findings.push(about(found, None, Some(last)));
    }
    Ok(findings)
}

/// An access key that is old, and one that is not used.
async fn access_key(
    cx: &Cx,
    tx: &Tx,
    criteria: &Criteria,
    key: &AccessKey,
    arn: &str,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let id = key.id.as_str();
    if criteria.is_old(key.created) {
        let text = format!("The access key {id} is {} days old or older.", criteria.key_age_days);
        let advice = "Create another access key, use it, then deactivate and delete this one.";
        let found = finding(FindingKind::OldAccessKey, FindingSeverity::Medium, arn, text, advice);
        findings.push(about(found, Some(id), Some(key.created)));
    }
    // A use may not be in the store yet.
    let used = match cx.deployment().recent_uses.of_key(&key.id) {
        Some(recent) => Some(recent),
        None => tx.access_key_last_used(key.account, &key.id).await?,
    };
    let last = used.map_or(key.created, |used| used.time);
    if criteria.is_unused(last) {
        let text = format!("The access key {id} was not used for {} days or more.", criteria.unused_days);
        let advice = "Deactivate the access key, and delete it when nothing misses it.";
        let found = finding(FindingKind::UnusedAccessKey, FindingSeverity::Medium, arn, text, advice);
        findings.push(about(found, Some(id), Some(last)));
    }
    Ok(())
}
