//! The answer to a question: the decision, and what the asking service may see of it.

use bailiwick_decision::ResolvedSubject;
use bailiwick_evaluator::{Decision, Outcome};
use bailiwick_model::Result;
use bailiwick_operation::{Cx, trace};

use super::given_keys::GivenKeys;
use super::question::{Question, StoredTags};
use super::render::DecisionView;
use crate::work_budget::WorkBudget;
use crate::{AskedBy, Authz};

impl Authz {
    /// Decides a question.
    ///
    /// The stored tags of a resource belong to its account, and the asking service may be of another one. They take part in
    /// the decision, because policies depend on them. But a denial does not show how the principal's policies, which may be
    /// the asking service's own, depend on them: it is the denial of a resource without tags, or, if there would be none
    /// without tags, a denial without a reason. What remains visible is whether the resource's own account allows or denies
    /// the request.
    ///
    /// # Errors
    /// Those of [`Question::with`]; `LimitExceeded` for a question that takes too long to decide.
    pub(super) fn answer(
        &self,
        cx: &Cx,
        question: &Question<'_>,
        subject: &ResolvedSubject<'_>,
        context: &[&GivenKeys<'_>],
        work: &mut WorkBudget,
    ) -> Result<DecisionView> {
        let _span = trace::span("decision");
        let (decision, view) =
            question.with(cx, subject, context, StoredTags::Shown, |request, policies, disclosure| {
                let decided = work.decide(request, policies);
                let decision = self.decisions.note(AskedBy::Service, decided)?;
                Ok((decision, DecisionView::of(&decision, subject, request, policies, disclosure)))
            })?;
        if !question.may_reveal_tags(cx, subject, &decision) {
            return Ok(view);
        }
        question.with(cx, subject, context, StoredTags::Hidden, |request, policies, disclosure| {
            let untagged = work.decide(request, policies)?;
            if !untagged.is_allowed() {
                return Ok(DecisionView::of(&untagged, subject, request, policies, disclosure));
            }
            let denied = Decision { outcome: Outcome::ImplicitDeny, statement: None, lacking: None, ..decision };
            Ok(DecisionView::of(&denied, subject, request, policies, disclosure).without_reason())
        })
    }
}
