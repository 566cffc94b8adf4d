//! Why an answer of an authenticator is not accepted.

use thiserror::Error;

use super::cbor::CborError;
use super::key::KeyError;
use crate::json::JsonError;

/// Why a registration or an assertion is not accepted. No message has a value of the input.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WebauthnError {
    /// A part of the answer is larger than its limit.
    #[error("the {0} is too large")]
    TooLarge(&'static str),
    /// The client's data are not JSON with one reading.
    #[error("the client data are {0}")]
    Json(#[from] JsonError),
    /// A member of the client's data is missing or has a wrong type.
    #[error("the client data have no `{0}`, or one of a wrong type")]
    ClientData(&'static str),
    /// The answer is to another kind of request.
    #[error("the type in the client data is not `{0}`")]
    Type(&'static str),
    /// The answer is to another challenge.
    #[error("the challenge in the client data is another one")]
    Challenge,
    /// A page of another origin asked.
    #[error("the origin in the client data is not one of this server")]
    Origin,
    /// The page that asked was within a page of another origin.
    #[error("the page was embedded in a page of another origin")]
    CrossOrigin,
    /// The attestation object, a key or the extensions are not canonical CBOR.
    #[error("the {0} is not canonical CBOR: {1}")]
    Cbor(&'static str, CborError),
    /// The attestation object has not exactly the members `fmt`, `attStmt` and `authData`, or one has a wrong type.
    #[error("the attestation object does not have exactly `fmt`, `attStmt` and `authData`")]
    AttestationObject,
    /// The attestation has another format than `none`.
    #[error("the attestation has another format than `none`")]
    AttestationFormat,
    /// An attestation of the format `none` has a statement.
    #[error("an attestation of the format `none` has a statement")]
    AttestationStatement,
    /// The authenticator's data end early.
    #[error("the authenticator data end early")]
    Truncated,
    /// There are bytes after the authenticator's data.
    #[error("there are bytes after the authenticator data")]
    TrailingBytes,
    /// The answer is for another relying party.
    #[error("the authenticator data are for another relying party")]
    RelyingParty,
    /// The flags contradict each other, or what was registered.
    #[error("the flags of the authenticator data are not acceptable: {0}")]
    Flags(&'static str),
    /// The authenticator did not find its user present.
    #[error("the authenticator did not find a user present")]
    UserPresence,
    /// The authenticator did not verify its user.
    #[error("the authenticator did not verify its user")]
    UserVerification,
    /// The registration has no credential.
    #[error("the authenticator data have no credential")]
    NoCredential,
    /// The id of the credential is too short or too long, or not the one that the client names.
    #[error("the id of the credential is not acceptable")]
    CredentialId,
    /// The public key is not acceptable.
    #[error("the public key of the credential is not acceptable: {0}")]
    Key(#[from] KeyError),
    /// The assertion is of another user.
    #[error("the user handle is that of another user")]
    UserHandle,
    /// The signature is not that of the credential.
    #[error("the signature is not valid")]
    Signature,
    /// The signature counter did not move forward: the authenticator may have been copied.
    #[error("the signature counter did not move forward: the authenticator may have been copied")]
    Counter,
}
