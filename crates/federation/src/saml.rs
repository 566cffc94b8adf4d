//! The Security Assertion Markup Language (SAML) 2.0.
//!
//! Most vulnerabilities of SAML have one cause: the code that verified a signature and the code that read the assertion
//! saw different elements. Here [`signature`] returns the document that it verified, parsed again from the very bytes that
//! were hashed, and only such documents are read. [`layout`] refuses responses in which anything is at an unusual place.

mod algorithms;
mod assertion;
mod conditions;
mod encryption;
mod error;
mod layout;
mod metadata;
mod names;
mod response;
mod signature;
mod time;
mod trust;

pub use assertion::{NameId, SamlAssertion};
pub use encryption::DecryptionKey;
pub use error::SamlError;
pub use metadata::{Endpoint, MetadataError, SamlMetadata};
pub use response::verify_saml_response;
pub use trust::SamlTrust;
