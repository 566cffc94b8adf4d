//! The credentials that the agent hands out.

use jiff::{SignedDuration, Timestamp};

use crate::aws::Keys;

/// The longest time before the end of a session at which it is renewed. SDKs ask for new credentials up to 15 minutes
/// before the end, and must not get the old ones again.
const AHEAD: SignedDuration = SignedDuration::from_mins(20);

/// A session with all that the protocols show of it.
#[derive(Debug)]
pub(crate) struct Session {
    /// Its credentials.
    pub(crate) keys: Keys,
    /// When it was obtained.
    pub(crate) obtained: Timestamp,
    /// When it ends.
    pub(crate) expiration: Timestamp,
    /// The account.
    pub(crate) account: String,
    /// The role, or the session's own ARN if there is no role.
    pub(crate) arn: String,
    /// The last part of the role's name, or of the user's.
    pub(crate) name: String,
}

impl Session {
    /// Whether the credentials are still accepted.
    pub(crate) fn is_valid(&self, now: Timestamp) -> bool {
        now < self.expiration
    }

    /// The end of the session as both protocols write it, in whole seconds.
    pub(crate) fn shown_expiration(&self) -> String {
        self.expiration.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// When it must be renewed.
    pub(crate) fn due(&self) -> Timestamp {
        due(self.obtained, self.expiration)
    }
}

/// When a session must be renewed: 20 minutes before its end, or at half of its time if that is later.
pub(crate) fn due(obtained: Timestamp, expiration: Timestamp) -> Timestamp {
    let lifetime = expiration.duration_since(obtained);
    expiration.checked_sub((lifetime / 2).min(AHEAD).max(SignedDuration::ZERO)).unwrap_or(obtained)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_renewed_before_their_end() {
        let at = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).unwrap();
        for (lifetime, expected) in
            [(900, 450), (2_400, 1_200), (3_600, 2_400), (43_200, 42_000), (0, 0), (1, 0), (-5, -5)]
        {
            let found = due(at(0), at(lifetime));
            assert_eq!(found.as_second() - 1_000_000, expected, "{lifetime}");
        }
    }
}
