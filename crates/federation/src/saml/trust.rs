//! Which responses are accepted.

use std::fmt;

use super::{DecryptionKey, SamlMetadata};

/// Which responses are accepted.
#[derive(Clone, Copy)]
pub struct SamlTrust<'a> {
    /// The registered metadata of the provider, whose keys sign.
    pub metadata: &'a SamlMetadata,
    /// The private keys that decrypt assertions.
    pub decryption_keys: &'a [DecryptionKey],
    /// Whether an assertion must be encrypted.
    pub requires_encryption: bool,
    /// Whether a name is an audience of which an assertion must have one.
    pub is_audience: &'a dyn Fn(&str) -> bool,
    /// Whether a URL is an endpoint that an assertion may be for: its `Recipient` and the `Destination` of its response.
    pub is_recipient: &'a dyn Fn(&str) -> bool,
}

impl fmt::Debug for SamlTrust<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SamlTrust").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}
