//! Lockout after failed attempts, by person and by source, with growing delays. It is stored, so it survives a restart.
//!
//! Each failure counts for a while. The first ones cost nothing; each further one blocks attempts for twice as long as the
//! one before. A correct password changes nothing: those that the owner enters give a guesser no further attempts. A new
//! password that an administrator sets ends the wait of a user.
//!
//! While attempts are blocked, no password is verified. The count is read and written by the transaction that reports
//! the outcome, so attempts at the same time conflict with each other and are all counted before one of them is answered.

use std::time::Duration;

use bailiwick_model::{AccountId, ErrorCode, IamError, Result, SourceNetwork};
use bailiwick_operation::{Cx, NoCaller};
use bailiwick_storage::{KeyOwner, SIGN_IN_FINGERPRINT, SignInFailures, Tx};
use jiff::{SignedDuration, Timestamp};

/// How failures of one kind delay the next attempt.
struct Rules {
    /// The number of failures without a delay.
    free: i64,
    /// How long a failure counts.
    counts: SignedDuration,
    /// The first delay.
    first: SignedDuration,
    /// The maximum delay.
    longest: SignedDuration,
}

/// Of one person: some 60 guesses a day.
const PERSON: Rules = Rules {
    free: 5,
    counts: SignedDuration::from_mins(30),
    first: SignedDuration::from_secs(30),
    longest: SignedDuration::from_hours(1),
};
/// Of one source, which may be a whole office.
const SOURCE: Rules = Rules {
    free: 30,
    counts: SignedDuration::from_mins(5),
    first: SignedDuration::from_secs(10),
    longest: SignedDuration::from_mins(15),
};

impl Rules {
    /// Returns the failures with another one at this time.
    fn failed(&self, before: Option<SignInFailures>, now: Timestamp) -> SignInFailures {
        let forgotten = before.map_or(now, |failures| failures.forgotten.max(now));
        // A clock near the end of time counts no further failures.
        let forgotten = forgotten.checked_add(self.counts).unwrap_or(forgotten);
        let ahead = forgotten.duration_since(now).as_secs();
        let one = self.counts.as_secs().max(1);
        let count = ahead.saturating_add(one - 1) / one;
        let delay = match u32::try_from(count - self.free) {
            Err(_) | Ok(0) => SignedDuration::ZERO,
            Ok(over) => self.first.checked_mul(1 << (over - 1).min(20)).unwrap_or(self.longest).min(self.longest),
        };
        let blocked_until = now.checked_add(delay).unwrap_or(now);
        SignInFailures { forgotten, blocked_until, last_correct: before.and_then(|failures| failures.last_correct) }
    }
}

/// Whose failures are counted.
pub(crate) enum Counted {
    /// A user or root.
    Person(AccountId, KeyOwner),
    /// A name without a user who could sign in, as a fingerprint.
    Unknown([u8; SIGN_IN_FINGERPRINT]),
}

impl Counted {
    /// A keyed hash that is different for each person and each name.
    ///
    /// # Errors
    /// `ServiceFailure`.
    pub(crate) fn fingerprint(&self, cx: &Cx<NoCaller>) -> Result<[u8; SIGN_IN_FINGERPRINT]> {
        match self {
            Counted::Person(account, owner) => {
                let id = owner.user().map_or_else(String::new, ToString::to_string);
                fingerprint(cx, &[b"person", account.to_string().as_bytes(), id.as_bytes()])
            }
            Counted::Unknown(fingerprint) => Ok(*fingerprint),
        }
    }
}

/// The failures that an attempt is measured by.
pub(crate) struct Lockout {
    counted: Counted,
    failures: Option<SignInFailures>,
    source: Option<([u8; SIGN_IN_FINGERPRINT], Option<SignInFailures>)>,
}

impl Lockout {
    /// Reads the failures. The commit depends on them.
    ///
    /// # Errors
    /// `ServiceFailure`.
    pub(crate) async fn read(cx: &Cx<NoCaller>, tx: &mut Tx, counted: Counted) -> Result<Lockout> {
        let failures = match &counted {
            Counted::Person(account, owner) => tx.sign_in_failures(*account, owner).await?,
            Counted::Unknown(fingerprint) => tx.sign_in_attempts(fingerprint).await?,
        };
        let source = match cx.request().source_ip {
            Some(ip) => {
                let fingerprint = fingerprint(cx, &[b"source", SourceNetwork::of(ip).to_string().as_bytes()])?;
                Some((fingerprint, tx.sign_in_attempts(&fingerprint).await?))
            }
            None => None,
        };
        Ok(Lockout { counted, failures, source })
    }

    /// Refuses the attempt while attempts of the person or the source are blocked.
    ///
    /// # Errors
    /// `Throttling`.
    pub(crate) fn admit(&self, now: Timestamp) -> Result<()> {
        let source = self.source.as_ref().and_then(|(_, failures)| failures.as_ref());
        let blocked = self.failures.iter().chain(source).map(|failures| failures.blocked_until).max();
        let wait = blocked.map_or(SignedDuration::ZERO, |until| until.duration_since(now));
        if !wait.is_positive() {
            return Ok(());
        }
        let wait = Duration::from_secs(wait.unsigned_abs().as_secs() + 1);
        let message = format!("too many failed attempts to sign in; try again in {} seconds", wait.as_secs());
        Err(IamError::new(ErrorCode::Throttling, message).retry_after(wait))
    }

    /// Counts a failure, also if the operation then ends in an error.
    ///
    /// # Errors
    /// `ServiceFailure`.
    pub(crate) async fn failed(self, tx: &mut Tx, now: Timestamp) -> Result<()> {
        let failures = PERSON.failed(self.failures, now);
        match self.counted {
            Counted::Person(account, owner) => tx.put_sign_in_failures(account, &owner, failures),
            Counted::Unknown(fingerprint) => tx.put_sign_in_attempts(&fingerprint, failures, now).await?,
        }
        if let Some((fingerprint, failures)) = self.source {
            tx.put_sign_in_attempts(&fingerprint, SOURCE.failed(failures, now), now).await?;
        }
        tx.keep_if_refused();
        Ok(())
    }

    /// Records that the password was correct. The write makes the call a change, whose audit record is durable before the
    /// answer.
    pub(crate) fn correct(&self, tx: &mut Tx, now: Timestamp) {
        if let Counted::Person(account, owner) = &self.counted {
            let none = SignInFailures { forgotten: now, blocked_until: now, last_correct: None };
            let failures = SignInFailures { last_correct: Some(now), ..self.failures.unwrap_or(none) };
            tx.put_sign_in_failures(*account, owner, failures);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_366_400 + second).unwrap()
    }

    /// The delay after each of some failures that follow each other as soon as they can, and the number in a day.
    fn delays(rules: &Rules) -> (Vec<i64>, usize) {
        let (mut failures, mut second, mut delays) = (None, 0, Vec::new());
        while second < 86_400 {
            let next = rules.failed(failures, at(second));
            let delay = next.blocked_until.duration_since(at(second)).as_secs();
            delays.push(delay);
            second += delay;
            failures = Some(next);
        }
        let count = delays.len();
        delays.truncate(12);
        (delays, count)
    }

    #[test]
    fn delays_grow_and_bound_the_guesses_of_a_day() {
        let (first, count) = delays(&PERSON);
        assert_eq!(first, [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 960]);
        assert!(count < 100, "{count} guesses of a person in a day");
        let (first, count) = delays(&SOURCE);
        assert_eq!(first, [0; 12]);
        assert!(count < 500, "{count} guesses of a source in a day");
    }

    #[test]
    fn failures_are_forgotten_one_after_the_other() {
        let mut failures = None;
        for _ in 0..5 {
            failures = Some(PERSON.failed(failures, at(0)));
        }
        for (second, expected) in [(0, 30), (1_700, 30), (1_801, 0), (9_000, 0)] {
            let next = PERSON.failed(failures, at(second));
            assert_eq!(next.blocked_until.duration_since(at(second)).as_secs(), expected, "after {second} s");
        }
    }
}
