//! The keys of OpenID Connect issuers: fetched over HTTPS, or read from files that the operator names.
//!
//! Callers without credentials cause fetches, and administrators of accounts choose the issuers, so neither may reach what
//! the network of this machine protects: `address` decides which addresses may be connected to, `fetch` connects to exactly
//! the address that was decided on, without proxy and redirects, and `cache` bounds how often.

mod address;
mod cache;
mod discovery;
mod fetch;
mod settings;
mod thumbprint;

pub(crate) use cache::CachedIssuerKeys;
pub(crate) use settings::{IssuerAddress, IssuerKeyFile, IssuerSettings};
