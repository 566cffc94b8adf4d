//! Why a response is refused.

use crate::XmlError;

/// Why a response, or the assertion in it, is refused. The message does not repeat what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamlError {
    /// It is not base64 of UTF-8, or it is too long.
    #[error("the SAML response is not base64 of at most 256 KiB of text in UTF-8")]
    Encoding,
    /// It is not XML that is accepted.
    #[error("the SAML response is refused: {0}")]
    Xml(#[from] XmlError),
    /// An element is missing, repeated, or where none of its kind may be.
    #[error("the SAML response is refused: {0}")]
    Layout(&'static str),
    /// Neither the response nor the assertion is signed.
    #[error("the SAML response is not signed")]
    Unsigned,
    /// A signature has another form or algorithm than the accepted ones.
    #[error("a signature of the SAML response is refused: {0}")]
    SignatureForm(&'static str),
    /// A signature is not that of a key in the metadata, or does not belong to the signed element.
    #[error("Response signature invalid")]
    Signature,
    /// The assertion cannot be decrypted with the keys of the provider.
    #[error("the assertion is encrypted in a way that is not accepted: {0}")]
    EncryptionForm(&'static str),
    /// The assertion cannot be decrypted with the keys of the provider.
    #[error("the assertion cannot be decrypted with a private key of the provider")]
    Decryption,
    /// The assertion is not encrypted although it must be.
    #[error("the assertion is not encrypted, which the provider requires")]
    NotEncrypted,
    /// The identity provider reports that authentication failed.
    #[error("the identity provider reports that authentication failed")]
    Rejected,
    /// The issuer is another one.
    #[error("Issuer not present in specified provider")]
    Issuer,
    /// None of the audiences of this deployment.
    #[error("Response does not contain the required audience")]
    Audience,
    /// None of the endpoints of this deployment.
    #[error("the response is for another recipient")]
    Recipient,
    /// It answers a request, which this deployment never makes.
    #[error("the response answers a request that was not made here")]
    InResponseTo,
    /// A condition that is not known.
    #[error("the assertion has a condition that is not supported")]
    Condition,
    /// It is not valid yet.
    #[error("the assertion is not valid yet")]
    NotYet,
    /// It is no longer valid.
    #[error("Token is expired")]
    Expired,
    /// It was issued too long ago.
    #[error("Token must be redeemed within 5 minutes of issuance")]
    Old,
    /// The metadata of the provider is no longer valid.
    #[error("the metadata of the provider is no longer valid")]
    Metadata,
}
