//! Findings about roles: whom they trust, and whether they are used.

use bailiwick_api::account::{Finding, FindingKind, FindingSeverity};
use bailiwick_model::{AccountId, IamError, Result};
use bailiwick_operation::Cx;
use bailiwick_policy_lang::{
    Effect, PolicyKind, Principal, PrincipalElement, PrincipalKind, PrincipalName, Statement, parse,
};
use bailiwick_storage::{Identity, Role, Tx};

use super::criteria::{Criteria, about, finding};
use super::policies;
use crate::address::IdentityRecord as _;

/// Condition keys that limit which principals of another account, or which of all principals, a statement means.
const PRINCIPAL_KEYS: [&str; 8] = [
    "sts:externalid",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:userid",
];

pub(super) async fn examine(cx: &Cx, tx: &mut Tx, criteria: &Criteria, role: &Role) -> Result<Vec<Finding>> {
    let arn = role.arn(cx.partition()).to_string();
    let mut findings = trust(cx, role, &arn)?;
    if role.linked_service.is_none() {
        let used = match cx.deployment().recent_uses.of_role(&role.id) {
            Some(recent) => Some(recent),
            None => tx.role_last_used(role).await?,
        };
        let last = used.map_or(role.created, |used| used.time);
        if criteria.is_unused(last) {
            let text = format!("The role was not used for {} days or more.", criteria.unused_days);
            let advice = "Delete the role if nothing needs it.";
            let found = finding(FindingKind::UnusedRole, FindingSeverity::Low, &arn, text, advice);
            findings.push(about(found, None, Some(last)));
        }
    }
    findings.extend(policies::administrators(cx, tx, &Identity::from(role), &arn).await?);
    Ok(findings)
}

/// What is found in the trust policy: at most one finding of each kind.
fn trust(cx: &Cx, role: &Role, arn: &str) -> Result<Vec<Finding>> {
    let document = parse(&role.trust_policy.text, PolicyKind::Trust).map_err(IamError::internal)?;
    let mut trusts: Vec<Trust> =
        document.statements.iter().flat_map(|statement| trusts_of(cx, statement, role.account)).collect();
    trusts.sort_unstable();
    trusts.dedup();
    Ok(trusts.into_iter().map(|trust| trust.finding(arn)).collect())
}

/// A way in which a statement trusts more principals than its author may have meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trust {
    Public,
    WithoutExternalId,
    WithoutSubject,
}

impl Trust {
    fn finding(self, arn: &str) -> Finding {
        let (kind, severity, text, advice) = match self {
            Trust::Public => (
                FindingKind::PublicTrust,
                FindingSeverity::Critical,
                "The trust policy allows every principal, without a condition.",
                "Name the principals that may assume the role.",
            ),
            Trust::WithoutExternalId => (
                FindingKind::TrustWithoutExternalId,
                FindingSeverity::Medium,
                "The trust policy allows principals of another account, without sts:ExternalId.",
                "Require an external id that was agreed with the other account, or limit the principals in a condition.",
            ),
            Trust::WithoutSubject => (
                FindingKind::TrustWithoutSubject,
                FindingSeverity::High,
                "The trust policy allows every subject of an OpenID Connect provider.",
                "Add a condition on the provider's key `sub`.",
            ),
        };
        finding(kind, severity, arn, text, advice)
    }
}

fn trusts_of(cx: &Cx, statement: &Statement, account: AccountId) -> Vec<Trust> {
    let Some(element) = statement.principal.as_ref().filter(|_| statement.effect == Effect::Allow) else {
        return Vec::new();
    };
    let has_key = |is_wanted: &dyn Fn(&str) -> bool| {
        statement.conditions.iter().any(|condition| is_wanted(&condition.key.value.to_ascii_lowercase()))
    };
    let is_limited = has_key(&|key| PRINCIPAL_KEYS.contains(&key));
    let mut trusts = Vec::new();
    if includes_everyone(element) {
        trusts.extend(match (statement.conditions.is_empty(), is_limited) {
            (true, _) => Some(Trust::Public),
            (false, false) => Some(Trust::WithoutExternalId),
            (false, true) => None,
        });
    } else if !is_limited && names_another_account(cx, element, account) {
        trusts.push(Trust::WithoutExternalId);
    }
    let names_issuer = values(element, PrincipalKind::Federated)
        .any(|name| matches!(name, PrincipalName::OidcProvider(_) | PrincipalName::FederatedDomain(_)));
    if names_issuer && !has_key(&|key| key.ends_with(":sub")) {
        trusts.push(Trust::WithoutSubject);
    }
    trusts
}

/// Whether the element covers principals of every account.
fn includes_everyone(element: &PrincipalElement) -> bool {
    element.negated
        || element.principal == Principal::Everyone
        || values(element, PrincipalKind::Aws).any(|name| name == PrincipalName::Everyone)
}

/// Whether the element names a principal of an account that is neither the role's nor the management account.
fn names_another_account(cx: &Cx, element: &PrincipalElement, account: AccountId) -> bool {
    let own = [account, cx.deployment().management_account];
    values(element, PrincipalKind::Aws).any(|name| {
        let named = match name {
            PrincipalName::Account { account, .. }
            | PrincipalName::User { account, .. }
            | PrincipalName::Role { account, .. }
            | PrincipalName::AssumedRole { account, .. }
            | PrincipalName::FederatedUser { account, .. } => account,
            _ => return false,
        };
        AccountId::parse(named).is_ok_and(|named| !own.contains(&named))
    })
}

fn values(element: &PrincipalElement, kind: PrincipalKind) -> impl Iterator<Item = PrincipalName<'_>> {
    let entries = match &element.principal {
        Principal::Everyone => &[][..],
        Principal::Map(entries) => entries,
    };
    entries
        .iter()
        .filter(move |entry| entry.kind == kind)
        .flat_map(move |entry| entry.values.iter().filter_map(move |value| PrincipalName::parse(kind, &value.value)))
}
