//! The messages of records.

use bailiwick_operation::uuid;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::batch::{Message, Severity};
use super::reader::Line;
use super::sign_ins::FailedSignIns;
use super::{SinkEvents, SinkFormat, SinkSettings, alerts, ocsf};
use crate::hash;

/// The name of the event that stands for records which cannot be delivered any more.
const MISSING: &str = "RecordsNotDelivered";

/// The message of a record in the format of a sink; none if it is not for this sink.
pub(super) fn record(
    line: &Line,
    settings: &SinkSettings,
    deployment: &str,
    sign_ins: &mut FailedSignIns,
) -> Option<Message> {
    let severity = if line.is_refused { Severity::Low } else { Severity::Informational };
    let (id, name, time) = (line.event_id.clone(), line.event_name.clone(), line.time);
    formatted(Message { id, name, time, severity, body: line.text.clone() }, settings, deployment, Some(sign_ins))
}

/// Selects a message whose body is a record, and writes it in the format of a sink.
fn formatted(
    message: Message,
    settings: &SinkSettings,
    deployment: &str,
    sign_ins: Option<&mut FailedSignIns>,
) -> Option<Message> {
    let SinkSettings { format, events, .. } = *settings;
    if (format, events) == (SinkFormat::CloudTrail, SinkEvents::All) {
        return Some(message);
    }
    // INVARIANT: the reader passes lines that are JSON.
    let record: Value = serde_json::from_str(&message.body).ok()?;
    let (alert, failures) = match events {
        SinkEvents::All => (None, None),
        SinkEvents::Alerts => {
            let failures = sign_ins.and_then(|sign_ins| sign_ins.note(&record, message.time));
            (Some(alerts::of(&record, failures.is_some())?), failures)
        }
    };
    let severity = alert.map_or(message.severity, |alert| alert.severity);
    let body = match format {
        SinkFormat::CloudTrail => record.clone(),
        SinkFormat::Ocsf => ocsf::event(&record, message.time.as_millisecond(), severity),
    };
    let body = match alert {
        Some(alert) => alerts::cloud_event(alert, deployment, &record, body, failures),
        None => body,
    };
    Some(Message { severity, body: body.to_string(), ..message })
}

/// Records that cannot be delivered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Missing<'a> {
    pub(super) deployment: &'a str,
    /// The number of the first.
    pub(super) first: u64,
    /// The number of the last.
    pub(super) last: u64,
    pub(super) now: Timestamp,
}

/// The message in the place of records that retention removed before they were delivered, or that are damaged.
pub(super) fn missing(of: Missing<'_>, settings: &SinkSettings) -> Option<Message> {
    let Missing { deployment, first, last, now } = of;
    let sink = settings.name.as_str();
    let mut bits = [0; 16];
    // The same at each delivery.
    let hash = hash::of(format!("{deployment}/{sink}/{first}-{last}").as_bytes());
    bits.copy_from_slice(&hash.as_bytes()[..16]);
    let id = uuid(bits);
    let body = json!({
        "eventVersion": "1.11",
        "userIdentity": { "type": "Unknown" },
        "eventTime": format!("{now:.6}"),
        "eventSource": "bailiwick",
        "eventName": MISSING,
        "requestParameters": null,
        "responseElements": null,
        "additionalEventData": {
            "sink": sink,
            "firstSequence": first,
            "lastSequence": last,
            "suppressed": last - first + 1,
        },
        "eventID": id,
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "eventCategory": "Management",
    });
    let message = Message { id, name: MISSING.to_owned(), time: now, severity: Severity::High, body: body.to_string() };
    formatted(message, settings, deployment, None)
}
