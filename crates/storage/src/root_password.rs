//! The password of the root user of an account.

use bailiwick_model::Result;
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    account_setting::AccountSetting,
    codec::{self, AsMessage, Malformed, pb},
    keys::Kind,
};

/// The password of an account's root user, as a sealed hash. Without this setting root cannot sign in.
#[derive(Clone, PartialEq, Eq)]
pub struct RootPassword {
    /// When the password last changed.
    pub changed: Timestamp,
    /// The hash, sealed.
    pub sealed_hash: Bytes,
    /// When root last signed in with a password, if ever.
    pub last_used: Option<Timestamp>,
}

impl std::fmt::Debug for RootPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RootPassword").field("changed", &self.changed).finish_non_exhaustive()
    }
}

impl AccountSetting for RootPassword {
    const KIND: Kind = Kind::RootPassword;
}

impl AsMessage for RootPassword {
    type Message = pb::RootPassword;
    const NAME: &'static str = "root password";

    fn to_message(&self) -> pb::RootPassword {
        pb::RootPassword {
            changed: self.changed.as_microsecond(),
            sealed_hash: self.sealed_hash.to_vec(),
            last_used: self.last_used.map(Timestamp::as_microsecond),
        }
    }

    fn from_message(message: pb::RootPassword) -> Result<Self, Malformed> {
        Ok(RootPassword {
            changed: codec::time(message.changed)?,
            sealed_hash: message.sealed_hash.into(),
            last_used: codec::maybe_time(message.last_used)?,
        })
    }
}
