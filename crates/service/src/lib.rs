//! The pipeline of every call: authenticate, authorize, handle in a transaction, record.
//!
//! A front end passes each call to [`Service::call`], as the parts of the HTTP request and the operation's message in
//! bytes. `pipeline` is the same for all operations. It authenticates the caller and validates the message. Each attempt
//! validates the caller again on a snapshot no older than the transaction, has the handler plan the call, decides every
//! check of the plan on that snapshot, runs the handler, and commits the change together with its audit record. The
//! response is returned when decisions on this server see the change.
//!
//! The crate deliberately does not know wire formats: neither gRPC nor XML.
//!
//! Start reading at [`Service::call`], then `pipeline`. The list of operations that have no handler yet is in
//! `handlers`.

mod authenticate;
mod body;
mod call;
mod call_audit;
mod call_limits;
mod call_rates;
mod caller;
mod conflict_queue;
mod credential_rules;
mod dispatch;
mod failures;
mod handlers;
mod large_requests;
mod last_used;
mod lockout;
mod log;
mod metrics;
mod origin;
mod pipeline;
mod proof;
mod refused;
mod route;
mod service;
mod session_limits;
mod shared;
mod steps;
mod token_buckets;

pub use bailiwick_authz::PeerCertificate;
pub use body::{BodyError, Larger, WholeBody, read_body, read_secret_body};
pub use call::{Answer, FrontEnd, Incoming, Peer, Standing};
pub use large_requests::{LargePlace, LargeRequests};
pub use metrics::{Metrics, Samples};
pub use origin::is_own_origin;
pub use refused::Refused;
pub use route::{Coverage, Route};
pub use service::Service;
pub use shared::Parts;
