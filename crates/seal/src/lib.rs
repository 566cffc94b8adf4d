//! Authenticated encryption of secrets at rest, tokens, handles and page markers, with keys that rotate.
//!
//! A [`Sealer`] seals bytes for one [`KeyPurpose`] under associated data; they open for the same purpose and data
//! alone. Its keys are random and live in a [`Keyring`], which is stored wrapped under the [`MasterKey`]; so the
//! master key can change without anything else being sealed again, and each purpose's key can be replaced while what
//! older ones sealed still opens. A [`RowKey`] of it authenticates what is stored in clear. The algorithm is
//! AES-256-GCM-SIV throughout. [`Secret`] and [`SecretString`] hold what must not be seen.
//!
//! The crate deliberately does not know what it seals, where keyrings are stored, or what time it is.
//!
//! Start reading at [`Sealer`], then [`Keyring`].

mod error;
mod key;
mod keyring;
mod master;
mod purpose;
mod row;
mod sealer;
mod secret;
mod wrapped;

pub use error::SealError;
pub use keyring::Keyring;
pub use master::MasterKey;
pub use purpose::KeyPurpose;
pub use row::{RowKey, TAG, TagKind};
pub use sealer::Sealer;
pub use secret::{Secret, SecretString};
pub use wrapped::WrappedKeyring;
