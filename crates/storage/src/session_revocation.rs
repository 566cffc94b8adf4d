//! Revoked sessions, by what they have in common: an access key, a delegation request, an account, an identity or a provider.
//!
//! A revocation is about what was issued on views before the revision of its row. So the row is written with each revocation,
//! and changed by nothing else. It outlives every session that it ends, and is deleted afterwards, a few at a time, by later ones
//! of the account.

use bailiwick_model::{AccountId, Issue, Result, Revocation, StorePosition};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::codec::{self, AsMessage, Malformed, pb};
use crate::keys::{self, Kind};
use crate::revision::Revision;
use crate::tx::Tx;

/// How long a revocation is kept: much longer than the sessions that it ends, since the server that deletes it may have a clock
/// that is days ahead.
///
/// An accepted delegation request is sent within seven days, and then lasts up to twelve hours; its sessions count as issued when
/// it was accepted. Others last up to 36 hours.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many expired revocations one transaction deletes at most.
const DELETED_AT_ONCE: usize = 16;

/// The revocation of sessions that have something in common: their access key, the key that they were issued to, their
/// delegation request, account, identity or provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRevocation {
    /// Sessions of which only the time of issue is known are revoked if they were issued before this time.
    pub valid_after: Timestamp,
    /// When it may be deleted: no session that it concerns can be valid any more.
    pub expires: Timestamp,
    /// The restore epoch in which it is written; zero if an older version wrote it.
    pub epoch: u64,
    /// Distinguishes stores that were restored from the same backup.
    pub restore_id: u64,
}

impl SessionRevocation {
    /// A revocation of what was issued until now, this very microsecond included. Its revision will be later than `position`.
    pub fn until(now: Timestamp, position: StorePosition) -> Self {
        Self::before(now.checked_add(SignedDuration::from_micros(1)).unwrap_or(now), position)
    }

    /// A revocation of what was issued before this time.
    pub fn before(valid_after: Timestamp, position: StorePosition) -> Self {
        let expires = valid_after.checked_add(KEPT).unwrap_or(Timestamp::MAX);
        let StorePosition { epoch, restore_id, .. } = position;
        SessionRevocation { valid_after, expires, epoch, restore_id }
    }

    /// The revocation in a row of this revision.
    pub fn at(self, revision: Revision) -> Revocation {
        let position = StorePosition { epoch: self.epoch, restore_id: self.restore_id, revision: revision.number() };
        Revocation { valid_after: self.valid_after, position }
    }
}

impl Tx {
    /// Revokes sessions that were issued so far: of a temporary access key, the session itself and those issued to it; of a
    /// long-term access key, those issued to it; of a delegation request, those that come from it; of an account, an identity or a
    /// provider ([`bailiwick_model::revocation_subject`]), all of theirs.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn revoke_sessions(
        &mut self,
        account: AccountId,
        subject: &str,
        revocation: SessionRevocation,
    ) -> Result<()> {
        self.delete_expired_revocations(account, revocation.valid_after).await?;
        self.put_record(key(account, subject), &revocation);
        Ok(())
    }

    /// Whether what was issued then was revoked by this subject.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn is_session_revoked(&mut self, account: AccountId, subject: &str, issue: Issue) -> Result<bool> {
        Ok(self.revocation(account, subject).await?.is_some_and(|revocation| revocation.ends(issue)))
    }

    /// Whether what was issued then was ended by the mark in a record of this subject: see [`Revocation::mark_ends`].
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn is_ended_by(
        &mut self,
        mark: Option<Timestamp>,
        (account, subject): (AccountId, &str),
        issue: Issue,
    ) -> Result<bool> {
        Ok(Revocation::mark_ends(mark, self.revocation(account, subject).await?, issue))
    }

    async fn revocation(&mut self, account: AccountId, subject: &str) -> Result<Option<Revocation>> {
        let key = key(account, subject);
        let found: Option<SessionRevocation> = self.read(key.clone()).await?;
        Ok(found.zip(self.revision_read(&key)).map(|(found, revision)| found.at(revision)))
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
        pb::SessionRevocation {
            valid_after: self.valid_after.as_microsecond(),
            expires: self.expires.as_microsecond(),
            epoch: self.epoch,
            restore_id: self.restore_id,
        }
    }

    fn from_message(message: pb::SessionRevocation) -> Result<Self, Malformed> {
        Ok(SessionRevocation {
            valid_after: codec::time(message.valid_after)?,
            expires: codec::time(message.expires)?,
            epoch: message.epoch,
            restore_id: message.restore_id,
        })
    }
}
