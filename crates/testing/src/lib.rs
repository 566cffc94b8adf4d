//! What the tests of several crates share: one clock, one randomness, one deployment, one populated world, signed
//! requests, and the whole pipeline over a store in memory. A dev-dependency only; nothing of it is in the server.
//!
//! A unit test of a crate is compiled with a second copy of that crate: the types of the copy differ from those of the
//! library that this crate depends on. So the crate has two layers:
//! - **Without features** it depends only on `operation` and the crates below it. Unit tests of `directory`, `sts`, `audit`
//!   and `authz` use this layer. It is generic where it needs a handler: [`HandlerTest`] takes any type that implements
//!   `Handle`, so the handler can be the one under test.
//! - **With the feature `pipeline`** it also depends on `service` and the crates between. Only integration tests
//!   (`tests/` of `service` and of the crates above it) use `Pipeline`: they link the library like any other program,
//!   so there is one copy of its types. Such a test sees the public items only.
//!
//! The feature `fuzz` adds the fuzz targets: `fuzz/` runs them on generated inputs, `tests/corpora.rs` on the inputs in
//! `fuzz/corpus`.
//!
//! It deliberately does not know front ends, files and processes, except for the folder of audit segments.
//!
//! Start reading at [`World`]; then [`HandlerTest`], or `Pipeline`.
#![expect(clippy::unwrap_used, reason = "a test environment fails by a panic")]

mod account;
pub mod authenticator;
mod callers;
mod clock;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod handler;
mod key;
mod request;
pub mod saml;
mod world;

#[cfg(feature = "pipeline")]
mod holding;
#[cfg(feature = "pipeline")]
mod pipeline;

pub use account::{MAIN, OTHER, SUSPENDED, THIRD, account};
pub use callers::{caller, request_info, root, session, user};
pub use clock::{ManualClock, SeededRandom, noon, time};
pub use handler::HandlerTest;
pub use key::Key;
pub use request::TestRequest;
pub use world::{World, deployment, put_inline, sealer};

#[cfg(feature = "pipeline")]
pub use holding::HoldingStore;
#[cfg(feature = "pipeline")]
pub use pipeline::{ALLOW_ALL, Client, Pipeline, assume_role};

use bailiwick_model::{Arn, Result};

/// The code and message of an error.
///
/// # Panics
/// If the result is not an error.
pub fn refusal<T: std::fmt::Debug>(result: Result<T>) -> (&'static str, String) {
    let error = result.unwrap_err();
    (error.code().wire(), error.message().to_owned())
}

/// The code of an error, or `OK`.
pub fn code<T>(result: &Result<T>) -> &'static str {
    result.as_ref().map_or_else(|error| error.code().wire(), |_| "OK")
}

/// Parses an ARN.
pub fn arn(text: &str) -> Arn {
    Arn::parse(text).unwrap()
}
