//! Why a token is not accepted.

use thiserror::Error;

use crate::json::JsonError;

/// The maximum size of a token in bytes, as in AWS.
pub const MAX_TOKEN_BYTES: usize = 20_000;

/// Why a token is not accepted. No message has a value of the token.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JwtError {
    /// The token is larger than [`MAX_TOKEN_BYTES`].
    #[error("the token is larger than {MAX_TOKEN_BYTES} bytes")]
    TooLarge,
    /// The token does not have three parts.
    #[error("the token does not have three parts: it is not a signed JWT")]
    NotThreeParts,
    /// A part is not base64url without padding.
    #[error("the {0} of the token is not base64url without padding")]
    NotBase64(&'static str),
    /// A part is not a JSON object with one reading.
    #[error("the {0} of the token is {1}")]
    Json(&'static str, JsonError),
    /// The header has a member that is refused.
    #[error("the header of the token has `{0}`, which is not supported")]
    HeaderMember(&'static str),
    /// The header has another type than `JWT`.
    #[error("the type in the header of the token is not `JWT`")]
    Type,
    /// The algorithm is missing, unknown, `none`, or one with a shared secret.
    #[error("the algorithm in the header of the token is not an asymmetric one that is supported")]
    Algorithm,
    /// The key id is not a string.
    #[error("the key id in the header of the token is not a string")]
    KeyId,
    /// A required claim is missing.
    #[error("Missing a required claim: {0}")]
    MissingClaim(&'static str),
    /// A claim has a wrong type, or is beyond a limit.
    #[error("the claim `{0}` is malformed")]
    Claim(&'static str),
    /// Two claims differ only in case. Condition keys are compared without case.
    #[error("two claims have the same name but for its case")]
    AmbiguousClaims,
    /// No key of the issuer has this id and is for this algorithm.
    #[error("no key of the issuer has the key id and the algorithm of the token")]
    NoKey,
    /// The signature is not that of the key.
    #[error("the signature of the token is not valid")]
    Signature,
    /// The token is of another issuer.
    #[error("the token is of another issuer")]
    Issuer,
    /// The token is for another audience.
    #[error("Incorrect token audience")]
    Audience,
    /// The token has expired.
    #[error("Token expired: current date/time {now} must be before the expiration date/time {expires}")]
    Expired {
        /// The time of the verification, in seconds since 1970.
        now: i64,
        /// The expiry, in seconds since 1970.
        expires: i64,
    },
    /// The token is not valid yet, or was issued in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
}
