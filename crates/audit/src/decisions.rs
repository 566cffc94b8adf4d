//! Records of decisions that other services ask for.
//!
//! They never make an answer wait: they may use half of the queue, and are counted as lost when that is full.

use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bailiwick_api::find_operation;
use bailiwick_model::AccountId;
use bailiwick_operation::{Clock, Cx, DecisionLog, DecisionRecord, Random, RecordedDenial, uuid};

use crate::documents::PolicyDocument;
use crate::queue::{Put, Queue};
use crate::{Event, EventKind, authorization};

mod rate;

pub(crate) use rate::DetailsRate;

/// Of how many decisions one is recorded, if no number is given.
const DEFAULT_SAMPLE: NonZeroU64 = NonZeroU64::new(100).unwrap();

/// Which decisions that other services ask for are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuditDecisions {
    /// None.
    #[default]
    None,
    /// Denials.
    Denied,
    /// One of so many, allowed or denied.
    Sampled(NonZeroU64),
    /// All.
    All,
}

impl FromStr for AuditDecisions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("`{text}` is none of `none`, `denied`, `sampled`, `sampled:N` and `all`");
        Ok(match text.split_once(':') {
            None => match text {
                "none" => AuditDecisions::None,
                "denied" => AuditDecisions::Denied,
                "sampled" => AuditDecisions::Sampled(DEFAULT_SAMPLE),
                "all" => AuditDecisions::All,
                _ => return Err(refused()),
            },
            Some(("sampled", number)) => AuditDecisions::Sampled(number.parse().map_err(|_| refused())?),
            Some(_) => return Err(refused()),
        })
    }
}

/// Records decisions by way of the queue.
pub(crate) struct QueuedDecisions {
    pub(crate) queue: Arc<Queue>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) which: AuditDecisions,
    pub(crate) asked: AtomicU64,
    pub(crate) details: Mutex<DetailsRate>,
}

impl DecisionLog for QueuedDecisions {
    fn wants(&self, is_allowed: bool) -> bool {
        match self.which {
            AuditDecisions::None => false,
            AuditDecisions::Denied => !is_allowed,
            AuditDecisions::Sampled(one_of) => self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(one_of.get()),
            AuditDecisions::All => true,
        }
    }

    fn wants_details(&self, asking: AccountId, principal: &str) -> bool {
        let now = self.clock.now();
        self.details.lock().unwrap_or_else(PoisonError::into_inner).admit(asking, principal, now)
    }

    fn record(
        &self,
        cx: &Cx,
        operation: &'static str,
        decision: &DecisionRecord,
        denial: Option<RecordedDenial>,
    ) -> Option<String> {
        let operation = find_operation(operation)?;
        let mut id = [0; 16];
        self.random.fill(&mut id);
        let mut documents = Vec::new();
        let details = denial.and_then(|RecordedDenial { mut details, documents: texts }| {
            documents = PolicyDocument::of(&mut details, texts);
            authorization::to_json(details)
        });
        let event = Event {
            id,
            request_id: bits(&cx.request().id),
            kind: EventKind::Operation(operation),
            time: self.clock.now(),
            request: cx.shared_request(),
            caller: Some(cx.shared_caller()),
            unsigned: None,
            partition: cx.partition(),
            resource: Some(&decision.resource),
            parameters: &[],
            response: &[],
            changes_nothing: false,
            error: None,
            decision: Some(decision),
            authorization: details.as_deref(),
            documents: &documents,
            suppressed: 0,
        };
        let put = self.queue.put_if_half_empty(&event);
        details.filter(|_| put == Put::Queued).map(|_| authorization::authorization_id(&uuid(id)))
    }
}

/// The bits of a UUID.
fn bits(uuid: &str) -> [u8; 16] {
    let digits: String = uuid.chars().filter(|c| *c != '-').collect();
    u128::from_str_radix(&digits, 16).unwrap_or_default().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use bailiwick_operation::uuid;

    use super::*;

    #[test]
    fn settings_are_read() {
        let sampled = |number| Ok(AuditDecisions::Sampled(NonZeroU64::new(number).unwrap()));
        for (text, expected) in [
            ("none", Ok(AuditDecisions::None)),
            ("denied", Ok(AuditDecisions::Denied)),
            ("sampled", sampled(100)),
            ("sampled:7", sampled(7)),
            ("all", Ok(AuditDecisions::All)),
            ("sampled:0", Err(())),
            ("sampled:-1", Err(())),
            ("denied:5", Err(())),
            ("All", Err(())),
            ("", Err(())),
        ] {
            assert_eq!(text.parse::<AuditDecisions>().map_err(drop), expected, "{text}");
        }
    }

    #[test]
    fn the_request_id_is_that_of_the_answer() {
        let id = uuid([0xab; 16]);
        assert_eq!(uuid(bits(&id)), id);
        assert_eq!(bits("no id"), [0; 16]);
    }
}
