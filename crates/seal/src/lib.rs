//! Authenticated encryption of secrets at rest, tokens, handles and page markers, with keys that rotate.
//!
//! A [`Sealer`] seals bytes for one [`KeyPurpose`] with associated data; they open only for the same purpose and data.
//! Its random keys are in a [`Keyring`], which is stored wrapped under the [`MasterKey`]. So the master key can change
//! without sealing everything again, and the key of each purpose can be replaced while older sealed bytes still open. A
//! [`RowKey`], derived from the keyring, authenticates rows that are stored in clear. The algorithm is AES-256-GCM-SIV
//! throughout. [`PasswordHash`] is the Argon2id hash of a password. [`Secret`] and [`SecretString`] contain secrets and hide them from `Debug`.
//!
//! The crate deliberately does not know what it seals, where keyrings are stored, or the current time.
//!
//! Start reading at [`Sealer`], then [`Keyring`].

mod error;
mod key;
mod keyring;
mod master;
mod password;
mod purpose;
mod row;
mod sealer;
mod secret;
mod wrapped;

pub use error::SealError;
pub use keyring::Keyring;
pub use master::MasterKey;
pub use password::PasswordHash;
pub use purpose::KeyPurpose;
pub use row::{RowKey, TAG, TagKind};
pub use sealer::Sealer;
pub use secret::{Secret, SecretString};
pub use wrapped::WrappedKeyring;
