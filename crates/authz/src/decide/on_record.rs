//! Records of the decisions that other services ask for.
//!
//! A record belongs to the account of the asking service, so it has what the answer shows.

use bailiwick_decision::{ResolvedSubject, SubjectKind};
use bailiwick_operation::{Cx, DecidingStatement, DecisionRecord};

use super::check_record;
use super::given_keys::GivenKeys;
use super::noted::{step_name, version};
use super::question::Question;
use super::render::DecisionView;
use crate::Authz;

impl Authz {
    /// Records a decision, if such decisions are recorded.
    pub(super) fn record_decision(
        &self,
        cx: &Cx,
        operation: &'static str,
        subject: &ResolvedSubject<'_>,
        question: &Question<'_>,
        context: &[&GivenKeys<'_>],
        decided: &DecisionView,
    ) {
        let Some(log) = &self.decision_log else { return };
        if !log.wants(decided.is_allowed()) {
            return;
        }
        let principal = match subject.subject().kind() {
            SubjectKind::Anonymous => "anonymous",
            _ => subject.arn(),
        };
        // What belongs to the principal's account is for records of that account.
        let is_own = subject.subject().account() == Some(cx.account());
        let mut check = check_record::of_question(question, subject, context);
        check.incomplete |= !is_own;
        let record = DecisionRecord {
            outcome: decided.outcome_name().to_owned(),
            step: step_name(decided.step()).to_owned(),
            action: question.action.to_owned(),
            resource: question.resource.to_owned(),
            policy_type: String::new(),
            statement: decided.statement().map(|at| DecidingStatement {
                policy: at.policy.clone(),
                attached_to: at.attached_to.clone(),
                version: version(&at.policy, subject),
                sid: at.sid.clone().unwrap_or_default(),
                index: at.index,
            }),
            principal: principal.to_owned(),
            principal_id: if is_own { subject.user_id().to_owned() } else { String::new() },
            checks: vec![check],
            session: check_record::of_session(subject).filter(|_| is_own),
            ..DecisionRecord::default()
        };
        log.record(cx, operation, &record);
    }
}
