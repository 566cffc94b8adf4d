//! Access keys with their secrets.

use bailiwick_model::AccessKeyId;
use bailiwick_sigv4::Credentials;

/// An access key with its secret, and the session token of a temporary one.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it has a secret")]
pub struct Key {
    /// The access key id.
    pub id: AccessKeyId,
    /// The secret access key.
    pub secret: String,
    /// The session token of a temporary key.
    pub token: Option<String>,
}

impl Key {
    /// A key from the three parts of credentials.
    pub fn new(id: &str, secret: impl Into<String>, token: Option<String>) -> Self {
        Key { id: AccessKeyId::parse(id).unwrap(), secret: secret.into(), token }
    }

    /// The key, for signing.
    pub fn credentials(&self) -> Credentials<'_> {
        let credentials = Credentials::new(self.id.as_str(), &self.secret);
        match &self.token {
            Some(token) => credentials.with_session_token(token),
            None => credentials,
        }
    }
}
