//! The issuer of an account's tokens for services outside: the keys that sign them, and the index of issuers.

use bailiwick_model::{AccountId, IamError, Result};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    account_features::OutboundFederation,
    account_setting::AccountSetting,
    codec::{AsMessage, Malformed, pb, time},
    keys::{self, Kind},
    tx::Tx,
};

/// The keys that sign the tokens of an account, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenSigningKeys(pub Vec<TokenSigningKey>);

/// A key that signs tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSigningKey {
    /// Its id.
    pub id: String,
    /// The algorithm: `RS256` or `ES384`.
    pub algorithm: String,
    /// When it was made.
    pub created: Timestamp,
    /// The private key, sealed.
    pub sealed: Bytes,
    /// The public key as a JSON Web Key.
    pub jwk: String,
}

impl AccountSetting for TokenSigningKeys {
    const KIND: Kind = Kind::TokenSigningKeys;
}

impl Tx {
    /// Stores that an account's tokens have this issuer. An account keeps its issuer for good.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails, or another account has the issuer.
    pub async fn put_token_issuer(&mut self, account: AccountId, federation: &OutboundFederation) -> Result<()> {
        let key = keys::token_issuer(&federation.issuer);
        match self.read_key(key.clone()).await? {
            None => self.put(key, Bytes::copy_from_slice(&keys::account_bytes(account))),
            Some(value) if *value == keys::account_bytes(account) => {}
            Some(_) => return Err(IamError::internal("two accounts with the same token issuer")),
        }
        Ok(())
    }

    /// Returns the account whose tokens have this issuer.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_token_issuer(&mut self, issuer: &str) -> Result<Option<AccountId>> {
        let found = self.read_key(keys::token_issuer(issuer)).await?;
        Ok(found.and_then(|value| Some(keys::take_account(&value)?.0)))
    }
}

impl AsMessage for TokenSigningKeys {
    type Message = pb::TokenSigningKeys;
    const NAME: &'static str = "token signing keys";

    fn to_message(&self) -> pb::TokenSigningKeys {
        let keys = self.0.iter().map(|key| pb::TokenSigningKey {
            id: key.id.clone(),
            algorithm: key.algorithm.clone(),
            created: key.created.as_microsecond(),
            sealed: key.sealed.to_vec(),
            jwk: key.jwk.clone(),
        });
        pb::TokenSigningKeys { keys: keys.collect() }
    }

    fn from_message(message: pb::TokenSigningKeys) -> Result<Self, Malformed> {
        let keys = message.keys.into_iter().map(|key| {
            Ok(TokenSigningKey {
                id: key.id,
                algorithm: key.algorithm,
                created: time(key.created)?,
                sealed: key.sealed.into(),
                jwk: key.jwk,
            })
        });
        keys.collect::<Result<_, Malformed>>().map(TokenSigningKeys)
    }
}
