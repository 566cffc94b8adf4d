//! The accounts of tests.

use bailiwick_model::AccountId;

/// The management account.
pub const MAIN: &str = "111122223333";
/// Another active account.
pub const OTHER: &str = "444455556666";
/// A third active account.
pub const THIRD: &str = "777788889999";
/// A suspended account.
pub const SUSPENDED: &str = "999900001111";

/// Parses the id of an account.
pub fn account(digits: &str) -> AccountId {
    AccountId::parse(digits).unwrap()
}
