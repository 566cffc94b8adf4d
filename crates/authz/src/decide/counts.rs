//! Counters of decisions since the start.

use std::sync::atomic::{AtomicU64, Ordering};

use bailiwick_evaluator::{Decision, Outcome, Step};
use bailiwick_model::Result;

/// The party that a decision is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedBy {
    /// One of Bailiwick's own operations.
    Operation,
    /// A service that asks over `authz.v1`.
    Service,
}

/// A decision counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionCount {
    /// `operation` or `service`: the party that the decisions were made for.
    pub asked_by: &'static str,
    /// `allowed`, `explicitDeny`, `implicitDeny`, or `error` if there was no decision.
    pub outcome: &'static str,
    /// The step of the evaluation that determined the outcome; `none` for an error.
    pub step: &'static str,
    /// The number of decisions.
    pub count: u64,
}

const ASKED_BY: [(AskedBy, &str); 2] = [(AskedBy::Operation, "operation"), (AskedBy::Service, "service")];
const OUTCOMES: [Outcome; 3] = [Outcome::Allowed, Outcome::ExplicitDeny, Outcome::ImplicitDeny];
const STEPS: [Step; 10] = [
    Step::Exception,
    Step::ExplicitDeny,
    Step::Rcp,
    Step::Scp,
    Step::SessionScope,
    Step::SameAccount,
    Step::CrossAccount,
    Step::Root,
    Step::Unattached,
    Step::Endpoint,
];

/// The counters for one party.
#[derive(Debug, Default)]
struct Counters {
    decided: [[AtomicU64; STEPS.len()]; OUTCOMES.len()],
    errors: AtomicU64,
}

/// All decision counters. Incremented without a lock.
#[derive(Debug, Default)]
pub struct DecisionCounts([Counters; ASKED_BY.len()]);

impl DecisionCounts {
    /// Counts a decision or an error, and returns it.
    pub(crate) fn note(&self, asked_by: AskedBy, decision: Result<Decision>) -> Result<Decision> {
        let counters = &self.0[asked_by as usize];
        let counter = match &decision {
            Ok(decision) => &counters.decided[position(decision.outcome)][decision.step as usize],
            Err(_) => &counters.errors,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        decision
    }

    /// The counters that are not zero.
    pub fn read(&self) -> Vec<DecisionCount> {
        let mut all = Vec::new();
        for ((_, asked_by), counters) in ASKED_BY.into_iter().zip(&self.0) {
            for (outcome, of_outcome) in OUTCOMES.into_iter().zip(&counters.decided) {
                for (step, counter) in STEPS.into_iter().zip(of_outcome) {
                    let count = counter.load(Ordering::Relaxed);
                    all.push(DecisionCount { asked_by, outcome: outcome.as_str(), step: step.as_str(), count });
                }
            }
            let count = counters.errors.load(Ordering::Relaxed);
            all.push(DecisionCount { asked_by, outcome: "error", step: "none", count });
        }
        all.retain(|counter| counter.count > 0);
        all
    }
}

fn position(outcome: Outcome) -> usize {
    match outcome {
        Outcome::Allowed => 0,
        Outcome::ExplicitDeny => 1,
        Outcome::ImplicitDeny => 2,
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_model::IamError;

    use super::*;

    #[test]
    fn every_decision_has_its_own_counter() {
        let counts = DecisionCounts::default();
        let (mut expected, mut times) = (Vec::new(), 0);
        for (asked_by, name) in ASKED_BY {
            for outcome in OUTCOMES {
                for step in STEPS {
                    times += 1;
                    for _ in 0..times {
                        let decision = Decision { outcome, step, statement: None, lacking: None };
                        assert!(counts.note(asked_by, Ok(decision)).is_ok());
                    }
                    let (outcome, step) = (outcome.as_str(), step.as_str());
                    expected.push(DecisionCount { asked_by: name, outcome, step, count: times });
                }
            }
            assert!(counts.note(asked_by, Err(IamError::validation("no"))).is_err());
            expected.push(DecisionCount { asked_by: name, outcome: "error", step: "none", count: 1 });
        }
        assert_eq!(counts.read(), expected);
        assert_eq!(DecisionCounts::default().read(), []);
    }
}
