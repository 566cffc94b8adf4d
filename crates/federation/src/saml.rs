//! The Security Assertion Markup Language (SAML) 2.0.

mod metadata;

pub use metadata::{Endpoint, MetadataError, SamlMetadata};
