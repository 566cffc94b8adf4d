//! One evaluation of a denial: the decision again with all details, as a record keeps them.

use std::collections::BTreeMap;

use bailiwick_decision::{KeySource, Trust};
use bailiwick_evaluator::{
    self as evaluator, ContextKey, ContextValue, Decision, Effect, Explanation, Outcome, PolicyKind, Verdict,
};
use bailiwick_model::Result;
use bailiwick_model::mask::masked;
use bailiwick_operation::{
    AuthorizationDetails, ContextText, Evaluation, LayerCheck, MatchedPolicy, MatchedStatement, MissedStatement,
};
use bailiwick_policy_lang::Catalogue;

use super::evaluated::EvaluatedPolicies;
use super::target::Evaluated;
use crate::decide::disclosure::Disclosure;
use crate::decide::noted::{outcome_name, policy_type_name};
use crate::explain::{holders, notes, set_holders};
use crate::work_budget::WorkBudget;

/// Policies with matching statements that are shown of a layer.
const MAX_MATCHED: usize = 10;
/// Statements that nearly matched.
const MAX_MISSES: usize = 5;
/// Failed elements of such a statement.
const MAX_DIFFERENCES: usize = 4;
/// Context keys of an evaluation.
const MAX_KEYS: usize = 50;
/// Characters of a value, and of a description of a failed element.
pub(super) const MAX_VALUE: usize = 300;
/// Characters of the text.
const MAX_TEXT: usize = 4_096;

impl Evaluated<'_, '_, '_> {
    /// Decides it again with all details, and adds them. Returns what the account of the principal may see of the decision.
    pub(super) fn add_to(
        &self,
        details: &mut AuthorizationDetails,
        policies: &mut EvaluatedPolicies,
        work: &mut WorkBudget,
    ) -> Result<Decision> {
        let Self { request, applied, resolved, target, disclosure, .. } = *self;
        let mut explanation = work.spend(|budget| match self.is_denial {
            true => evaluator::explain_within(request, applied, budget),
            false => evaluator::trace_within(request, applied, budget),
        })?;
        let is_own = disclosure.shows_all();
        if !is_own {
            crate::explain::without_tags(&mut explanation);
        }
        let holders = holders(&mut explanation, resolved);
        let mut explanation: Explanation<'_> = explanation;
        set_holders(&mut explanation, &holders);
        if details.evaluations.is_empty() {
            details.request_context = self.request_context();
        }
        policies.add_all(self, disclosure);
        let mut decision = disclosure.redact(explanation.decision);
        if self.is_denial && decision.is_allowed() {
            // Denied because of the tags of another account's resource, which take no part here.
            decision = Decision { outcome: Outcome::ImplicitDeny, statement: None, lacking: None, ..decision };
        }
        let mut evaluation = Evaluation {
            action: target.action.to_owned(),
            resource: cut(&masked(target.resource), 2 * MAX_VALUE),
            context: self.own_context(is_own),
            evaluated_effect: outcome_name(decision.outcome).to_owned(),
            checks: self.checks(&explanation, disclosure, policies),
            near_misses: Vec::new(),
        };
        if decision.outcome == Outcome::ImplicitDeny && !is_own {
            add_withheld(&mut evaluation.checks);
        }
        if self.is_denial {
            notes::add(&mut explanation, resolved, request);
            if applied.trust.is_some_and(Trust::is_of_absent_role) {
                notes::no_such_role(&mut explanation);
            }
            evaluation.near_misses = self.near_misses(&explanation, disclosure, policies);
            details.text = is_own.then(|| cut(&masked(&explanation.to_string()), MAX_TEXT));
        }
        details.evaluations.push(evaluation);
        Ok(decision)
    }

    /// The context keys of the principal, its session, the time and the network.
    fn request_context(&self) -> BTreeMap<String, ContextText> {
        let global = Catalogue::builtin().global_keys().map(|key| &*key.name).filter(|name| !name.contains('/'));
        let own = |name: &str| self.target.keys.iter().any(|own| own.eq_ignore_ascii_case(name));
        let of_resource = |name: &str| name.to_ascii_lowercase().starts_with("aws:resource");
        let global = global.filter(|name| !own(name) && !of_resource(name)).map(str::to_owned);
        let tags = self.resolved.tags().map(|tag| format!("aws:PrincipalTag/{}", tag.key));
        self.values(global.chain(tags))
    }

    /// The context keys of this evaluation alone.
    fn own_context(&self, is_own: bool) -> BTreeMap<String, ContextText> {
        let own = self.target.keys.iter().map(|name| (*name).to_owned());
        let own = own.filter(|name| is_own || KeySource::of(&ContextKey::new(name)) != KeySource::StoredResource);
        self.values(own.chain(["aws:ResourceAccount".to_owned()]))
    }

    fn values(&self, names: impl Iterator<Item = String>) -> BTreeMap<String, ContextText> {
        let valued = names.filter_map(|name| {
            let text = match self.request.context.value(&ContextKey::new(&name))? {
                ContextValue::Many(values) => {
                    ContextText::Many(values.iter().take(MAX_KEYS).map(|value| shown(value)).collect())
                }
                one => ContextText::One(shown(one.texts().first()?)),
            };
            Some((name, text))
        });
        valued.take(MAX_KEYS).collect()
    }

    /// What each layer said, in AWS's order.
    fn checks(
        &self,
        explanation: &Explanation<'_>,
        disclosure: Disclosure,
        policies: &mut EvaluatedPolicies,
    ) -> Vec<LayerCheck> {
        let mut checks = Vec::new();
        for finding in explanation.findings.iter().filter(|finding| disclosure.shows(finding.kind)) {
            let effect = match finding.verdict {
                Verdict::Allows => "ALLOW",
                Verdict::Denies => "EXPLICIT_DENY",
                Verdict::Silent if finding.required => "IMPLICIT_DENY",
                Verdict::Silent => "NO_IMPACT",
            };
            let mut matched: Vec<MatchedPolicy> = Vec::new();
            let of_layer = |at: &evaluator::StatementRef| (at.kind, at.level) == (finding.kind, finding.level);
            for located in explanation.matched.iter().filter(|located| of_layer(&located.at)) {
                let Some(uri) = policies.add(self, &located.at) else { continue };
                let statement = MatchedStatement {
                    sid: sid(located),
                    evaluated_effect: if located.effect == Effect::Deny { "DENY" } else { "ALLOW" }.to_owned(),
                    index: located.at.statement,
                    line: located.span.start.line,
                };
                let at = matched.iter().position(|policy| policy.uri == uri).unwrap_or(matched.len());
                if at == matched.len() && at < MAX_MATCHED {
                    matched.push(MatchedPolicy { uri, matched_statements: Vec::new() });
                }
                match matched.get_mut(at).filter(|policy| policy.matched_statements.len() < MAX_MATCHED) {
                    Some(policy) => policy.matched_statements.push(statement),
                    None => policies.is_truncated = true,
                }
            }
            checks.push(layer(finding.kind, effect, matched));
        }
        // A principal without policies has no finding.
        let has_principal = checks.iter().any(|check| check.check_type == "PRINCIPAL");
        if !has_principal && self.resolved.entity().is_some() {
            let lacks = explanation.decision.lacking == Some(PolicyKind::Identity);
            let effect = if lacks { "IMPLICIT_DENY" } else { "NO_IMPACT" };
            checks.push(layer(PolicyKind::Identity, effect, Vec::new()));
        }
        checks.sort_by_key(|check| ORDER.iter().position(|name| *name == check.check_type));
        checks
    }

    fn near_misses(
        &self,
        explanation: &Explanation<'_>,
        disclosure: Disclosure,
        policies: &mut EvaluatedPolicies,
    ) -> Vec<MissedStatement> {
        let shown_kinds = explanation.near_misses.iter().filter(|miss| disclosure.shows(miss.statement.at.kind));
        let missed = shown_kinds.take(MAX_MISSES).filter_map(|miss| {
            let failures = std::iter::once(&miss.failure).chain(&miss.also).take(MAX_DIFFERENCES);
            Some(MissedStatement {
                uri: policies.add(self, &miss.statement.at)?,
                sid: sid(&miss.statement),
                index: miss.statement.at.statement,
                line: miss.statement.span.start.line,
                differences: failures.map(|failure| shown(&failure.to_string())).collect(),
            })
        });
        missed.collect()
    }
}

/// AWS's `CheckType`s, in the order of its answers.
const ORDER: [&str; 7] = [
    "RESOURCE_CONTROL_POLICY",
    "SERVICE_CONTROL_POLICY",
    "VPC_ENDPOINT",
    "RESOURCE",
    "PRINCIPAL",
    "PERMISSIONS_BOUNDARY",
    "SESSION",
];

fn layer(kind: PolicyKind, effect: &str, matched_policies: Vec<MatchedPolicy>) -> LayerCheck {
    let check_type = match kind {
        PolicyKind::Identity => "PRINCIPAL",
        PolicyKind::Resource | PolicyKind::Trust => "RESOURCE",
        PolicyKind::Boundary => "PERMISSIONS_BOUNDARY",
        PolicyKind::Session => "SESSION",
        PolicyKind::Scp => "SERVICE_CONTROL_POLICY",
        PolicyKind::Rcp => "RESOURCE_CONTROL_POLICY",
        PolicyKind::Endpoint => "VPC_ENDPOINT",
    };
    LayerCheck {
        check_type: check_type.to_owned(),
        evaluated_effect: effect.to_owned(),
        relevant_policy_types: vec![policy_type_name(kind).to_owned()],
        matched_policies,
    }
}

/// If everything that may be shown allows, it follows that the other account does not.
fn add_withheld(checks: &mut Vec<LayerCheck>) {
    if checks.iter().all(|check| matches!(&*check.evaluated_effect, "ALLOW" | "NO_IMPACT")) {
        checks.insert(0, layer(PolicyKind::Resource, "IMPLICIT_DENY", Vec::new()));
        checks.sort_by_key(|check| ORDER.iter().position(|name| *name == check.check_type));
    }
}

fn sid(located: &evaluator::Located<'_>) -> String {
    located.sid.map_or_else(|| format!("Statement{}", located.at.statement), |sid| cut(sid, MAX_VALUE))
}

/// A text that a caller or the author of a policy chose: without secrets, and short.
fn shown(text: &str) -> String {
    cut(&masked(&cut(text, 2 * MAX_VALUE)), MAX_VALUE)
}

pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
