//! The policies that took part in a denied call.

use std::sync::Arc;

use bailiwick_decision::{Holder, Trust};
use bailiwick_evaluator::{Policies, PolicyKind, StatementRef};
use bailiwick_model::{Arn, UniqueId};
use bailiwick_operation::EvaluatedPolicy;

use super::target::Evaluated;
use crate::decide::disclosure::Disclosure;
use crate::decide::noted::{policy_type_name, version};
use crate::decide::render::holder;
use crate::explained_denial::DocumentPlace;

/// Policies that are listed without a statement that matters; those with one are always listed.
const MAX_POLICIES: usize = 20;

/// The policies of all evaluations, each once.
#[derive(Default)]
pub(super) struct EvaluatedPolicies {
    listed: Vec<(EvaluatedPolicy, DocumentPlace)>,
    /// Whether something was left out.
    pub(super) is_truncated: bool,
}

impl EvaluatedPolicies {
    /// Adds the policies of an evaluation that may be shown.
    pub(super) fn add_all(&mut self, evaluated: &Evaluated<'_, '_, '_>, disclosure: Disclosure) {
        let applied = evaluated.applied;
        let layers = [
            (PolicyKind::Rcp, applied.rcps.len()),
            (PolicyKind::Scp, applied.scps.len()),
            (PolicyKind::Endpoint, 1),
            (PolicyKind::Resource, 1),
            (PolicyKind::Trust, 1),
            (PolicyKind::Identity, 1),
            (PolicyKind::Boundary, 1),
            (PolicyKind::Session, 1 + applied.scopes.len()),
        ];
        for (kind, levels) in layers.into_iter().filter(|(kind, _)| disclosure.shows(*kind)) {
            for level in 0..u32::try_from(levels).unwrap_or(u32::MAX) {
                for policy in 0..count(applied, kind, level) {
                    if self.listed.len() >= MAX_POLICIES {
                        self.is_truncated = true;
                        return;
                    }
                    self.add(evaluated, &StatementRef { kind, level, policy, statement: 0 });
                }
            }
        }
    }

    /// Adds the policy of a statement, and returns its URI.
    pub(super) fn add(&mut self, evaluated: &Evaluated<'_, '_, '_>, at: &StatementRef) -> Option<String> {
        let (policy, place) = described(evaluated, at)?;
        let uri = policy.uri.clone();
        let same = |listed: &&mut (EvaluatedPolicy, DocumentPlace)| {
            listed.0.uri == policy.uri && listed.0.policy_type == policy.policy_type
        };
        match self.listed.iter_mut().find(same) {
            Some((listed, _)) => {
                for holder in policy.attached_to {
                    if !listed.attached_to.contains(&holder) {
                        listed.attached_to.push(holder);
                    }
                }
            }
            None => self.listed.push((policy, place)),
        }
        Some(uri)
    }

    /// The policies, and where their documents are.
    pub(super) fn finish(self) -> (Vec<EvaluatedPolicy>, Vec<DocumentPlace>) {
        self.listed.into_iter().unzip()
    }
}

/// The number of policies of a type, and level.
fn count(applied: &Policies<'_>, kind: PolicyKind, level: u32) -> u32 {
    let is_there = |policy| applied.policy(&StatementRef { kind, level, policy, statement: 0 }).is_some();
    let is_list = match kind {
        PolicyKind::Identity | PolicyKind::Scp | PolicyKind::Rcp => true,
        PolicyKind::Session => level == 0,
        PolicyKind::Boundary | PolicyKind::Resource | PolicyKind::Trust | PolicyKind::Endpoint => false,
    };
    // One more than are listed, so that more are noticed.
    let most = if is_list { MAX_POLICIES as u32 + 1 } else { 1 };
    (0..most).take_while(|policy| is_there(*policy)).count() as u32
}

fn described(evaluated: &Evaluated<'_, '_, '_>, at: &StatementRef) -> Option<(EvaluatedPolicy, DocumentPlace)> {
    let Evaluated { applied, resolved, target, .. } = *evaluated;
    let policy = applied.policy(at)?;
    if Trust::is_of_absent_role(policy) {
        return None;
    }
    let name = policy.name().unwrap_or_default();
    let attached_to = match at.kind {
        PolicyKind::Identity => holder(at, resolved),
        PolicyKind::Boundary => Some(resolved.identity_arn().to_owned()),
        PolicyKind::Session => Some(resolved.arn().to_owned()),
        PolicyKind::Trust => Some(name.to_owned()),
        PolicyKind::Resource => Some(target.resource.to_owned()),
        PolicyKind::Scp | PolicyKind::Rcp | PolicyKind::Endpoint => None,
    };
    let owner = attached_to.as_deref().unwrap_or_default();
    let is_managed = name.starts_with("arn:") && !matches!(at.kind, PolicyKind::Trust | PolicyKind::Resource);
    let uri = match at.kind {
        _ if is_managed => name.to_owned(),
        PolicyKind::Trust => format!("inline:{owner}:trust-policy"),
        PolicyKind::Resource => format!("inline:{owner}:resource-policy"),
        PolicyKind::Session if at.level > 0 => format!("inline:{owner}:scope-policy/{}", at.level - 1),
        PolicyKind::Session => format!("inline:{owner}:session-policy/{}", at.policy),
        _ if name.is_empty() => format!("inline:{owner}:account-password-policy"),
        _ => format!("inline:{owner}:policy/{name}"),
    };
    let session = resolved.subject().session();
    let place = match at.kind {
        _ if is_managed => managed(name, evaluated).map_or(DocumentPlace::Nowhere, DocumentPlace::Here),
        PolicyKind::Identity => inline(evaluated, at).unwrap_or(DocumentPlace::Nowhere),
        PolicyKind::Session => {
            let text = match at.level {
                0 => session.and_then(|session| session.policies.get(at.policy as usize)),
                level => session.and_then(|session| session.scopes.get(level as usize - 1)),
            };
            text.map_or(DocumentPlace::Nowhere, |text| DocumentPlace::Here(text.as_str().into()))
        }
        PolicyKind::Trust => target.trust.map_or(DocumentPlace::Nowhere, |(account, role)| {
            let compiled = policy.clone();
            DocumentPlace::Trust { account, role, compiled }
        }),
        PolicyKind::Resource => match (target.given_policy, target.account) {
            (Some(text), _) => DocumentPlace::Here(text.into()),
            (None, Some(account)) => {
                let compiled = policy.clone();
                DocumentPlace::Resource { account, arn: target.resource.to_owned(), compiled }
            }
            (None, None) => DocumentPlace::Nowhere,
        },
        _ => DocumentPlace::Nowhere,
    };
    let described = EvaluatedPolicy {
        policy_type: policy_type_name(at.kind).to_owned(),
        inline: !is_managed,
        version: if is_managed { version(name, resolved) } else { String::new() },
        uri,
        attached_to: attached_to.into_iter().collect(),
        sha256: String::new(),
    };
    Some((described, place))
}

fn managed(arn: &str, evaluated: &Evaluated<'_, '_, '_>) -> Option<Arc<str>> {
    let managed = evaluated.resolved.view().managed_policy(&Arn::parse(arn).ok()?)?;
    managed.document().cloned()
}

/// An inline policy of the user or role, or of a group.
fn inline(evaluated: &Evaluated<'_, '_, '_>, at: &StatementRef) -> Option<DocumentPlace> {
    let resolved = evaluated.resolved;
    let compiled = evaluated.applied.policy(at)?.clone();
    let name = compiled.name()?.to_owned();
    let (account, owner): (_, UniqueId) = match resolved.holder(at.policy as usize)? {
        Holder::Own => resolved.entity().map(|entity| (entity.account, entity.id))?,
        Holder::Group(group) => (group.account, group.id),
    };
    Some(DocumentPlace::Inline { account, owner, name, compiled })
}
