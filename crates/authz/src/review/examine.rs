//! One decision of a review, and what it depends on.

use bailiwick_api::authz as pb;
use bailiwick_decision::{ObservedKeys, ResolvedSubject, SubjectKind};
use bailiwick_evaluator::{
    ContextKey, Explanation, Failure, GlobalKey, NearMiss, Outcome, Policies, PolicyKind, Request, Verdict,
    explain_within, trace_within,
};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::Cx;

use crate::decide::given_keys::GivenKeys;
use crate::decide::question::{Question, StoredTags};
use crate::decide::render::{settled, statement};
use crate::work_budget::WorkBudget;

/// The maximum number of patterns that an entry shows.
const MAX_PATTERNS: usize = 20;
/// The maximum number of keys that an entry shows.
const MAX_KEYS: usize = 50;

/// The result of one decision.
pub(super) enum Examined {
    Allowed(pb::Grant),
    PartlyAllowed(pb::PartialGrant),
    Denied,
    /// It takes too many steps.
    Undecided,
}

/// Which decisions of a review may differ from the one that is made.
pub(super) struct Scope<'a, 's> {
    subject: &'a ResolvedSubject<'s>,
    has_stored_tags: bool,
    /// Whether an Allow for some resources counts: the question is about any.
    pub(super) any_resource: bool,
}

/// Decides a question about a subject.
///
/// # Errors
/// Those of [`Question::with`]; `AccessDenied` if policies of other accounts take part that the caller may not see.
pub(super) fn examine(
    cx: &Cx,
    question: &Question<'_>,
    context: &GivenKeys<'_>,
    subject: &ResolvedSubject<'_>,
    any_resource: bool,
    work: &mut WorkBudget,
) -> Result<Examined> {
    let scope = Scope { subject, has_stored_tags: question.has_stored_tags(subject), any_resource };
    let observed = ObservedKeys::default();
    let examined = question.with_observed(
        cx,
        subject,
        &[context],
        StoredTags::Shown,
        Some(&observed),
        |request, policies, disclosure| {
            if !disclosure.shows_all() {
                return Err(IamError::new(ErrorCode::AccessDenied, "policies of other accounts are not shown"));
            }
            decided(&scope, request, policies, work).or_else(|error| match error.code() {
                ErrorCode::LimitExceeded => Ok(Examined::Undecided),
                _ => Err(error),
            })
        },
    )?;
    Ok(match examined {
        Examined::Allowed(grant) => {
            let keys = observed.into_keys().filter(|key| scope.varies(key));
            let context_keys: Vec<String> = keys.take(MAX_KEYS).map(|key| key.as_written().to_owned()).collect();
            Examined::Allowed(pb::Grant { conditional: !context_keys.is_empty(), context_keys, ..grant })
        }
        other => other,
    })
}

fn decided(
    scope: &Scope<'_, '_>,
    request: &Request<'_>,
    policies: &Policies<'_>,
    work: &mut WorkBudget,
) -> Result<Examined> {
    // A trace visits every statement, and so looks at every key on which the decision depends.
    let decision = work.spend(|budget| trace_within(request, policies, budget))?.decision;
    match decision.outcome {
        Outcome::Allowed => Ok(Examined::Allowed(pb::Grant {
            step: settled(&decision).into(),
            statement: decision.statement.and_then(|at| statement(&at, scope.subject, policies)),
            ..pb::Grant::default()
        })),
        Outcome::ExplicitDeny => Ok(Examined::Denied),
        Outcome::ImplicitDeny => {
            let explanation = work.spend(|budget| explain_within(request, policies, budget))?;
            Ok(match scope.nearest(&explanation) {
                Some(miss) => Examined::PartlyAllowed(scope.partial_grant(miss, policies)),
                None => Examined::Denied,
            })
        }
    }
}

impl Scope<'_, '_> {
    /// Whether a key can differ between requests of the principal for the resource.
    fn varies(&self, key: &ContextKey) -> bool {
        match key.global() {
            Some(
                GlobalKey::PrincipalArn
                | GlobalKey::PrincipalAccount
                | GlobalKey::PrincipalType
                | GlobalKey::PrincipalIsAwsService
                | GlobalKey::PrincipalServiceName
                | GlobalKey::PrincipalServiceNamesList
                | GlobalKey::PrincipalOrgId
                | GlobalKey::PrincipalOrgPaths
                | GlobalKey::UserName
                | GlobalKey::ResourceAccount
                | GlobalKey::ResourceOrgId
                | GlobalKey::ResourceOrgPaths,
            ) => false,
            // Sessions of a role have a name, and can have tags of their own.
            Some(GlobalKey::PrincipalTag | GlobalKey::UserId) => {
                self.subject.subject().kind() == SubjectKind::RoleSession
            }
            Some(GlobalKey::ResourceTag | GlobalKey::IamResourceTag) => self.any_resource || !self.has_stored_tags,
            _ => true,
        }
    }

    /// The nearest statement that would allow the request in another context, or for other resources if those count. `None`
    /// unless every type of policy that must allow has such a statement, or the resource's policy has one instead.
    fn nearest<'e, 'a>(&self, explanation: &'e Explanation<'a>) -> Option<&'e NearMiss<'a>> {
        let near = || explanation.near_misses.iter().filter(|miss| self.is_near(miss));
        let has = |kind, level| near().any(|miss| (miss.statement.at.kind, miss.statement.at.level) == (kind, level));
        let silent =
            explanation.findings.iter().filter(|finding| finding.required && finding.verdict == Verdict::Silent);
        let silent = silent.map(|finding| (finding.kind, finding.level));
        // A type of policy that must allow and is not there has no finding, but a suggestion.
        let missing = explanation.suggestions.iter().map(|suggestion| (suggestion.kind, suggestion.level));
        if explanation.is_hopeless() {
            return None;
        }
        if silent.chain(missing).all(|(kind, level)| has(kind, level)) {
            return near().next();
        }
        let mut findings = explanation.findings.iter();
        let could_allow_alone = findings.any(|finding| finding.kind == PolicyKind::Resource && !finding.required);
        near().find(|miss| could_allow_alone && miss.statement.at.kind == PolicyKind::Resource)
    }

    fn is_near(&self, miss: &NearMiss<'_>) -> bool {
        std::iter::once(&miss.failure).chain(&miss.also).all(|failure| match failure {
            Failure::Principal { .. } | Failure::Action { .. } => false,
            Failure::Resource { .. } => self.any_resource,
            Failure::Condition { key, .. } => self.varies(&ContextKey::new(key)),
        })
    }

    fn partial_grant(&self, miss: &NearMiss<'_>, policies: &Policies<'_>) -> pb::PartialGrant {
        let mut grant = pb::PartialGrant {
            statement: statement(&miss.statement.at, self.subject, policies),
            ..pb::PartialGrant::default()
        };
        for failure in std::iter::once(&miss.failure).chain(&miss.also) {
            match failure {
                Failure::Resource { negated, expected, .. } => {
                    grant.not_resource = *negated;
                    grant.resources = expected.iter().take(MAX_PATTERNS).map(|one| one.text().to_owned()).collect();
                }
                Failure::Condition { key, .. } if grant.context_keys.len() < MAX_KEYS => {
                    if !grant.context_keys.iter().any(|known| known.eq_ignore_ascii_case(key)) {
                        grant.context_keys.push(key.to_string());
                    }
                }
                Failure::Condition { .. } | Failure::Principal { .. } | Failure::Action { .. } => {}
            }
        }
        grant
    }
}
