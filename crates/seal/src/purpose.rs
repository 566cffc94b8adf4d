//! Purposes of keys. Bytes sealed for one purpose do not open for another.

/// What sealed bytes are used for. Each purpose has its own keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KeyPurpose {
    /// Secrets in the store: secret access keys, seeds of one-time passwords.
    AtRest,
    /// Session tokens of temporary credentials, and the secret keys that belong to them.
    SessionToken,
    /// Bearer tokens of sign-ins.
    BearerToken,
    /// Handles that represent an authenticated caller.
    CallerHandle,
    /// Page markers.
    Marker,
    /// Encoded messages about denials.
    AuthorizationMessage,
    /// Challenges of passkeys.
    PasskeyChallenge,
    /// Trade-in tokens of accepted delegation requests.
    TradeInToken,
    /// Authentication of the rows of the store. Its key is never replaced: every row would have to be written again.
    Rows,
}

impl KeyPurpose {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::AtRest,
        Self::SessionToken,
        Self::BearerToken,
        Self::CallerHandle,
        Self::Marker,
        Self::AuthorizationMessage,
        Self::PasskeyChallenge,
        Self::TradeInToken,
        Self::Rows,
    ];

    /// The purposes that every keyring has, whatever its version.
    pub(crate) const FIRST: [Self; 5] =
        [Self::AtRest, Self::SessionToken, Self::BearerToken, Self::CallerHandle, Self::Marker];

    // INVARIANT: stored, and part of every derivation, so the number of a purpose never changes.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::AtRest => 1,
            Self::SessionToken => 2,
            Self::BearerToken => 3,
            Self::CallerHandle => 4,
            Self::Marker => 5,
            Self::AuthorizationMessage => 6,
            Self::PasskeyChallenge => 7,
            Self::TradeInToken => 8,
            // Room for purposes whose keys are replaced.
            Self::Rows => 64,
        }
    }

    pub(crate) fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.number() == number)
    }
}
