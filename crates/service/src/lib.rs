//! The one way in: authenticate, authorize, handle in a transaction, record.
//!
//! Both front ends hand every call to [`Service::call`] as the parts that they received and the operation's message
//! as bytes. What happens then is the same for all operations and written once, in `pipeline`: the caller is proven,
//! the message is validated, and then, in each attempt, the caller is proven again on a snapshot no older than the
//! transaction, the handler names what must be allowed, each of that is decided at that snapshot, the handler runs, and
//! the change commits together with its audit record. The answer leaves when decisions on this server see the change.
//!
//! The crate deliberately does not know wire formats: neither gRPC nor XML.
//!
//! Start reading at [`Service::call`], then `pipeline`. The list of operations that have no handler yet is in
//! `route`.

mod authenticate;
mod body;
mod call;
mod failures;
mod last_used;
mod lockout;
mod log;
mod metrics;
mod pipeline;
mod proof;
mod record;
mod refused;
mod route;
mod service;
#[cfg(test)]
mod tests;
mod turns;

pub use body::BodyError;
pub use call::{Answer, Door, Incoming, Peer, Standing};
pub use metrics::{Metrics, Samples};
pub use refused::Refused;
pub use route::{Coverage, Route};
pub use service::{Parts, Service};
