//! Where signatures and assertions may be: the rules that refuse signature wrapping.

use super::SamlError;
use super::names::{ASSERTION, PROTOCOL, SIGNATURE};
use crate::xml::{Document, Element};

/// The parts of a response. There are no other signatures and assertions in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResponseLayout<'d> {
    pub(super) response: Element<'d>,
    pub(super) signature: Option<Element<'d>>,
    pub(super) assertion: AssertionForm<'d>,
}

/// The one assertion of a response.
#[derive(Clone, Copy, Debug)]
pub(super) enum AssertionForm<'d> {
    Plain(AssertionLayout<'d>),
    Encrypted(Element<'d>),
}

/// The parts of an assertion.
#[derive(Clone, Copy, Debug)]
pub(super) struct AssertionLayout<'d> {
    pub(super) assertion: Element<'d>,
    pub(super) signature: Option<Element<'d>>,
}

impl<'d> ResponseLayout<'d> {
    /// Finds the parts of a response.
    ///
    /// # Errors
    /// [`SamlError::Layout`].
    pub(super) fn of(document: &'d Document) -> Result<Self, SamlError> {
        let response = document.root();
        if !response.is(PROTOCOL, "Response") {
            return Err(SamlError::Layout("the root element is not a Response of SAML 2.0"));
        }
        let is_known = |child: Element<'_>| {
            ["Status", "Extensions"].iter().any(|name| child.is(PROTOCOL, name))
                || ["Issuer", "Assertion", "EncryptedAssertion"].iter().any(|name| child.is(ASSERTION, name))
                || child.is(SIGNATURE, "Signature")
        };
        if !response.elements().all(is_known) {
            return Err(SamlError::Layout("the Response has an element that is not known"));
        }
        let signature = signature_in(response)?;
        let mut assertions = response.elements().filter(|child| is_assertion(*child));
        let (Some(assertion), None) = (assertions.next(), assertions.next()) else {
            return Err(ONE_ASSERTION);
        };
        let assertion = if assertion.is(ASSERTION, "EncryptedAssertion") {
            AssertionForm::Encrypted(assertion)
        } else {
            AssertionForm::Plain(AssertionLayout { assertion, signature: signature_in(assertion)? })
        };
        let layout = ResponseLayout { response, signature, assertion };
        let (assertion, inner) = match assertion {
            AssertionForm::Plain(plain) => (plain.assertion, plain.signature),
            AssertionForm::Encrypted(encrypted) => (encrypted, None),
        };
        check_others(document, response, assertion, &[signature, inner])?;
        Ok(layout)
    }
}

impl<'d> AssertionLayout<'d> {
    /// Finds the parts of an assertion that was encrypted.
    ///
    /// # Errors
    /// [`SamlError::Layout`].
    pub(super) fn of(document: &'d Document) -> Result<Self, SamlError> {
        let assertion = document.root();
        if !assertion.is(ASSERTION, "Assertion") {
            return Err(SamlError::Layout("what was encrypted is not an Assertion of SAML 2.0"));
        }
        let signature = signature_in(assertion)?;
        check_others(document, assertion, assertion, &[signature])?;
        Ok(AssertionLayout { assertion, signature })
    }
}

const ONE_ASSERTION: SamlError = SamlError::Layout("there is not exactly one assertion, directly in the Response");

fn is_assertion(element: Element<'_>) -> bool {
    element.is(ASSERTION, "Assertion") || element.is(ASSERTION, "EncryptedAssertion")
}

/// The signature directly in an element, of which there is at most one.
fn signature_in(element: Element<'_>) -> Result<Option<Element<'_>>, SamlError> {
    let mut signatures = element.elements().filter(|child| child.is(SIGNATURE, "Signature"));
    let first = signatures.next();
    match signatures.next() {
        None => Ok(first),
        Some(_) => Err(SamlError::Layout("an element has two signatures")),
    }
}

/// Refuses responses, assertions and signatures at every other place of a document.
fn check_others<'d>(
    document: &'d Document,
    root: Element<'d>,
    assertion: Element<'d>,
    signatures: &[Option<Element<'d>>],
) -> Result<(), SamlError> {
    // Signatures do not cover comments, so an attacker can add one.
    if document.has_comments() {
        return Err(SamlError::Layout("it has a comment"));
    }
    for element in document.elements() {
        if is_assertion(element) && element != assertion {
            return Err(ONE_ASSERTION);
        }
        if element.is(SIGNATURE, "Signature") && !signatures.contains(&Some(element)) {
            return Err(SamlError::Layout("a signature is neither directly in the Response nor in the Assertion"));
        }
        if element.is(PROTOCOL, "Response") && element != root {
            return Err(SamlError::Layout("a Response is within another element"));
        }
    }
    Ok(())
}
