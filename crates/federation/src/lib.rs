//! Verifies what devices and identity providers issue. Today that is time-based one-time codes (TOTP, RFC 6238).
//!
//! Every function is pure: the time, the seed and what was used before are inputs.
//!
//! The crate deliberately does not know users, stores, accounts, the clock or the network.
//!
//! Start reading at [`Totp`].

mod qr;
mod totp;

pub use qr::{QrError, qr_png};
pub use totp::{SEED_BYTES, STEP_SECONDS, SYNC_WINDOW, Totp, TotpState, otpauth_uri, seed_text};
