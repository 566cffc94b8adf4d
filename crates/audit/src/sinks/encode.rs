//! The messages of records.

use bailiwick_operation::uuid;
use jiff::Timestamp;
use serde_json::json;

use super::batch::{Message, Severity};
use super::reader::Line;
use crate::hash;

/// The name of the event that stands for records which cannot be delivered any more.
const MISSING: &str = "RecordsNotDelivered";

/// The message of a record.
pub(super) fn record(line: &Line) -> Message {
    Message {
        id: line.event_id.clone(),
        name: line.event_name.clone(),
        time: line.time,
        severity: if line.is_refused { Severity::Low } else { Severity::Informational },
        body: line.text.clone(),
    }
}

/// Records that cannot be delivered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Missing<'a> {
    pub(super) deployment: &'a str,
    pub(super) sink: &'a str,
    /// The number of the first.
    pub(super) first: u64,
    /// The number of the last.
    pub(super) last: u64,
    pub(super) now: Timestamp,
}

/// The message in the place of records that retention removed before they were delivered, or that are damaged.
pub(super) fn missing(of: Missing<'_>) -> Message {
    let Missing { deployment, sink, first, last, now } = of;
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
    Message { id, name: MISSING.to_owned(), time: now, severity: Severity::High, body: body.to_string() }
}
