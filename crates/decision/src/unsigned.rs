//! Callers of operations that need no signature.

use std::sync::Arc;

/// The caller of an operation that needs no signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnsignedCaller {
    /// Nothing is proven.
    Anonymous,
    /// An assertion within the request proves a principal of an identity provider.
    Federated(Arc<FederatedPrincipal>),
}

/// A principal that an identity provider vouches for. It has no account and no policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FederatedPrincipal {
    /// The kind of provider.
    pub kind: Federation,
    /// The provider as trust policies name it under `Federated`: an ARN, or a domain such as `accounts.google.com`.
    pub provider: String,
    /// The provider as audit records name it: the issuer of the assertion.
    pub issuer: String,
    /// The unique id of the principal at the provider.
    pub id: String,
    /// The name of the principal.
    pub name: String,
}

/// The kind of an identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Federation {
    /// SAML 2.0.
    Saml,
    /// OpenID Connect.
    WebIdentity,
}
