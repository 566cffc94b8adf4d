//! The limit of wrong guesses of a password.

use std::collections::HashMap;
use std::time::Duration;

use bailiwick_model::UniqueId;
use jiff::Timestamp;

/// The number of wrong guesses that may follow each other at once.
const BURST: i64 = 10;
/// Seconds until one more guess is allowed: fewer than 100 guesses a day.
const INTERVAL: i64 = 1_000;
/// The maximum number of users that are remembered.
const MAX_USERS: usize = 16 * 1024;

/// Wrong guesses by user, each as the second at which the burst is whole again.
#[derive(Debug, Default)]
pub(super) struct Guesses(HashMap<UniqueId, i64>);

impl Guesses {
    /// Returns the time to wait until the next guess of a user's password is allowed, if it is not allowed now.
    pub(super) fn wait(&self, user: &UniqueId, now: Timestamp) -> Option<Duration> {
        let whole_at = self.0.get(user)?;
        let over = whole_at - now.as_second() - (BURST - 1) * INTERVAL;
        u64::try_from(over).ok().filter(|over| *over > 0).map(Duration::from_secs)
    }

    /// Counts a wrong guess.
    pub(super) fn wrong(&mut self, user: UniqueId, now: Timestamp) {
        let now = now.as_second();
        if self.0.len() >= MAX_USERS && !self.0.contains_key(&user) {
            self.0.retain(|_, whole_at| *whole_at > now);
            // The users with the fewest wrong guesses are forgotten first.
            if self.0.len() >= MAX_USERS
                && let Some(least) = self.0.iter().min_by_key(|(_, whole_at)| **whole_at).map(|(user, _)| *user)
            {
                self.0.remove(&least);
            }
        }
        let whole_at = self.0.entry(user).or_insert(now);
        *whole_at = (*whole_at).max(now) + INTERVAL;
    }

    /// Forgets the wrong guesses of a user who knew the password.
    pub(super) fn right(&mut self, user: &UniqueId) {
        self.0.remove(user);
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_model::IdKind;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_366_400 + second).unwrap()
    }

    fn user(number: usize) -> UniqueId {
        let mut random = [0; 17];
        random[..8].copy_from_slice(&(number as u64 * 0x0303_0303).to_le_bytes());
        UniqueId::new(IdKind::User, random)
    }

    #[test]
    fn a_hundred_guesses_a_day_at_most() {
        let (mut guesses, user) = (Guesses::default(), user(1));
        let mut made = 0;
        for second in 0..86_400 {
            while guesses.wait(&user, at(second)).is_none() {
                guesses.wrong(user, at(second));
                made += 1;
            }
            if second == 0 {
                assert_eq!((made, guesses.wait(&user, at(0))), (10, Some(Duration::from_secs(1_000))));
            }
        }
        assert_eq!(made, 10 + 86);
    }

    #[test]
    fn users_have_limits_of_their_own_and_start_again_with_a_right_guess() {
        let (mut guesses, bob, eva) = (Guesses::default(), user(1), user(2));
        (0..10).for_each(|_| guesses.wrong(bob, at(0)));
        assert!(guesses.wait(&bob, at(0)).is_some());
        assert!(guesses.wait(&eva, at(0)).is_none());
        guesses.right(&bob);
        assert!(guesses.wait(&bob, at(0)).is_none());
    }

    #[test]
    fn memory_is_bounded_and_a_limit_survives_many_users() {
        let (mut guesses, bob) = (Guesses::default(), user(0));
        (0..10).for_each(|_| guesses.wrong(bob, at(0)));
        (1..2 * MAX_USERS / 8).for_each(|number| guesses.wrong(user(number), at(0)));
        assert!(guesses.0.len() <= MAX_USERS);
        assert!(guesses.wait(&bob, at(0)).is_some());
    }
}
