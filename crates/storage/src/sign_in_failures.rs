//! Failed attempts to sign in: of users and root, of sources, and for names without a user.
//!
//! Those of users and root have a row each. Clients can make up sources and names, so theirs share a fixed number of rows,
//! which keep the fingerprints with the most failures.

use bailiwick_model::{AccountId, Result};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    access_key::KeyOwner,
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, Kind},
    tx::Tx,
};

/// The number of bytes of a fingerprint.
pub const SIGN_IN_FINGERPRINT: usize = 16;

/// The number of rows that fingerprints share.
const ROWS: u16 = 4_096;
/// The maximum number of fingerprints in a row.
const PER_ROW: usize = 8;

/// Failed attempts to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInFailures {
    /// When no failure counts any more. Each failure moves this time on.
    pub forgotten: Timestamp,
    /// When the next attempt is allowed.
    pub blocked_until: Timestamp,
    /// When the password was last correct. Only stored for users and root.
    pub last_correct: Option<Timestamp>,
}

/// The failures of the fingerprints in one row.
pub(crate) struct SignInAttempts(Vec<([u8; SIGN_IN_FINGERPRINT], SignInFailures)>);

impl Tx {
    /// The failed attempts to sign in as a user or root, if there were any. The commit depends on them, so that attempts
    /// at the same time are all counted.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn sign_in_failures(&mut self, account: AccountId, owner: &KeyOwner) -> Result<Option<SignInFailures>> {
        self.read(key(account, owner)).await
    }

    /// Stores the failed attempts to sign in as a user or root.
    pub fn put_sign_in_failures(&mut self, account: AccountId, owner: &KeyOwner, failures: SignInFailures) {
        self.put_record(key(account, owner), &failures);
    }

    /// Forgets the failed attempts to sign in as a user or root.
    pub fn delete_sign_in_failures(&mut self, account: AccountId, owner: &KeyOwner) {
        self.delete_key(key(account, owner));
    }

    /// The failed attempts under a fingerprint, which must be a keyed hash. The commit depends on them.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn sign_in_attempts(
        &mut self,
        fingerprint: &[u8; SIGN_IN_FINGERPRINT],
    ) -> Result<Option<SignInFailures>> {
        let row = self.read::<SignInAttempts>(row(fingerprint)).await?;
        let found = row.and_then(|row| row.0.into_iter().find(|(other, _)| other == fingerprint));
        Ok(found.map(|(_, failures)| failures))
    }

    /// Stores the failed attempts under a fingerprint. Drops those that are forgotten, and the fingerprint with the
    /// fewest failures if its row is full.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn put_sign_in_attempts(
        &mut self,
        fingerprint: &[u8; SIGN_IN_FINGERPRINT],
        failures: SignInFailures,
        now: Timestamp,
    ) -> Result<()> {
        let row = row(fingerprint);
        let mut attempts = self.read::<SignInAttempts>(row.clone()).await?.map_or(Vec::new(), |row| row.0);
        attempts.retain(|(other, failures)| other != fingerprint && failures.forgotten > now);
        if attempts.len() >= PER_ROW {
            attempts.sort_by_key(|(_, failures)| std::cmp::Reverse(failures.forgotten));
            attempts.truncate(PER_ROW - 1);
        }
        attempts.push((*fingerprint, failures));
        self.put_record(row, &SignInAttempts(attempts));
        Ok(())
    }
}

fn key(account: AccountId, owner: &KeyOwner) -> Bytes {
    keys::owned(account, Kind::SignInFailures, owner.user(), "")
}

fn row([first, second, ..]: &[u8; SIGN_IN_FINGERPRINT]) -> Bytes {
    keys::sign_in_attempts(u16::from_be_bytes([*first, *second]) % ROWS)
}

impl AsMessage for SignInFailures {
    type Message = pb::SignInFailures;
    const NAME: &'static str = "sign-in failures";

    fn to_message(&self) -> pb::SignInFailures {
        pb::SignInFailures {
            forgotten: self.forgotten.as_microsecond(),
            blocked_until: self.blocked_until.as_microsecond(),
            last_correct: self.last_correct.map(Timestamp::as_microsecond),
        }
    }

    fn from_message(message: pb::SignInFailures) -> Result<Self, Malformed> {
        Ok(SignInFailures {
            forgotten: codec::time(message.forgotten)?,
            blocked_until: codec::time(message.blocked_until)?,
            last_correct: codec::maybe_time(message.last_correct)?,
        })
    }
}

impl AsMessage for SignInAttempts {
    type Message = pb::SignInAttempts;
    const NAME: &'static str = "sign-in attempts";

    fn to_message(&self) -> pb::SignInAttempts {
        let attempt = |(fingerprint, failures): &([u8; SIGN_IN_FINGERPRINT], SignInFailures)| pb::SignInAttempt {
            fingerprint: fingerprint.to_vec(),
            forgotten: failures.forgotten.as_microsecond(),
            blocked_until: failures.blocked_until.as_microsecond(),
        };
        pb::SignInAttempts { attempts: self.0.iter().map(attempt).collect() }
    }

    fn from_message(message: pb::SignInAttempts) -> Result<Self, Malformed> {
        let attempt = |attempt: pb::SignInAttempt| -> Result<_, Malformed> {
            let fingerprint = attempt.fingerprint.try_into();
            let fingerprint = fingerprint.map_err(|_| Malformed::new("a fingerprint of another length"))?;
            let failures = SignInFailures {
                forgotten: codec::time(attempt.forgotten)?,
                blocked_until: codec::time(attempt.blocked_until)?,
                last_correct: None,
            };
            Ok((fingerprint, failures))
        };
        Ok(SignInAttempts(message.attempts.into_iter().map(attempt).collect::<Result<_, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{At, MemoryStore};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_366_400 + second).unwrap()
    }

    fn failures(forgotten: i64) -> SignInFailures {
        SignInFailures { forgotten: at(forgotten), blocked_until: at(1), last_correct: None }
    }

    /// A fingerprint in the same row as all others of these.
    fn fingerprint(last: u8) -> [u8; SIGN_IN_FINGERPRINT] {
        let mut bytes = [7; SIGN_IN_FINGERPRINT];
        bytes[SIGN_IN_FINGERPRINT - 1] = last;
        bytes
    }

    #[tokio::test]
    async fn a_full_row_keeps_the_most_failures() {
        let store = Arc::new(MemoryStore::new());
        let mut tx = Tx::begin(store, Arc::default(), At::Latest).await.unwrap();
        for number in 0..10 {
            tx.put_sign_in_attempts(&fingerprint(number), failures(100 - i64::from(number)), at(0)).await.unwrap();
        }
        let mut kept = Vec::new();
        for number in 0..10 {
            kept.extend(tx.sign_in_attempts(&fingerprint(number)).await.unwrap().map(|_| number));
        }
        assert_eq!(kept, [0, 1, 2, 3, 4, 5, 6, 9], "the newest one displaces the one with the fewest failures");
        // What is forgotten makes room.
        tx.put_sign_in_attempts(&fingerprint(11), failures(500), at(98)).await.unwrap();
        assert_eq!(tx.sign_in_attempts(&fingerprint(0)).await.unwrap(), Some(failures(100)));
        assert_eq!(tx.sign_in_attempts(&fingerprint(3)).await.unwrap(), None);
        assert_eq!(tx.sign_in_attempts(&fingerprint(11)).await.unwrap(), Some(failures(500)));
    }
}
