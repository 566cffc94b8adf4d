//! What is delivered.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// Takes batches to a receiver.
#[async_trait]
pub trait Deliver: Send + Sync + 'static {
    /// Delivers a batch, and returns once the receiver has acknowledged all of it. After an error, the same batch is
    /// delivered again. The future may be dropped at any time.
    ///
    /// # Errors
    /// If the receiver has not acknowledged the batch.
    async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError>;
}

/// Messages that follow one another in the trail.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The same at each attempt to deliver it: the deployment, the sink, and the numbers of the records.
    pub id: String,
    /// The messages, in order; at least one.
    pub messages: Vec<Message>,
}

/// What is delivered of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The id of the event, a UUID; the same at each delivery.
    pub id: String,
    /// `eventName`.
    pub name: String,
    /// When the event happened.
    pub time: Timestamp,
    /// How much attention it needs.
    pub severity: Severity,
    /// A JSON object without line feeds.
    pub body: String,
}

/// How much attention an event needs, with the numbers of OCSF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// No action is required.
    Informational = 1,
    /// The user decides whether action is needed.
    Low = 2,
    /// Action is required, and the situation is not serious.
    Medium = 3,
    /// Action is required at once.
    High = 4,
    /// Action is required at once, and the scope is broad.
    Critical = 5,
}

/// A batch was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryError {
    /// Why, without secrets.
    pub message: String,
    /// How long the receiver asks to wait.
    pub retry_after: Option<Duration>,
}

impl DeliveryError {
    /// An error with this message.
    pub fn new(why: impl fmt::Display) -> Self {
        DeliveryError { message: why.to_string(), retry_after: None }
    }
}

impl fmt::Display for DeliveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Severity {
    /// The name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Informational => "informational",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}
