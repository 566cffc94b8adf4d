//! Sinks: other systems that get the records of the trail, in order and at least once.
//!
//! A [`Sink`] reads the segments from the place after the last record that it has delivered, and stores that place after
//! each acknowledged batch. The trail on the disk is the buffer: a sink that is slow or away delays no call, and its
//! memory is bounded by one batch. Retention does not wait for sinks; records that were removed before they were
//! delivered are reported by a message in their place ([`encode::missing`]).
//!
//! How a batch gets to its receiver is outside of this crate: see [`Deliver`].

use std::time::Duration;

mod alerts;
mod batch;
mod encode;
mod ocsf;
mod position;
mod reader;
mod run;
mod sign_ins;
mod status;
#[cfg(test)]
mod tests;

pub use batch::{Batch, Deliver, DeliveryError, Message, Severity};
pub use position::{SinkFailure, SinkFile, last_record, stored_sinks};
pub use run::Sink;
pub use sign_ins::SignInThreshold;
pub use status::SinkStatus;

/// The time for the delivery of one batch.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long records are collected after the first one that waits.
const LINGER: Duration = Duration::from_millis(200);
/// The pause after the first failed delivery; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How often the place is stored while nothing that was read is for this sink.
const STORE_INTERVAL: Duration = Duration::from_secs(30);

/// What a sink gets, and in which portions.
#[derive(Clone, Debug)]
pub struct SinkSettings {
    /// The name: that of its file, and of its metrics. Letters, digits, `-` and `_`.
    pub name: String,
    /// Where a sink begins that has delivered nothing yet.
    pub start: SinkStart,
    /// Which records it gets.
    pub events: SinkEvents,
    /// How they are written.
    pub format: SinkFormat,
    /// The most records of a batch; at least 1.
    pub max_records: usize,
    /// A batch ends with the record that reaches so many bytes.
    pub max_bytes: usize,
    /// When failed sign-ins are an alert.
    pub sign_ins: SignInThreshold,
}

/// Where a new sink begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SinkStart {
    /// At the first record that the trail still has.
    Start,
    /// After the last record that the trail has.
    #[default]
    End,
}

/// Which records a sink gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SinkEvents {
    /// All.
    #[default]
    All,
    /// Those that are alerts, as CloudEvents whose data is the record.
    Alerts,
}

/// How records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SinkFormat {
    /// As they are stored.
    #[default]
    CloudTrail,
    /// As events of the Open Cybersecurity Schema Framework.
    Ocsf,
}

impl SinkSettings {
    /// The usual number of records in a batch.
    pub const MAX_RECORDS: usize = 500;
    /// The usual size of a batch in bytes.
    pub const MAX_BYTES: usize = 1024 * 1024;

    /// A sink with batches of the usual size that begins at the end.
    pub fn named(name: impl Into<String>) -> Self {
        SinkSettings {
            name: name.into(),
            start: SinkStart::End,
            events: SinkEvents::All,
            format: SinkFormat::CloudTrail,
            max_records: Self::MAX_RECORDS,
            max_bytes: Self::MAX_BYTES,
            sign_ins: SignInThreshold::USUAL,
        }
    }
}
