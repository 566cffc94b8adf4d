//! Errors of this crate.

/// Why sealing or opening failed. No variant reveals more than its holder may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The sealed bytes are damaged or forged, or belong to another purpose or context, or their key no longer exists.
    /// Which of these is deliberately not distinguished.
    #[error("the sealed value cannot be opened")]
    Unopenable,
    /// The text is not a master key.
    #[error("a master key is 64 hexadecimal digits, 32 bytes in base64, or 32 bytes")]
    MalformedMasterKey,
    /// The keyring was wrapped under another master key.
    #[error("this is not the master key of the store")]
    WrongMasterKey,
    /// The keyring was wrapped under this master key, and is damaged.
    #[error("the stored keyring is damaged")]
    DamagedKeyring,
    /// The keyring's format is of a later version of this program.
    #[error("a newer version of Bailiwick wrote the stored keyring")]
    NewerKeyring,
    /// The key authenticates stored rows and can never be replaced.
    #[error("the key of the store's rows cannot be replaced")]
    Permanent,
    /// The operating system provided no randomness, or the cipher failed.
    #[error("cryptography is not available")]
    Unavailable,
}
