//! The keys of OpenID Connect issuers, which are fetched from outside.
//!
//! A fetch is too slow for a transaction, and a caller without credentials causes it. So an operation
//! [names](crate::Handle::wanted_keys) what it needs before its plan runs; the pipeline gets it once, outside of any
//! transaction, and the plan finds the [outcome](IssuerKeysOutcome) in its context.

use std::sync::Arc;

use async_trait::async_trait;
use bailiwick_federation::KeySet;
use bailiwick_model::{AccountId, SourceNetwork};

/// The source of issuers' keys. Implementations bound what callers can cause: fetches per issuer and per client, their
/// size and their time.
#[async_trait]
pub trait IssuerKeys: Send + Sync + 'static {
    /// Returns the keys of a registered issuer, or why there are none. Returns within a few seconds.
    async fn get(&self, wanted: &WantedKeys) -> Result<Arc<KeySet>, IssuerKeysError>;
}

/// The keys that an operation needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedKeys {
    /// The account whose provider it is.
    pub account: AccountId,
    /// The URL of the registered issuer without `https://`.
    pub issuer: String,
    /// SHA-1 of the certificates, one of which the issuer's server must present, in hexadecimal. None: any trusted one.
    pub thumbprints: Vec<String>,
    /// The id of the key. If the known keys do not have it, there may be newer ones.
    pub key_id: Option<String>,
    /// The client that causes a fetch.
    pub source: Option<SourceNetwork>,
}

/// Why an issuer's keys are not available. The text is for the log, not for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuerKeysError {
    /// The issuer's server does not answer, or must not be asked. Trying again later can help.
    Unreachable(String),
    /// What the server answers is not acceptable.
    Unacceptable(String),
}

/// The keys that were wanted, and what was found.
#[derive(Clone, Debug)]
pub struct IssuerKeysOutcome {
    /// What was wanted. A plan that wants something else by now must not use the result.
    pub wanted: WantedKeys,
    /// The result.
    pub result: Result<Arc<KeySet>, IssuerKeysError>,
}

/// A source for deployments that have none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoIssuerKeys;

#[async_trait]
impl IssuerKeys for NoIssuerKeys {
    async fn get(&self, _: &WantedKeys) -> Result<Arc<KeySet>, IssuerKeysError> {
        Err(IssuerKeysError::Unreachable("this deployment does not fetch keys".to_owned()))
    }
}
