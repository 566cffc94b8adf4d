//! Callers of operations that need no signature.

use std::sync::Arc;

use crate::{Caller, Principal};

/// The caller of an operation that needs no signature.
#[derive(Clone, Debug, Default)]
pub enum UnsignedCaller {
    /// Nothing is proven.
    #[default]
    Anonymous,
    /// An assertion within the request proves a principal of an identity provider.
    Federated(Arc<FederatedPrincipal>),
    /// A password within the request is to prove a person.
    Person(Arc<Person>),
    /// Temporary credentials within the request prove a caller.
    Credentials(Arc<Caller>),
}

/// Equal callers are surely the same. A person or caller equals its clones only.
impl PartialEq for UnsignedCaller {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (UnsignedCaller::Anonymous, UnsignedCaller::Anonymous) => true,
            (UnsignedCaller::Federated(one), UnsignedCaller::Federated(other)) => one == other,
            (UnsignedCaller::Person(one), UnsignedCaller::Person(other)) => Arc::ptr_eq(one, other),
            (UnsignedCaller::Credentials(one), UnsignedCaller::Credentials(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl UnsignedCaller {
    /// Whether the request has proved the caller.
    pub fn is_proven(&self) -> bool {
        match self {
            UnsignedCaller::Anonymous => false,
            UnsignedCaller::Person(person) => person.proven().is_some(),
            UnsignedCaller::Federated(_) | UnsignedCaller::Credentials(_) => true,
        }
    }
}

/// A user or root that a request to sign in names.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user or root; none if there is no such person with a password.
    pub principal: Option<Principal>,
    /// Whether the password in the request was verified. Before, only audit records may name the principal.
    pub is_proven: bool,
}

impl Person {
    /// The user or root, if the password was verified.
    pub fn proven(&self) -> Option<&Principal> {
        self.principal.as_ref().filter(|_| self.is_proven)
    }
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
