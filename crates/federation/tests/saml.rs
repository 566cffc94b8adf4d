//! SAML responses that are valid, and many that are not.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

#[path = "../../testing/src/saml.rs"]
#[expect(unreachable_pub, reason = "a public module of the crate that it belongs to")]
mod idp;

mod saml {
    mod forged;
    mod valid;
}
