#![doc = include_str!("../README.md")]
//!
//! # Reading the code
//!
//! Start at [`parse()`], then [`VerifyOptions`]; the module [`attacks`] lists the requests that are refused, with
//! reasons.

pub mod attacks;
mod canonical;
mod crypto;
mod date;
mod encode;
mod error;
mod header;
#[cfg(feature = "http")]
mod http;
mod key;
mod parse;
mod path;
mod payload;
mod presigned;
mod query;
mod request;
mod scope;
mod sign;
mod unverified;
mod verify;

pub use error::SigV4Error;
#[cfg(feature = "http")]
pub use http::{HttpRequest, sign_http};
/// The time of a signature, and the one that it is verified at.
pub use jiff::Timestamp;
pub use key::SigningKey;
pub use parse::parse;
pub use path::PathRule;
pub use payload::{Payload, PayloadHash};
pub use request::Request;
pub use scope::Scope;
pub use sign::{Credentials, Signing, presign, sign};
pub use unverified::{Mechanism, SessionToken, UnverifiedSignature};
pub use verify::{AbsentPayload, SignatureWindow, VerifyOptions};

/// The algorithm that this crate verifies and signs with.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";
