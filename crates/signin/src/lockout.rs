//! Lockout after failed attempts, by person and by source, with growing delays ([`DelayRules`]).
//!
//! The count of a person is that of all operations that verify their password. Names without a user who could sign in are
//! counted alike, so that no client learns which names exist.

use bailiwick_model::{ErrorCode, IamError, Result, SourceNetwork};
use bailiwick_operation::{Cx, DelayRules, NoCaller, PasswordFailures};
use bailiwick_storage::{SIGN_IN_FINGERPRINT, SignInFailures, Tx};
use jiff::Timestamp;

/// A fingerprint, and the failures under it.
type Attempts = ([u8; SIGN_IN_FINGERPRINT], Option<SignInFailures>);

/// Whose failures are counted.
pub(crate) enum Counted {
    /// A user or root.
    Person(PasswordFailures),
    /// A name without a user who could sign in.
    Unknown(Attempts),
}

impl Counted {
    /// Reads the failures under a fingerprint of a name. The commit depends on them.
    ///
    /// # Errors
    /// `ServiceFailure`.
    pub(crate) async fn unknown(tx: &mut Tx, name: [u8; SIGN_IN_FINGERPRINT]) -> Result<Counted> {
        Ok(Counted::Unknown((name, tx.sign_in_attempts(&name).await?)))
    }

    /// A keyed hash that is different for each person and each name.
    ///
    /// # Errors
    /// `ServiceFailure`.
    pub(crate) fn fingerprint(&self, cx: &Cx<NoCaller>) -> Result<[u8; SIGN_IN_FINGERPRINT]> {
        match self {
            Counted::Person(failures) => {
                let id = failures.owner().user().map_or_else(String::new, ToString::to_string);
                fingerprint(cx, &[b"person", failures.account().to_string().as_bytes(), id.as_bytes()])
            }
            Counted::Unknown((fingerprint, _)) => Ok(*fingerprint),
        }
    }
}

/// The failures that an attempt is measured by.
pub(crate) struct Lockout {
    counted: Counted,
    source: Option<Attempts>,
}

impl Lockout {
    /// Reads the failures of the source. The commit depends on them.
    ///
    /// # Errors
    /// `ServiceFailure`.
    pub(crate) async fn read(cx: &Cx<NoCaller>, tx: &mut Tx, counted: Counted) -> Result<Lockout> {
        let source = match cx.request().source_ip {
            Some(ip) => {
                let fingerprint = fingerprint(cx, &[b"source", SourceNetwork::of(ip).to_string().as_bytes()])?;
                Some((fingerprint, tx.sign_in_attempts(&fingerprint).await?))
            }
            None => None,
        };
        Ok(Lockout { counted, source })
    }

    /// Refuses the attempt while attempts of the person or the source are blocked.
    ///
    /// # Errors
    /// `Throttling`.
    pub(crate) fn admit(&self, now: Timestamp) -> Result<()> {
        let of = |(_, failures): &Attempts| failures.as_ref().and_then(|failures| DelayRules::wait(failures, now));
        let person = match &self.counted {
            Counted::Person(failures) => failures.wait(now),
            Counted::Unknown(attempts) => of(attempts),
        };
        let Some(wait) = person.max(self.source.as_ref().and_then(of)) else { return Ok(()) };
        let message = format!("too many failed attempts to sign in; try again in {} seconds", wait.as_secs());
        Err(IamError::new(ErrorCode::Throttling, message).retry_after(wait))
    }

    /// Counts a failure, also if the operation then ends in an error.
    ///
    /// # Errors
    /// `ServiceFailure`.
    pub(crate) async fn failed(self, tx: &mut Tx, now: Timestamp) -> Result<()> {
        match self.counted {
            Counted::Person(failures) => failures.failed(tx, now),
            Counted::Unknown((fingerprint, failures)) => {
                tx.put_sign_in_attempts(&fingerprint, DelayRules::PERSON.failed(failures, now), now).await?;
            }
        }
        if let Some((fingerprint, failures)) = self.source {
            tx.put_sign_in_attempts(&fingerprint, DelayRules::SOURCE.failed(failures, now), now).await?;
        }
        tx.keep_if_refused();
        Ok(())
    }

    /// Records that the password was correct. The write makes the call a change, whose audit record is durable before the
    /// answer.
    pub(crate) fn correct(&self, tx: &mut Tx, now: Timestamp) {
        if let Counted::Person(failures) = &self.counted {
            failures.correct(tx, now);
        }
    }
}

/// A keyed hash, so that no client can choose whose failures share a row.
///
/// # Errors
/// `ServiceFailure`.
pub(crate) fn fingerprint(cx: &Cx<NoCaller>, parts: &[&[u8]]) -> Result<[u8; SIGN_IN_FINGERPRINT]> {
    cx.deployment().sealer.keyring().fingerprint(parts).map_err(IamError::internal)
}
