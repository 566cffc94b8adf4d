//! The audit trail: one record per call, allowed or denied, with the fields of CloudTrail's.
//!
//! An [`Event`] is a call as it is told, a [`Record`] what is kept of it: who called, what, from where, when, and how
//! it ended, with request and response as redacted protobuf messages, which are cheap to write and are rendered by
//! their descriptors when somebody reads them. [`Recorder`] writes the records that are not part of a change's own
//! commit: denials and failed authentications before the caller hears of them, reads and issued credentials in batches
//! within a second.
//!
//! The crate deliberately does not know any front end, and decides nothing. It never sees a secret: messages are
//! redacted before they come here.
//!
//! Start reading at [`Event`].

mod event;
mod flood;
mod record;
mod recorder;
mod row;
#[cfg(test)]
mod tests;

pub use event::Event;
pub use record::{Record, Sender, UserIdentity};
pub use recorder::Recorder;
