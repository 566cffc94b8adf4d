//! The gRPC front end: every operation of every service, health, reflection and gRPC-Web; and sign-in as plain JSON.
//!
//! There is no code per operation: a call's path names the operation, its message is passed to `service` as bytes, and
//! the response bytes are sent unchanged. Errors become a status with AWS's code as `ErrorInfo`.
//!
//! The crate deliberately does not know storage or what any operation means. No other crate uses tonic.
//!
//! Start reading at [`Front::handle`].

mod call;
pub mod client;
mod codec;
mod front;
pub mod fuzz;
mod json;
mod limited;
mod refusable;
mod status;

pub use front::Front;

/// The body of every response.
pub type Body = tonic::body::Body;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
