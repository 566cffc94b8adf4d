//! Work with passwords that is too slow for a transaction, and the pool that bounds it.
//!
//! A plan names its [`PasswordWork`]. After the checks of the plan have passed, the pipeline ends the transaction, has the
//! [`PasswordPool`] do the work once, and runs the plan again in a new transaction. The handler finds the
//! [`PasswordOutcome`] in its context. So only an authorized caller can cause a computation.
//!
//! What a caller can cause is bounded: a few computations run at once, each caller and each person who signs in has a few
//! places in the queue, the queue has an end, and wrong passwords of a person are limited per day ([`PasswordFailures`]).
//! Users that change their own password, administrators, and people who sign in have a queue each, so that none of them
//! delays the others.

mod failures;
mod pool;

use bailiwick_seal::{PasswordHash, SealError, SecretString};

pub use failures::{DelayRules, PasswordFailures};
pub use pool::PasswordPool;

/// What to compute. Missing parts are left out.
#[derive(Clone, Debug)]
pub struct PasswordWork {
    /// What it is for.
    pub purpose: PasswordPurpose,
    /// The stored state that the work depends on. The handler compares it with what is stored when the work is done.
    pub basis: Vec<u8>,
    /// A password that the caller must know, and the hash that it must match.
    pub known: Option<(SecretString, PasswordHash)>,
    /// The password to hash, and its salt.
    pub new: Option<(SecretString, [u8; 16])>,
    /// Hashes that the new password must not match.
    pub not_among: Vec<PasswordHash>,
}

/// What work with passwords is for. Each purpose has its own queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordPurpose {
    /// An administrator sets a password.
    Administration,
    /// A user, who is authenticated, changes their own password. The handler counts failures.
    OwnPassword,
    /// A person signs in, with a keyed hash of who that is. The handler counts failures.
    SignIn([u8; 16]),
}

/// What was computed.
#[derive(Clone, Debug)]
pub struct PasswordOutcome {
    /// [`PasswordWork::basis`].
    pub basis: Vec<u8>,
    /// The result.
    pub result: PasswordResult,
}

/// The result of [`PasswordWork`].
#[derive(Clone, Debug)]
pub enum PasswordResult {
    /// The known password does not match.
    Wrong,
    /// The new password matches one that it must not match.
    Reused,
    /// Everything is as required. The hash of the new password, if there is one.
    Done(Option<PasswordHash>),
}

impl PasswordWork {
    /// Computes, on the current thread, in the order of the fields. A wrong known password ends it. The time does not show
    /// whether, or which, former password matches.
    fn compute(self) -> Result<PasswordOutcome, SealError> {
        let result = if self.known.is_some_and(|(password, hash)| !hash.matches(&password)) {
            PasswordResult::Wrong
        } else if let Some((password, salt)) = self.new {
            let matching = self.not_among.iter().filter(|hash| hash.matches(&password)).count();
            let new = PasswordHash::new(&password, salt)?;
            if matching > 0 { PasswordResult::Reused } else { PasswordResult::Done(Some(new)) }
        } else {
            PasswordResult::Done(None)
        };
        Ok(PasswordOutcome { basis: self.basis, result })
    }
}
