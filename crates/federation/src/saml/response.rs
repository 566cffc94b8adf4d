//! Verifying a response from its text to what its assertion says.

use jiff::Timestamp;

use super::encryption::decrypt;
use super::layout::{AssertionForm, AssertionLayout, ResponseLayout};
use super::names::{ASSERTION, PROTOCOL, SUCCESS};
use super::{SamlAssertion, SamlError, SamlTrust, assertion, conditions, signature};
use crate::xml::{Document, Element};

/// The longest response, in bytes of its text.
const MAX_BYTES: usize = 256 * 1024;

/// Verifies a response of the HTTP POST binding: base64 of XML. Returns what its assertion says.
///
/// Only signed bytes are read: the response if it is signed, and the assertion in it or its own signed bytes. An unsigned
/// response around a signed assertion can be refused for what it says, but gives nothing to the result.
///
/// # Errors
/// [`SamlError`].
pub fn verify_saml_response(text: &str, trust: &SamlTrust<'_>, now: Timestamp) -> Result<SamlAssertion, SamlError> {
    let document = Document::parse(&decode(text)?)?;
    let layout = ResponseLayout::of(&document)?;
    let certificates = &trust.metadata.signing_certificates;
    let signed_response = layout.signature.map(|one| signature::verify(one, certificates)).transpose()?;
    let signed_layout = signed_response.as_ref().map(ResponseLayout::of).transpose()?;
    let readable = signed_layout.unwrap_or(layout);

    // What was encrypted is taken from the signed response if there is one, like the namespaces around it.
    let decrypted = match readable.assertion {
        AssertionForm::Encrypted(encrypted) => Some(decrypt(encrypted, trust.decryption_keys)?),
        AssertionForm::Plain(_) => None,
    };
    // A signature of the assertion was made on the document as it was sent, with all namespaces around it.
    let plain = match (&decrypted, layout.assertion) {
        (Some(decrypted), _) => AssertionLayout::of(decrypted)?,
        (None, AssertionForm::Plain(plain)) => plain,
        (None, AssertionForm::Encrypted(_)) => return Err(SamlError::Decryption),
    };
    let own = plain.signature.map(|one| signature::verify(one, certificates)).transpose()?;
    let verified = match (&own, signed_layout.map(|signed| signed.assertion)) {
        (Some(own), _) => own.root(),
        (None, Some(AssertionForm::Plain(signed))) => signed.assertion,
        // Decrypted from the signed response.
        (None, Some(AssertionForm::Encrypted(_))) => plain.assertion,
        (None, None) => return Err(SamlError::Unsigned),
    };

    // Until here, a caller without an assertion learns nothing about the provider but that the keys are others.
    if trust.metadata.valid_until.is_some_and(|until| until <= now) {
        return Err(SamlError::Metadata);
    }
    if trust.requires_encryption && decrypted.is_none() {
        return Err(SamlError::NotEncrypted);
    }
    check_envelope(readable.response, trust)?;
    read(verified, trust, now)
}

/// The text of a response.
fn decode(text: &str) -> Result<String, SamlError> {
    if text.len() > MAX_BYTES * 3 / 2 {
        return Err(SamlError::Encoding);
    }
    let bytes = crate::x509::decode_base64(text).filter(|bytes| bytes.len() <= MAX_BYTES);
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(SamlError::Encoding)
}

/// Checks what a response says about itself. It may be unsigned, so nothing of it is returned.
fn check_envelope(response: Element<'_>, trust: &SamlTrust<'_>) -> Result<(), SamlError> {
    if response.attribute("Version") != Some("2.0") {
        return Err(SamlError::Layout("expected a Response of version 2.0"));
    }
    let status = response.only_child(PROTOCOL, "Status").and_then(|status| status.only_child(PROTOCOL, "StatusCode"));
    let status = status.ok_or(SamlError::Layout("the Response has not exactly one Status with a StatusCode"))?;
    if status.attribute("Value") != Some(SUCCESS) {
        return Err(SamlError::Rejected);
    }
    if response.attribute("Destination").is_some_and(|destination| !(trust.is_recipient)(destination)) {
        return Err(SamlError::Recipient);
    }
    if response.attribute("InResponseTo").is_some() {
        return Err(SamlError::InResponseTo);
    }
    let mut issuers = response.children(ASSERTION, "Issuer");
    if let Some(issuer) = issuers.next() {
        conditions::check_issuer(issuer, trust)?;
    }
    if issuers.next().is_some() { Err(SamlError::Layout("the Response has two issuers")) } else { Ok(()) }
}

/// Reads a verified assertion.
fn read(verified: Element<'_>, trust: &SamlTrust<'_>, now: Timestamp) -> Result<SamlAssertion, SamlError> {
    let id = verified.attribute("ID").filter(|id| !id.is_empty());
    let id = id.ok_or(SamlError::Layout("the Assertion has no ID"))?;
    let accepted = conditions::check(verified, trust, now)?;
    let subject = verified.only_child(ASSERTION, "Subject");
    let subject = subject.ok_or(SamlError::Layout("the Assertion has not exactly one Subject"))?;
    Ok(SamlAssertion {
        id: id.to_owned(),
        expires: accepted.expires,
        issuer: trust.metadata.entity_id.clone(),
        recipient: accepted.recipient,
        subject: assertion::name_id(subject)?,
        session_ends: accepted.session_ends,
        attributes: assertion::attributes(verified)?,
    })
}
