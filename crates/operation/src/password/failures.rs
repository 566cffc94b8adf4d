//! The limit of wrong passwords: delays that grow, stored, so that they survive a restart.
//!
//! Each failure counts for a while. The first ones cost nothing; each further one blocks attempts for twice as long as the
//! one before. A person has one count, whichever operation verifies their password. A correct password changes nothing:
//! those that the owner enters give a guesser no further attempts. A new password that an administrator sets ends the wait
//! of a user.
//!
//! While attempts are blocked, no password is verified. The count is read and written by the transaction that reports
//! the outcome, so attempts at the same time conflict with each other and are all counted before one of them is answered.

use std::time::Duration;

use bailiwick_model::{AccountId, Result};
use bailiwick_storage::{KeyOwner, SignInFailures, Tx};
use jiff::{SignedDuration, Timestamp};

/// How failures of one kind delay the next attempt.
#[derive(Debug)]
pub struct DelayRules {
    /// The number of failures without a delay.
    free: i64,
    /// How long a failure counts.
    counts: SignedDuration,
    /// The first delay.
    first: SignedDuration,
    /// The maximum delay.
    longest: SignedDuration,
}

impl DelayRules {
    /// Of one person, or one name: some 60 guesses a day.
    pub const PERSON: DelayRules = DelayRules {
        free: 5,
        counts: SignedDuration::from_mins(30),
        first: SignedDuration::from_secs(30),
        longest: SignedDuration::from_hours(1),
    };
    /// Of one source, which may be a whole office.
    pub const SOURCE: DelayRules = DelayRules {
        free: 30,
        counts: SignedDuration::from_mins(5),
        first: SignedDuration::from_secs(10),
        longest: SignedDuration::from_mins(15),
    };

    /// Returns the failures with another one at this time.
    #[must_use]
    pub fn failed(&self, before: Option<SignInFailures>, now: Timestamp) -> SignInFailures {
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

    /// Returns the time until these failures allow the next attempt, in whole seconds, if they do not allow it now.
    #[must_use]
    pub fn wait(failures: &SignInFailures, now: Timestamp) -> Option<Duration> {
        let wait = failures.blocked_until.duration_since(now);
        wait.is_positive().then(|| Duration::from_secs(wait.unsigned_abs().as_secs() + 1))
    }
}

/// The wrong passwords of a user or root.
#[derive(Debug)]
pub struct PasswordFailures {
    account: AccountId,
    owner: KeyOwner,
    stored: Option<SignInFailures>,
}

impl PasswordFailures {
    /// Reads the failures. The commit depends on them.
    ///
    /// # Errors
    /// `ServiceFailure`.
    pub async fn read(tx: &mut Tx, account: AccountId, owner: KeyOwner) -> Result<PasswordFailures> {
        let stored = tx.sign_in_failures(account, &owner).await?;
        Ok(PasswordFailures { account, owner, stored })
    }

    /// The account of the person.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The person.
    #[must_use]
    pub fn owner(&self) -> &KeyOwner {
        &self.owner
    }

    /// Returns the time until the next password may be verified, if none may be now.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        self.stored.as_ref().and_then(|failures| DelayRules::wait(failures, now))
    }

    /// Counts a wrong password, or a wrong code after a correct one, even if the operation then ends in an error.
    pub fn failed(&self, tx: &mut Tx, now: Timestamp) {
        tx.put_sign_in_failures(self.account, &self.owner, DelayRules::PERSON.failed(self.stored, now));
        tx.keep_if_refused();
    }

    /// Records that the password was correct, which restores no attempts.
    pub fn correct(&self, tx: &mut Tx, now: Timestamp) {
        let none = SignInFailures { forgotten: now, blocked_until: now, last_correct: None };
        let failures = SignInFailures { last_correct: Some(now), ..self.stored.unwrap_or(none) };
        tx.put_sign_in_failures(self.account, &self.owner, failures);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_366_400 + second).unwrap()
    }

    /// The delay after each of some failures that follow each other as soon as they can, and the number in a day.
    fn delays(rules: &DelayRules) -> (Vec<i64>, usize) {
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
        let (first, count) = delays(&DelayRules::PERSON);
        assert_eq!(first, [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 960]);
        assert!(count < 100, "{count} guesses of a person in a day");
        let (first, count) = delays(&DelayRules::SOURCE);
        assert_eq!(first, [0; 12]);
        assert!(count < 500, "{count} guesses of a source in a day");
    }

    #[test]
    fn failures_are_forgotten_one_after_the_other() {
        let mut failures = None;
        for _ in 0..5 {
            failures = Some(DelayRules::PERSON.failed(failures, at(0)));
        }
        for (second, expected) in [(0, 30), (1_700, 30), (1_801, 0), (9_000, 0)] {
            let next = DelayRules::PERSON.failed(failures, at(second));
            assert_eq!(next.blocked_until.duration_since(at(second)).as_secs(), expected, "after {second} s");
        }
    }
}
