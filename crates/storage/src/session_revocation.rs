//! Revoked sessions, by access key or delegation request.
//!
//! A revocation outlives every session that it ends, and is deleted afterwards, a few at a time, by later ones of the
//! account.

use bailiwick_model::{AccountId, Result};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::codec::{self, AsMessage, Malformed, pb};
use crate::keys::{self, Kind};
use crate::tx::Tx;

/// The longest that a session lasts from the time that counts as that of its issue. An accepted delegation request is
/// sent within seven days, and then lasts up to twelve hours; its sessions count as issued when it was accepted. Others last
/// up to 36 hours.
const LONGEST_SESSION: SignedDuration = SignedDuration::from_hours(8 * 24);

/// How many expired revocations one transaction deletes at most.
const DELETED_AT_ONCE: usize = 16;

/// The revocation of the session of an access key, of those issued to it, or of those of a delegation request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRevocation {
    /// Sessions that were issued before this time are revoked.
    pub valid_after: Timestamp,
    /// When no session that it concerns can be valid any more.
    pub expires: Timestamp,
}

impl Tx {
    /// Revokes sessions that were issued so far: of a temporary access key, the session itself and those issued to it; of a
    /// long-term access key, those issued to it; of a delegation request, those that come from it.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn revoke_sessions(&mut self, account: AccountId, subject: &str, now: Timestamp) -> Result<()> {
        self.delete_expired_revocations(account, now).await?;
        // Sessions of this very microsecond end too.
        let valid_after = now.checked_add(SignedDuration::from_micros(1)).unwrap_or(now);
        let expires = now.checked_add(LONGEST_SESSION).unwrap_or(Timestamp::MAX);
        self.put_record(key(account, subject), &SessionRevocation { valid_after, expires });
        Ok(())
    }

    /// Whether what was issued at this time was revoked by this subject.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn is_session_revoked(&mut self, account: AccountId, subject: &str, issued: Timestamp) -> Result<bool> {
        let found: Option<SessionRevocation> = self.read(key(account, subject)).await?;
        Ok(found.is_some_and(|revocation| issued < revocation.valid_after))
    }

    async fn delete_expired_revocations(&mut self, account: AccountId, now: Timestamp) -> Result<()> {
        let prefix = keys::kind(account, Kind::SessionRevocation);
        let rows = self.scan(&prefix, None, 4 * DELETED_AT_ONCE).await?;
        let expired = rows.into_iter().filter(|(_, value)| {
            <SessionRevocation as codec::Record>::decode(value).is_ok_and(|found| found.expires <= now)
        });
        for (key, _) in expired.take(DELETED_AT_ONCE).collect::<Vec<_>>() {
            self.delete_key(key);
        }
        Ok(())
    }
}

/// The revocation of what has this in common. Like names, it is in lower case.
pub(crate) fn key(account: AccountId, subject: &str) -> Bytes {
    keys::record(account, Kind::SessionRevocation, subject.to_ascii_lowercase().as_bytes())
}

impl AsMessage for SessionRevocation {
    type Message = pb::SessionRevocation;
    const NAME: &'static str = "session revocation";

    fn to_message(&self) -> pb::SessionRevocation {
        pb::SessionRevocation { valid_after: self.valid_after.as_microsecond(), expires: self.expires.as_microsecond() }
    }

    fn from_message(message: pb::SessionRevocation) -> Result<Self, Malformed> {
        Ok(SessionRevocation { valid_after: codec::time(message.valid_after)?, expires: codec::time(message.expires)? })
    }
}
