//! Records of the decisions that other services ask for.
//!
//! A record belongs to the account of the asking service, so it has what the answer shows.

use bailiwick_decision::{ResolvedSubject, SubjectKind};
use bailiwick_operation::{Cx, DecidingStatement, DecisionRecord};

use super::noted::{step_name, version};
use super::render::DecisionView;
use crate::Authz;

impl Authz {
    /// Records a decision, if such decisions are recorded.
    pub(super) fn record_decision(
        &self,
        cx: &Cx,
        operation: &'static str,
        subject: &ResolvedSubject<'_>,
        (action, resource): (&str, &str),
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
        let record = DecisionRecord {
            outcome: decided.outcome_name().to_owned(),
            step: step_name(decided.step()).to_owned(),
            action: action.to_owned(),
            resource: resource.to_owned(),
            policy_type: String::new(),
            statement: decided.statement().map(|at| DecidingStatement {
                policy: at.policy.clone(),
                attached_to: at.attached_to.clone(),
                version: version(&at.policy, subject),
                sid: at.sid.clone().unwrap_or_default(),
                index: at.index,
            }),
            principal: principal.to_owned(),
        };
        log.record(cx, operation, &record);
    }
}
