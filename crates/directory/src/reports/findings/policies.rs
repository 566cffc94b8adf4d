//! Policies that make an identity an administrator.

use bailiwick_api::account::{Finding, FindingKind, FindingSeverity};
use bailiwick_model::Result;
use bailiwick_operation::Cx;
use bailiwick_policy_lang::Document;
use bailiwick_storage::{Identity, Tx};

use super::criteria::{about, finding};
use crate::policies::granting_access::policies_of;

/// The policies of an identity, attached and inline, that allow every action on every resource without a condition.
pub(super) async fn administrators(cx: &Cx, tx: &mut Tx, identity: &Identity, arn: &str) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (document, shown) in policies_of(cx, tx, identity).await? {
        if !is_administrator(&document) {
            continue;
        }
        let name = shown.policy_name.unwrap_or_default();
        let text = format!("The policy {name} allows every action on every resource.");
        let advice = "Allow the actions and resources that are needed, or require MFA in a condition.";
        let found = finding(FindingKind::Administrator, FindingSeverity::Medium, arn, text, advice);
        findings.push(about(found, Some(&name), None));
    }
    Ok(findings)
}

fn is_administrator(document: &Document) -> bool {
    document.statements.iter().any(bailiwick_policy_lang::Statement::allows_everything)
}
