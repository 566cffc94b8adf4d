//! Verification and signing with AWS Signature Version 4, for any service written in Rust.
//!
//! A request is anything with a method, a path, a query string and headers ([`Request`]): an HTTP request, gRPC
//! metadata, or the parts of a request that another service received. Verification has two steps with the caller's key
//! look-up between them: [`parse`] returns the claimed access key, scope and time; [`UnverifiedSignature::verify`]
//! proves them with a [`SigningKey`]. [`sign`] and [`presign`] make signatures.
//!
//! The crate has no users, key store, clock or HTTP library: the time and the key are arguments. It accepts what AWS's
//! clients send and refuses every ambiguous request; [`attacks`] lists them with reasons. Start at [`parse`], then
//! [`VerifyOptions`].
//!
//! ```
//! use bailiwick_sigv4::{Credentials, PayloadHash, VerifyOptions, Request, Signing, SigningKey, parse, sign};
//!
//! let now: jiff::Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
//! let body = b"Action=ListUsers&Version=2010-05-08";
//! let credentials = Credentials::new("AKIDLITTLEGREENFROG1", "a secret that only two parties know");
//! let host: &[(&str, &[u8])] = &[("host", b"iam.example.com")];
//! let request = Request { method: "POST", path: "/", query: "", headers: host };
//!
//! let signing = Signing::new(&credentials, "us-east-1", "iam", now);
//! let added = sign(&request, &signing, &PayloadHash::of(body)).unwrap();
//!
//! let mut headers = host.to_vec();
//! headers.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
//! let received = Request { headers: &headers, ..request };
//!
//! let signed = parse(&received).unwrap().expect("it is signed");
//! assert_eq!(signed.access_key_id(), "AKIDLITTLEGREENFROG1");
//! signed.expect_service(&["iam"]).unwrap();
//! let key = SigningKey::derive(b"a secret that only two parties know", signed.scope());
//! signed.verify(&key, now, &VerifyOptions::default(), Some(&PayloadHash::of(body))).unwrap();
//! assert!(signed.verify(&key, now, &VerifyOptions::default(), Some(&PayloadHash::of(b"Action=DeleteUser"))).is_err());
//! ```

pub mod attacks;
mod canonical;
mod date;
mod encode;
mod error;
mod header;
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
