//! Findings about root and about the account as a whole.

use bailiwick_api::account::{Finding, FindingKind, FindingSeverity};
use bailiwick_model::Result;
use bailiwick_operation::{Cx, Principal};
use bailiwick_storage::{CredentialRules, KeyOwner, PasswordPolicy, RootPassword, Tx};

use super::criteria::{about, ends, finding};
use crate::credentials::lifecycle::end_of_key;

pub(super) async fn examine(cx: &Cx, tx: &mut Tx) -> Result<Vec<Finding>> {
    let account = cx.account();
    let root = Principal::Root { account }.arn(cx.partition()).to_string();
    let mut findings = Vec::new();
    let has_password = tx.account_setting::<RootPassword>(account).await?.is_some();
    let keys = tx.list_access_keys(account, &KeyOwner::Root, None, usize::MAX).await?.items;
    let active: Vec<_> = keys.into_iter().filter(|key| key.active).collect();
    let has_mfa = tx.mfa_device_count_of(account, &KeyOwner::Root).await? > 0;
    if (has_password || !active.is_empty()) && !has_mfa {
        findings.push(finding(
            FindingKind::RootWithoutMfa,
            FindingSeverity::Critical,
            &root,
            "Root has credentials and no MFA device.",
            "Enable an MFA device for root, or delete root's credentials.",
        ));
    }
    let rules = tx.account_setting::<CredentialRules>(account).await?;
    for key in active {
        let text = format!("Root's access key {} is active.", key.id.as_str());
        let advice = "Use a user or role with the permissions of the task, then delete the access key of root.";
        let found = finding(FindingKind::RootAccessKey, FindingSeverity::High, &root, text, advice);
        findings.push(about(found, Some(key.id.as_str()), Some(key.created)));
        if let Some(rules) = &rules {
            let end = end_of_key(cx.deployment(), tx, rules, &key, None).await?;
            findings.extend(ends(cx, rules, end, &root, Some(key.id.as_str())));
        }
    }
    if tx.account_setting::<PasswordPolicy>(account).await?.is_none() {
        findings.push(finding(
            FindingKind::NoPasswordPolicy,
            FindingSeverity::Low,
            &root,
            "The account has no password policy of its own, so the default of AWS applies.",
            "Set a password policy with UpdateAccountPasswordPolicy.",
        ));
    }
    Ok(findings)
}
