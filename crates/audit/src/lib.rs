//! The audit trail: one record per call, allowed or denied, in CloudTrail's record format.
//!
//! An [`Event`] is a call, a [`Record`] what is stored of it: caller, operation, source, time and outcome, with request
//! and response as redacted protobuf messages. Records are written to segments, append-only files with one JSON object
//! per line, chained by hashes (`segments`). [`Recorder`] writes them: the record of a change is a row of the same
//! commit and is shipped from this outbox; denials and failed authentications are durable before the caller gets the
//! answer, up to a rate limit; reads and issued credentials are written within a second. [`LookUp`] finds events again, and
//! a [`Sink`] delivers them to other systems.
//!
//! The crate deliberately does not know front ends, and does not decide anything. Descriptors determine which fields
//! are secrets and are removed; text that looks like a secret is masked in all fields (`message`).
//!
//! Start reading at [`Event`].

mod append;
pub mod authorization;
mod checkpoint;
mod cloud_trail;
mod compressed;
mod decisions;
mod denials;
mod digest;
mod disk;
mod documents;
mod event;
mod files;
mod handlers;
mod hash;
mod housekeeping;
mod index;
mod json;
mod limit;
mod look_up;
mod message;
mod policy_generation;
mod query;
mod queue;
mod record;
mod recorded_call;
mod recorded_calls;
mod recorder;
mod row;
mod segments;
mod sequence;
mod settings;
mod shape;
mod sinks;
mod stats;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub use checkpoint::{checkpoint_sequence, is_checkpoint};
pub use cloud_trail::CloudTrail;
pub use decisions::AuditDecisions;
pub use denials::Denials;
pub use digest::key::PublicKey;
pub use digest::stored::check_signing_keys;
pub use documents::PolicyDocument;
pub use event::{Event, EventKind, Unroutable};
pub use look_up::{LookUp, Tail};
pub use query::{Attribute, Found, Page, Position, PositionError, Query};
pub use record::{CallOrigin, CertificateIdentity, Record, UserIdentity};
pub use recorded_call::{RecordedCall, RecordedCheck, RecordedDecision, RecordedSession, RecordedValue};
pub use recorded_calls::{CallPage, CallPosition, CallQuery, RecordedPrincipal};
pub use recorder::{Admitted, Recorder};
pub use segments::unopened_segments;
pub use settings::{Retention, Settings};
pub use sinks::{
    Batch, Deliver, DeliveryError, Message, Severity, SignInThreshold, Sink, SinkEvents, SinkFailure, SinkFile,
    SinkFormat, SinkSettings, SinkStart, SinkStatus, last_record, stored_sinks,
};
pub use stats::Stats;
pub use verify::{Anchor, Expected, Fault, Report, Trust, verify};
