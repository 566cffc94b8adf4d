//! OpenTelemetry: log records over HTTP, as JSON (OTLP/HTTP), which every collector takes on port 4318.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bailiwick_audit::{Batch, Deliver, DeliveryError, Message, Severity};
use bailiwick_operation::Clock;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};

use super::endpoint::Endpoint;
use super::http::HttpClient;

/// A collector.
pub(super) struct Otlp {
    client: HttpClient,
    clock: Arc<dyn Clock>,
}

impl Otlp {
    /// Reads the files that the endpoint names.
    ///
    /// # Errors
    /// If one can't be used.
    pub(super) fn new(endpoint: Endpoint, clock: Arc<dyn Clock>) -> Result<Self, String> {
        Ok(Otlp { client: HttpClient::new(endpoint)?, clock })
    }
}

#[async_trait]
impl Deliver for Otlp {
    async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError> {
        let now = self.clock.now().as_nanosecond();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let answer = self.client.post(headers, Bytes::from(request(batch, now).to_string())).await?;
        let rejected = rejected(&answer);
        if let Some(why) = rejected {
            // The specification forbids to send them again.
            tracing::error!(batch = batch.id, why, "a collector rejected records of the audit trail");
        }
        Ok(())
    }
}

/// ExportLogsServiceRequest.
fn request(batch: &Batch, now: i128) -> Value {
    let records: Vec<Value> = batch.messages.iter().map(|message| record(message, now)).collect();
    json!({
        "resourceLogs": [{
            "resource": {
                "attributes": [
                    attribute("service.name", "bailiwick"),
                    attribute("service.version", env!("CARGO_PKG_VERSION")),
                ],
            },
            "scopeLogs": [{ "scope": { "name": "bailiwick.audit" }, "logRecords": records }],
        }],
    })
}

fn record(message: &Message, now: i128) -> Value {
    let (number, text) = severity(message.severity);
    // The record as it is, so that nothing is lost in a conversion of types.
    json!({
        "timeUnixNano": message.time.as_nanosecond().to_string(),
        "observedTimeUnixNano": now.to_string(),
        "severityNumber": number,
        "severityText": text,
        "eventName": format!("bailiwick.audit.{}", message.name),
        "body": { "stringValue": message.body },
        "attributes": [attribute("event.id", &message.id), attribute("event.name", &message.name)],
    })
}

fn attribute(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn severity(severity: Severity) -> (u64, &'static str) {
    match severity {
        Severity::Informational => (9, "INFO"),
        Severity::Low => (10, "INFO2"),
        Severity::Medium => (13, "WARN"),
        Severity::High => (17, "ERROR"),
        Severity::Critical => (21, "FATAL"),
    }
}

/// Why a collector rejected some of the records, if it did.
fn rejected(answer: &[u8]) -> Option<String> {
    let answer: BTreeMap<String, Value> = serde_json::from_slice(answer).ok()?;
    let partial = answer.get("partialSuccess")?;
    let count = &partial["rejectedLogRecords"];
    // 64-bit numbers are texts in the JSON of Protocol Buffers.
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok()).filter(|count| *count > 0)?;
    Some(format!("{count} of them: {}", partial["errorMessage"].as_str().unwrap_or("no reason")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_success() {
        assert_eq!(rejected(b"{}"), None);
        assert_eq!(rejected(b""), None);
        assert_eq!(rejected(br#"{"partialSuccess":{}}"#), None);
        assert_eq!(rejected(br#"{"partialSuccess":{"rejectedLogRecords":"0"}}"#), None);
        let some = rejected(br#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"full"}}"#);
        assert_eq!(some.as_deref(), Some("2 of them: full"));
    }
}
