//! Failed attempts at MFA codes, per user or root, over all of their devices.
//!
//! They outlive a device: deactivating and creating devices gives no further guesses.

use bailiwick_model::{AccountId, Result};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    access_key::KeyOwner,
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, Kind},
    tx::Tx,
};

/// The failed attempts at MFA codes of a user or root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MfaFailures {
    /// When no failure counts any more. Each failure moves this time on.
    pub forgotten: Timestamp,
}

impl Tx {
    /// The failed attempts of a user or root, if there were any. The commit depends on them, so that attempts at the
    /// same time are all counted.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn mfa_failures(&mut self, account: AccountId, owner: &KeyOwner) -> Result<Option<MfaFailures>> {
        self.read(key(account, owner)).await
    }

    /// Stores the failed attempts of a user or root.
    pub fn put_mfa_failures(&mut self, account: AccountId, owner: &KeyOwner, failures: MfaFailures) {
        self.put_record(key(account, owner), &failures);
    }
}

fn key(account: AccountId, owner: &KeyOwner) -> Bytes {
    keys::owned(account, Kind::MfaFailures, owner.user(), "")
}

impl AsMessage for MfaFailures {
    type Message = pb::MfaFailures;
    const NAME: &'static str = "MFA failures";

    fn to_message(&self) -> pb::MfaFailures {
        pb::MfaFailures { forgotten: self.forgotten.as_microsecond() }
    }

    fn from_message(message: pb::MfaFailures) -> Result<Self, Malformed> {
        Ok(MfaFailures { forgotten: codec::time(message.forgotten)? })
    }
}
