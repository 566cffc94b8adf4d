//! The audit trail: one record per call, allowed or denied, in CloudTrail's record format.
//!
//! An [`Event`] is a call as it is handed over, a [`Record`] what is kept of it: who called, what, from where, when, and
//! how it ended, with request and response as redacted protobuf messages. Records end up in segments, append-only files
//! of one JSON object a line, chained by hashes (`segments`). [`Recorder`] brings them there: the record of a
//! change is a row of the change's own commit and is shipped from that outbox; denials and failed authentications are on
//! the disk before the caller hears of them, as long as these are not too many; reads and issued credentials follow
//! within a second.
//!
//! The crate deliberately does not know any front end, and decides nothing. Secrets are taken out by the descriptors,
//! and what looks like one is masked wherever it stands (`message`).
//!
//! Start reading at [`Event`].

mod checkpoint;
mod disk;
mod event;
mod json;
mod limit;
mod message;
mod queue;
mod record;
mod recorder;
mod row;
mod segments;
mod settings;
mod shape;
mod stats;
#[cfg(test)]
mod tests;
mod writer;

pub use event::{Event, EventKind, Unroutable};
pub use record::{CallOrigin, Record, UserIdentity};
pub use recorder::Recorder;
pub use settings::Settings;
pub use stats::Stats;
