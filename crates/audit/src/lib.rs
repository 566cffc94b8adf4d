//! The audit trail: one record per call, allowed or denied, with the fields of CloudTrail's.
//!
//! [`Record`] is what is kept: who called, what, from where, when, and how it ended, with request and response as
//! redacted protobuf messages, which are cheap to write and are rendered by their descriptors when somebody reads
//! them. [`Recorder`] writes the records that are not part of a change's own commit: denials and failed
//! authentications before the caller hears of them, reads and issued credentials in batches within a second.
//!
//! The crate deliberately does not know any front end, and decides nothing. It never sees a secret: messages are
//! redacted before they come here.
//!
//! Start reading at [`Record`].

mod flood;
mod record;
mod recorder;

pub use record::{Record, Subject};
pub use recorder::Recorder;
