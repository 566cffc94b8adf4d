//! The state of an account.

/// Which operations an account permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountState {
    /// All operations.
    Active,
    /// No operations until the account is active again.
    Suspended,
    /// No operations. The state is final, and the account id is never reused.
    Closed,
}

impl AccountState {
    /// The word that answers have.
    pub const fn as_str(self) -> &'static str {
        match self {
            AccountState::Active => "ACTIVE",
            AccountState::Suspended => "SUSPENDED",
            AccountState::Closed => "CLOSED",
        }
    }
}
