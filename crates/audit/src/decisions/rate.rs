//! The rate limit for details of denials that other services ask for.
//!
//! A service may ask thousands of times a second. A record of a decision has less than a kibibyte, its details have up to
//! eight, and are made from all policies of the principal.

use std::collections::HashMap;

use bailiwick_model::AccountId;
use jiff::Timestamp;

/// The most denials of a principal that have details, for each account that asks, in a window.
const MAX_OF_PRINCIPAL: u32 = 20;
/// The most denials that one account asks for.
const MAX_OF_ASKING: u32 = 500;
/// The most denials of all together.
const MAX_IN_ALL: u32 = 1_000;
/// Seconds in a window.
const WINDOW_SECONDS: i64 = 60;

/// Counts the denials that have details, in the window that is open.
#[derive(Debug, Default)]
pub(crate) struct DetailsRate {
    window: i64,
    in_all: u32,
    of_asking: HashMap<AccountId, u32>,
    counts: HashMap<(AccountId, String), u32>,
}

impl DetailsRate {
    /// Whether the next denial of a principal may have details. Accounts that ask are counted apart, so that none alone takes
    /// away the details of what another one asks.
    pub(crate) fn admit(&mut self, asking: AccountId, principal: &str, now: Timestamp) -> bool {
        let window = now.as_second().div_euclid(WINDOW_SECONDS);
        if window != self.window {
            *self = DetailsRate { window, ..DetailsRate::default() };
        }
        if self.in_all >= MAX_IN_ALL {
            return false;
        }
        let of_asking = self.of_asking.entry(asking).or_default();
        if *of_asking >= MAX_OF_ASKING {
            return false;
        }
        let count = self.counts.entry((asking, principal.to_owned())).or_default();
        if *count >= MAX_OF_PRINCIPAL {
            return false;
        }
        *count += 1;
        *of_asking += 1;
        self.in_all += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_have_a_rate_for_each_principal_and_account_and_in_all() {
        let account = |text| AccountId::parse(text).unwrap();
        let (one, two) = (account("111122223333"), account("444455556666"));
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut rate = DetailsRate::default();
        let mut admitted =
            |asking, principal: &str, time| (0..50).filter(|_| rate.admit(asking, principal, at(time))).count();
        assert_eq!(admitted(one, "AIDAONE", 600), 20);
        assert_eq!(admitted(one, "AIDATWO", 610), 20);
        assert_eq!(admitted(two, "AIDAONE", 659), 20, "another account asks");
        assert_eq!(admitted(one, "AIDAONE", 659), 0);
        assert_eq!(admitted(one, "AIDAONE", 660), 20, "a new window");
        let mut others =
            |asking| -> usize { (0..100).map(|number| admitted(asking, &format!("AIDA{number}"), 661)).sum() };
        assert_eq!((others(two), others(one)), (500, 480), "each has its share");
        assert_eq!(others(account("777788889999")), 0, "and all together have theirs");
        assert_eq!(admitted(one, "AIDAONE", 300), 20, "a clock that was set back");
    }
}
