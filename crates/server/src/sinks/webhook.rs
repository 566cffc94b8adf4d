//! Webhooks: signed POST requests.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bailiwick_audit::{Batch, Deliver, DeliveryError};
use bailiwick_operation::Clock;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::endpoint::Endpoint;
use super::http::HttpClient;
use super::signature;

/// The settings of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebhookSettings {
    pub(crate) endpoint: Endpoint,
    /// The file with the secrets that sign.
    pub(crate) secret_file: PathBuf,
    pub(crate) body: WebhookBody,
    /// Whether the messages are CloudEvents.
    pub(crate) is_cloud_events: bool,
}

/// What a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WebhookBody {
    /// A JSON array of messages.
    Array,
    /// A message a line.
    Lines,
    /// One message.
    Single,
}

/// A receiver over HTTP.
pub(super) struct Webhook {
    client: HttpClient,
    settings: WebhookSettings,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// If one can't be used.
    pub(super) fn new(settings: WebhookSettings, clock: Arc<dyn Clock>) -> Result<Self, String> {
        signature::keys(&settings.secret_file)?;
        let client = HttpClient::new(settings.endpoint.clone())?;
        Ok(Webhook { client, settings, clock })
    }
}

impl Webhook {
    /// Sends one request.
    async fn post(&mut self, id: String, kind: &'static str, body: String) -> Result<(), DeliveryError> {
        let timestamp = self.clock.now().as_second();
        let signature = signature::sign(&self.settings.secret_file, &id, timestamp, body.as_bytes());
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        let own = [
            ("webhook-id", id),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature.map_err(DeliveryError::new)?),
        ];
        for (name, value) in own {
            let value = HeaderValue::try_from(value).map_err(DeliveryError::new)?;
            headers.insert(HeaderName::from_static(name), value);
        }
        self.client.post(headers, Bytes::from(body)).await.map(drop)
    }
}

#[async_trait]
impl Deliver for Webhook {
    async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError> {
        let (of_one, of_many) = if self.settings.is_cloud_events {
            ("application/cloudevents+json", "application/cloudevents-batch+json")
        } else {
            ("application/json", "application/json")
        };
        match self.settings.body {
            WebhookBody::Array => self.post(batch.id.clone(), of_many, array(batch)).await,
            WebhookBody::Lines => self.post(batch.id.clone(), "application/x-ndjson", lines(batch)).await,
            WebhookBody::Single => {
                for message in &batch.messages {
                    let id = format!("{}-{}", batch.id, message.id);
                    self.post(id, of_one, message.body.clone()).await?;
                }
                Ok(())
            }
        }
    }
}

fn array(batch: &Batch) -> String {
    let mut body = String::with_capacity(size(batch));
    for message in &batch.messages {
        body.push(if body.is_empty() { '[' } else { ',' });
        body.push_str(&message.body);
    }
    body.push(']');
    body
}

fn lines(batch: &Batch) -> String {
    let mut body = String::with_capacity(size(batch));
    for message in &batch.messages {
        body.push_str(&message.body);
        body.push('\n');
    }
    body
}

fn size(batch: &Batch) -> usize {
    batch.messages.iter().map(|message| message.body.len() + 1).sum::<usize>() + 1
}
