//! Verifies what devices and identity providers issue: time-based one-time codes (TOTP, RFC 6238), X.509 certificates.
//!
//! Every function is pure: the time, the seed and what was used before are inputs.
//!
//! The crate deliberately does not know users, stores, accounts, the clock or the network.
//!
//! Start reading at [`Totp`] and [`Certificate`].

mod qr;
mod totp;
mod x509;

pub use qr::{QrError, qr_png};
pub use totp::{SEED_BYTES, STEP_SECONDS, SYNC_WINDOW, Totp, TotpState, otpauth_uri, seed_text};
pub use x509::{Certificate, PrivateKey, X509Error};
