//! What a principal did: actions on resources, with what repeats.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_api::audit as pb;
use bailiwick_evaluator::exceptions::{self, Exception};
use bailiwick_model::{ErrorCode, IamError, Result};
use serde::{Deserialize, Serialize};

use crate::recorded_call::{RecordedCall, RecordedCheck, RecordedValue};

/// The different uses that one generation keeps.
const MAX_USES: usize = 5_000;
/// The operations that are listed as not covered, each with a reason.
const MAX_UNCOVERED: usize = 200;
/// The context key whose values are the condition of `iam:PassRole`.
const PASSED_TO: &str = "iam:PassedToService";
const SOURCE_IP: &str = "aws:SourceIp";

/// What was found.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Found {
    /// The resources of each action.
    pub(super) actions: BTreeMap<String, BTreeMap<String, Use>>,
    /// The calls that the policy allows.
    pub(super) covered: u64,
    /// The records that were read.
    pub(super) records: u64,
    /// The calls that failed.
    pub(super) failed: u64,
    /// The successful calls that needed no permission.
    #[serde(default)]
    pub(super) free: u64,
    /// The times of the first and the last covered call, in microseconds since 1970.
    pub(super) times: Option<(i64, i64)>,
    /// Calls that are not covered, by operation and reason: how many, and the id of one.
    not_covered: BTreeMap<String, BTreeMap<i32, (u64, String)>>,
}

/// How an action was used on a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Use {
    /// The services that a role was passed to; none if a use did not name one.
    pub(super) passed_to: Option<BTreeSet<String>>,
    /// The addresses of the clients, if they are asked for.
    pub(super) addresses: BTreeSet<String>,
}

impl Found {
    /// Notes a call that asked for a decision about another principal.
    pub(super) fn note_request(&mut self, call: &RecordedCall) {
        self.note_uncovered(call, pb::UncoveredReason::DecisionRequest);
    }

    /// Notes a call.
    pub(super) fn note(&mut self, call: &RecordedCall, with_address: bool) {
        use pb::UncoveredReason::{ChecksNotRecorded, NoSourceIp, ResourceNotRecorded};
        if !call.error_code.is_empty() {
            self.failed += 1;
            return;
        }
        // A call without a decision needs no permission.
        let Some(decision) = call.decision() else {
            self.free += 1;
            return;
        };
        if decision.outcome != "ALLOW" {
            self.failed += 1;
            return;
        }
        if decision.checks.is_empty() {
            return self.note_uncovered(call, ChecksNotRecorded);
        }
        if decision.more_checks > 0 || !decision.checks.iter().all(|check| is_named(call, check)) {
            return self.note_uncovered(call, ResourceNotRecorded);
        }
        let needed: Vec<&RecordedCheck> = decision.checks.iter().filter(|check| needs_permission(check)).collect();
        if needed.is_empty() {
            self.free += 1;
            return;
        }
        if with_address && needed.iter().any(|check| address(call, check).is_none()) {
            return self.note_uncovered(call, NoSourceIp);
        }
        for check in needed {
            let resources = self.actions.entry(check.action.clone()).or_default();
            let new = Use {
                passed_to: passed_to(check),
                addresses: address(call, check).filter(|_| with_address).map(str::to_owned).into_iter().collect(),
            };
            match resources.get_mut(call.resource_of(check)) {
                Some(known) => known.add(new),
                None => drop(resources.insert(call.resource_of(check).to_owned(), new)),
            }
        }
        self.covered += 1;
        if let Some(time) = call.time().map(jiff::Timestamp::as_microsecond) {
            self.times = Some(self.times.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
        }
    }

    fn note_uncovered(&mut self, call: &RecordedCall, reason: pb::UncoveredReason) {
        let is_known = self.not_covered.contains_key(&call.event_name);
        if is_known || self.not_covered.len() < MAX_UNCOVERED {
            let reasons = self.not_covered.entry(call.event_name.clone()).or_default();
            reasons.entry(reason.into()).or_insert_with(|| (0, call.event_id.clone())).0 += 1;
        }
    }

    /// What is not covered, by operation.
    pub(super) fn uncovered(&self) -> impl Iterator<Item = pb::UncoveredUse> {
        self.not_covered.iter().flat_map(|(event_name, reasons)| {
            reasons.iter().map(|(reason, (calls, event_id))| pb::UncoveredUse {
                event_name: event_name.clone(),
                reason: *reason,
                calls: super::count(*calls),
                event_id: event_id.clone(),
            })
        })
    }

    /// Replaces resources of an action under one path by a wildcard if there are more than so many.
    pub(super) fn generalise(&mut self, above: usize) {
        for resources in self.actions.values_mut() {
            let mut folders: BTreeMap<String, usize> = BTreeMap::new();
            for folder in resources.keys().filter_map(|resource| folder(resource)) {
                *folders.entry(folder.to_owned()).or_default() += 1;
            }
            let is_wide = |folder: &str| {
                folders.get(folder).is_some_and(|count| *count > above)
                    || resources.contains_key(&format!("{folder}{ANY}"))
            };
            let wide: BTreeSet<String> = resources
                .keys()
                .filter_map(|resource| folder(resource))
                .filter(|folder| is_wide(folder))
                .map(str::to_owned)
                .collect();
            let all = std::mem::take(resources);
            for (resource, used) in all {
                let name = match folder(&resource).filter(|folder| wide.contains(*folder)) {
                    Some(folder) => format!("{folder}{ANY}"),
                    None => resource,
                };
                match resources.get_mut(&name) {
                    Some(known) => known.add(used),
                    None => drop(resources.insert(name, used)),
                }
            }
        }
    }

    /// # Errors
    /// `LimitExceeded` if there are too many different uses.
    pub(super) fn check_size(&self) -> Result<()> {
        let uses: usize = self.actions.values().map(BTreeMap::len).sum();
        if uses > MAX_USES { Err(too_much()) } else { Ok(()) }
    }
}

/// The end of a resource that stands for all under a path. It is in no recorded resource, which has no control characters.
pub(super) const ANY: char = '\u{1}';

impl Use {
    fn add(&mut self, other: Use) {
        self.passed_to = match (self.passed_to.take(), other.passed_to) {
            (Some(mut known), Some(new)) => {
                known.extend(new);
                Some(known)
            }
            _ => None,
        };
        self.addresses.extend(other.addresses);
    }
}

/// The error of a principal that did too many different things.
pub(super) fn too_much() -> IamError {
    IamError::new(
        ErrorCode::LimitExceeded,
        "The principal did too many different things in this window for one policy. Choose a shorter window, or wildcardsAbove.",
    )
}

/// Whether the record has the resource of a check. Context keys that are left out have no part in a policy.
fn is_named(call: &RecordedCall, check: &RecordedCheck) -> bool {
    let resource = call.resource_of(check);
    let is_cut = resource.len() >= crate::event::MAX_TEXT || resource.contains(bailiwick_model::mask::MASK);
    // Records have no control characters; one would be read as `ANY`.
    !check.action.is_empty() && !resource.is_empty() && !is_cut && !resource.contains(char::is_control)
}

fn needs_permission(check: &RecordedCheck) -> bool {
    exceptions::of(&check.action) != Some(Exception::Always)
}

fn passed_to(check: &RecordedCheck) -> Option<BTreeSet<String>> {
    if !check.action.eq_ignore_ascii_case("iam:PassRole") {
        return None;
    }
    match value(check, PASSED_TO)? {
        RecordedValue::One(service) => Some(BTreeSet::from([service.clone()])),
        RecordedValue::Many(_) => None,
    }
}

/// The address of the client of a call; of a decision for another service, the one that the service gave.
fn address<'a>(call: &'a RecordedCall, check: &'a RecordedCheck) -> Option<&'a str> {
    let text = match call.is_decision() {
        false => &call.source_ip_address,
        true => match value(check, SOURCE_IP)? {
            RecordedValue::One(address) => address,
            RecordedValue::Many(_) => return None,
        },
    };
    text.parse::<std::net::IpAddr>().ok().map(|_| text.as_str())
}

fn value<'a>(check: &'a RecordedCheck, name: &str) -> Option<&'a RecordedValue> {
    check.context.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The part of an ARN up to its last slash; none for an ARN without one.
fn folder(resource: &str) -> Option<&str> {
    let name = resource.splitn(6, ':').nth(5)?;
    let end = name.rfind('/')? + 1;
    Some(&resource[..resource.len() - name.len() + end])
}
