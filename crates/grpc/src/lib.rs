//! The gRPC front end: every operation of every service, health, reflection and gRPC-Web.
//!
//! There is no code per operation here: a call's path names the operation, its message goes to `service` as the
//! bytes that came, and what comes back goes out as it is. Errors become a status with AWS's code as `ErrorInfo`.
//!
//! The crate deliberately does not know storage, nor what any operation means; nobody else knows tonic.
//!
//! Start reading at [`Front::handle`].

mod call;
pub mod client;
mod codec;
mod front;
mod limited;
mod refusable;
mod status;

pub use front::Front;

/// The body of every answer.
pub type Body = tonic::body::Body;
