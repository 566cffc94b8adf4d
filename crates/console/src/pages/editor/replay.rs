//! What a proposed document would have changed: the decisions of the last days, decided again with it.

use bailiwick_api::audit::{
    NewPolicyVersion, PolicyChange, PutInlinePolicy, ReplayRequest, ReplayResponse, ReplayedDecision, ReplayedOutcome,
    policy_change::Change,
};
use bailiwick_api::op;
use prost_types::Timestamp;

use crate::pages::rows;
use crate::person::Person;
use crate::view::{Cell, Table, link_of_arn};

/// How far back decisions are replayed, in seconds.
const WINDOW: i64 = 7 * 86_400;

/// What the document of the editor would be.
pub(crate) enum Proposed {
    /// An inline policy of a user, group or role.
    Inline { identity_arn: String, policy_name: String },
    /// The default version of a managed policy.
    Version { policy_arn: String },
}

/// The decisions that the document would change.
pub(super) struct Replayed {
    /// What the table covers.
    pub(super) about: String,
    pub(super) table: Table,
}

impl Proposed {
    /// Replays with this document.
    pub(super) async fn replay(&self, person: &Person<'_>, document: &str) -> Replayed {
        let policy_document = document.to_owned();
        let change = match self {
            Proposed::Inline { identity_arn, policy_name } => Change::PutInlinePolicy(PutInlinePolicy {
                identity_arn: identity_arn.clone(),
                policy_name: policy_name.clone(),
                policy_document,
            }),
            Proposed::Version { policy_arn } => {
                Change::NewPolicyVersion(NewPolicyVersion { policy_arn: policy_arn.clone(), policy_document })
            }
        };
        let start = Timestamp { seconds: person.request.now.as_second() - WINDOW, nanos: 0 };
        let asked = ReplayRequest {
            changes: vec![PolicyChange { change: Some(change) }],
            start_time: Some(start),
            ..ReplayRequest::default()
        };
        let found = person.call::<op::Replay>(asked).await;
        let about = found.as_ref().map(about).unwrap_or_default();
        let empty = "None of them would be decided differently.";
        let columns = ["Time", "Principal", "Action", "Resource", "Today", "With this document"];
        let table = person.table("What would change", &columns, empty);
        let row = |decision| row(person, decision);
        Replayed { about, table: rows(table, found.map(|found| found.differences.into_iter().map(row).collect())) }
    }
}

fn about(found: &ReplayResponse) -> String {
    let not_replayable: i64 = found.not_replayable.iter().map(|one| one.decisions).sum();
    let more = match &found.marker {
        Some(_) => " Older ones were not looked at: `bailiwick replay` goes on.",
        None => "",
    };
    format!(
        "Of the decisions of the last seven days, {} were made again; {not_replayable} lack a part of their context.{more}",
        found.replayed
    )
}

fn row(person: &Person<'_>, decision: ReplayedDecision) -> Vec<Cell> {
    let outcome = |outcome: Option<ReplayedOutcome>| match outcome.unwrap_or_default().outcome.as_str() {
        "ALLOW" => Cell::badge("good", "allowed"),
        "EXPLICIT_DENY" => Cell::badge("bad", "denied by a statement"),
        _ => Cell::badge("bad", "denied"),
    };
    vec![
        Cell::Time(person.moment(decision.event_time.as_ref())),
        link_of_arn(&decision.principal_arn),
        Cell::text(decision.action),
        Cell::text(decision.resource),
        outcome(decision.before),
        outcome(decision.after),
    ]
}
