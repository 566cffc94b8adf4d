//! Records of the decisions that other services ask for.
//!
//! A record belongs to the account of the asking service, so it has what the answer shows. The details of a denial are for
//! the principal's account: see `explain::denial::asked`.

use std::time::Duration;

use bailiwick_decision::{ResolvedSubject, SubjectKind};
use bailiwick_model::AccessKeyId;
use bailiwick_operation::{Cx, DecidingStatement, DecisionRecord, RecordedDenial};
use bailiwick_snapshot::Snapshot;

use super::check_record;
use super::given_keys::GivenKeys;
use super::noted::{step_name, version};
use super::question::Question;
use super::render::DecisionView;
use crate::explained_denial::ExplainedDenial;
use crate::work_budget::WorkBudget;
use crate::{Authz, snapshot};

/// How long an answer waits for the documents of the policies that its denials are explained with. The store may be on
/// another machine.
const DOCUMENTS_WITHIN: Duration = Duration::from_millis(50);

/// A decision that is to be recorded.
pub(super) struct ToRecord {
    decision: DecisionRecord,
    /// The details of a denial.
    explained: Option<ExplainedDenial>,
}

/// Who is asked about.
pub(super) struct Asked<'a, 's> {
    pub(super) subject: &'a ResolvedSubject<'s>,
    /// The access key that the principal signed with.
    pub(super) access_key: Option<&'a AccessKeyId>,
}

impl Authz {
    /// Returns what is to be recorded of a decision, if such decisions are recorded.
    pub(super) fn to_record(
        &self,
        cx: &Cx,
        asked: &Asked<'_, '_>,
        question: &Question<'_>,
        context: &[&GivenKeys<'_>],
        decided: &DecisionView,
        work: &mut WorkBudget,
    ) -> Option<ToRecord> {
        let (log, _) = self.decision_log.as_ref()?;
        if !log.wants(decided.is_allowed()) {
            return None;
        }
        let decision = decision_record(cx, asked.subject, question, context, decided);
        let explained = if decided.is_allowed() { None } else { self.explained(cx, asked, question, context, work) };
        Some(ToRecord { decision, explained })
    }

    /// The details of a denial; none if the principal has no account, beyond the rate of details, and if they take too long.
    fn explained(
        &self,
        cx: &Cx,
        asked: &Asked<'_, '_>,
        question: &Question<'_>,
        context: &[&GivenKeys<'_>],
        work: &mut WorkBudget,
    ) -> Option<ExplainedDenial> {
        let (log, _) = self.decision_log.as_ref()?;
        let subject = asked.subject.subject();
        let account = subject.account()?;
        // The sessions of a role count together.
        let principal = subject.id().map_or_else(|| account.to_string(), |id| id.to_string());
        if !log.wants_details(cx.account(), &principal) {
            return None;
        }
        let explained = self.explain_question(cx, question, asked.subject, asked.access_key, context, work);
        explained.unwrap_or_else(|error| {
            tracing::debug!(?error, request_id = cx.request().id, "a denial cannot be explained");
            None
        })
    }

    /// Records decisions of one call, in their order. Returns the authorization ids of those whose details are on record.
    pub(super) async fn record(
        &self,
        cx: &Cx,
        operation: &'static str,
        decisions: Vec<Option<ToRecord>>,
    ) -> Vec<Option<String>> {
        let Some((log, _)) = &self.decision_log else { return decisions.iter().map(|_| None).collect() };
        let documents = match snapshot(cx) {
            Ok(snapshot) => self.documents(&snapshot, &decisions).await,
            Err(_) => Vec::new(),
        };
        let mut documents = documents.into_iter();
        let record = |decision: Option<ToRecord>| {
            let ToRecord { decision, explained } = decision?;
            let denial = explained.map(|explained| RecordedDenial {
                details: explained.details,
                documents: documents.next().unwrap_or_default(),
            });
            log.record(cx, operation, &decision, denial)
        };
        decisions.into_iter().map(record).collect()
    }

    /// The documents of the policies of denials that are explained, in their order; none if reading them takes too long.
    async fn documents(&self, snapshot: &Snapshot, decisions: &[Option<ToRecord>]) -> Vec<Documents> {
        let Some((_, store)) = &self.decision_log else { return Vec::new() };
        let explained: Vec<_> = decisions.iter().flatten().filter_map(|decision| decision.explained.as_ref()).collect();
        if explained.is_empty() {
            return Vec::new();
        }
        let mut documents = Vec::with_capacity(explained.len());
        let read = async {
            for explained in explained {
                documents.push(self.denial_documents(store, snapshot, explained).await);
            }
        };
        // Without them, only the texts of the policies are missing.
        let _ = tokio::time::timeout(DOCUMENTS_WITHIN, read).await;
        documents
    }
}

type Documents = Vec<Option<std::sync::Arc<str>>>;

fn decision_record(
    cx: &Cx,
    subject: &ResolvedSubject<'_>,
    question: &Question<'_>,
    context: &[&GivenKeys<'_>],
    decided: &DecisionView,
) -> DecisionRecord {
    let principal = match subject.subject().kind() {
        SubjectKind::Anonymous => "anonymous",
        _ => subject.arn(),
    };
    // What belongs to the principal's account is for records of that account.
    let is_own = subject.subject().account() == Some(cx.account());
    let mut check = check_record::of_question(question, subject, context);
    check.incomplete |= !is_own;
    DecisionRecord {
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
    }
}
