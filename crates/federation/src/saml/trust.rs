//! Which responses are accepted.

use super::{DecryptionKey, SamlMetadata};

/// Which responses are accepted.
#[derive(Clone, Copy, Debug)]
pub struct SamlTrust<'a> {
    /// The registered metadata of the provider, whose keys sign.
    pub metadata: &'a SamlMetadata,
    /// The private keys that decrypt assertions.
    pub decryption_keys: &'a [DecryptionKey],
    /// Whether an assertion must be encrypted.
    pub requires_encryption: bool,
    /// The audiences of which an assertion must name one.
    pub audiences: &'a [String],
    /// The endpoints that an assertion may be for: its `Recipient` and the `Destination` of its response.
    pub recipients: &'a [String],
}

impl SamlTrust<'_> {
    pub(super) fn accepts(&self, recipient: &str) -> bool {
        self.recipients.iter().any(|ours| ours == recipient)
    }
}
