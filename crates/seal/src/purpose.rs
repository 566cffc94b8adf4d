//! What keys are for. Nothing sealed for one purpose opens for another.

/// What something is sealed for. Each purpose has keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KeyPurpose {
    /// Secrets in the store: access keys, seeds of one-time passwords.
    AtRest,
    /// Session tokens of temporary credentials, and the secret keys that belong to them.
    SessionToken,
    /// Bearer tokens of sign-ins.
    BearerToken,
    /// Handles that stand for an authenticated caller.
    CallerHandle,
    /// Page markers.
    Marker,
    /// Authentication of the rows of the store. Its key is never replaced: every row would have to be written again.
    Rows,
}

impl KeyPurpose {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::AtRest, Self::SessionToken, Self::BearerToken, Self::CallerHandle, Self::Marker, Self::Rows];

    /// Those that every keyring has had.
    pub(crate) const FIRST: [Self; 5] =
        [Self::AtRest, Self::SessionToken, Self::BearerToken, Self::CallerHandle, Self::Marker];

    // INVARIANT: stored, and part of every derivation: a purpose keeps its number for ever.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::AtRest => 1,
            Self::SessionToken => 2,
            Self::BearerToken => 3,
            Self::CallerHandle => 4,
            Self::Marker => 5,
            // Room for purposes whose keys are replaced.
            Self::Rows => 64,
        }
    }

    pub(crate) fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.number() == number)
    }
}
