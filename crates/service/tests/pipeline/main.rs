//! The pipeline with all its parts: what a caller may do while others change the world.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::ops::Deref;

use bailiwick_testing::Pipeline;

mod certificate;
mod credential_rules;
mod lockout;
mod names;
mod own_denials;
mod revoked;
mod saml;
mod sign_in;
mod unsigned;
mod window;

/// A pipeline, with further shorthands of each module.
struct TestEnv(Pipeline);

impl Deref for TestEnv {
    type Target = Pipeline;

    fn deref(&self) -> &Pipeline {
        &self.0
    }
}

impl TestEnv {
    async fn new() -> TestEnv {
        TestEnv(Pipeline::new().await)
    }
}
