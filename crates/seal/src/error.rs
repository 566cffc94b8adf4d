//! What can go wrong.

/// Why sealing or opening failed. None of them says more than its holder may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// What was to be opened is damaged, forged, of another purpose or context, or of a key that is gone. Which of
    /// these is not told.
    #[error("the sealed value does not open")]
    Unopenable,
    /// The text is no master key.
    #[error("a master key is 64 hexadecimal digits, 32 bytes in base64, or 32 bytes")]
    MalformedMasterKey,
    /// The keyring was wrapped under another master key.
    #[error("the master key is not the one that this store was made with")]
    WrongMasterKey,
    /// The keyring was wrapped under this master key, and is damaged.
    #[error("the stored keyring is damaged")]
    DamagedKeyring,
    /// The keyring's format is of a later version of this program.
    #[error("the stored keyring is of a newer version of this program")]
    NewerKeyring,
    /// The key authenticates what is stored, and is never replaced.
    #[error("the key of the store's rows is never replaced")]
    Permanent,
    /// The operating system gave no randomness, or the cipher refused.
    #[error("cryptography is not available")]
    Unavailable,
}
