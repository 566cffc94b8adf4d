//! OpenID Connect identity providers.

use bailiwick_model::{AccountId, ErrorCode, IamError, KeyCase, Result, Tags};
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind, Kind},
    tx::{Located, Page, Tx},
};

/// An OpenID Connect provider: an issuer of tokens that trust policies of the account may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcProvider {
    /// Its account.
    pub account: AccountId,
    /// The URL of the issuer without `https://`, which is the provider's identity. Compared with case.
    pub url: String,
    /// When it was created.
    pub created: Timestamp,
    /// The audiences that are accepted, in the order in which they were added.
    pub client_ids: Vec<String>,
    /// SHA-1 of the certificates that the issuer's server may present, in hexadecimal. None: any trusted certificate.
    pub thumbprints: Vec<String>,
    /// Its tags.
    pub tags: Tags,
}

impl Tx {
    /// Creates a provider.
    ///
    /// # Errors
    /// `EntityAlreadyExists`, `LimitExceeded`.
    pub async fn create_oidc_provider(&mut self, new: &OidcProvider) -> Result<()> {
        let key = keys::oidc_provider(new.account, &new.url);
        if self.read_key(key.clone()).await?.is_some() {
            let message = format!("Provider with url https://{} already exists.", new.url);
            return Err(IamError::new(ErrorCode::EntityAlreadyExists, message));
        }
        let quota = self.quotas_of(new.account).await?.oidc_providers;
        let count = count_key(new.account);
        self.add_within(count, 1, quota, || IamError::quota("OpenIdConnectProvidersPerAccount", quota)).await?;
        self.put_record(key, new);
        Ok(())
    }

    /// Returns the provider with this URL (without its scheme), or `None`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_oidc_provider(&mut self, account: AccountId, url: &str) -> Result<Option<OidcProvider>> {
        self.read(keys::oidc_provider(account, url)).await
    }

    /// Replaces a provider that this transaction read.
    pub fn update_oidc_provider(&mut self, new: &OidcProvider) {
        self.put_record(keys::oidc_provider(new.account, &new.url), new);
    }

    /// Deletes a provider that this transaction read. Trust policies that name it stay as they are.
    pub fn delete_oidc_provider(&mut self, provider: &OidcProvider) {
        self.delete_key(keys::oidc_provider(provider.account, &provider.url));
        self.add(count_key(provider.account), -1);
    }

    /// Lists the providers of an account by URL.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_oidc_providers(&self, account: AccountId) -> Result<Vec<OidcProvider>> {
        let prefix = keys::kind(account, Kind::OidcProvider);
        let page: Page<OidcProvider> = self.page(&prefix, None, usize::MAX, |_, _| Located::Here, Some).await?;
        Ok(page.items)
    }

    /// The number of providers of an account.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn oidc_provider_count(&self, account: AccountId) -> Result<u64> {
        self.peek_count(&count_key(account)).await
    }
}

fn count_key(account: AccountId) -> bytes::Bytes {
    keys::counter(account, CounterKind::OidcProviders, &[])
}

impl AsMessage for OidcProvider {
    type Message = pb::OidcProvider;
    const NAME: &'static str = "OpenID Connect provider";

    fn to_message(&self) -> pb::OidcProvider {
        pb::OidcProvider {
            account: codec::account_number(self.account),
            url: self.url.clone(),
            created: self.created.as_microsecond(),
            client_ids: self.client_ids.clone(),
            thumbprints: self.thumbprints.clone(),
            tags: codec::tag_messages(&self.tags),
        }
    }

    fn from_message(message: pb::OidcProvider) -> Result<Self, Malformed> {
        Ok(OidcProvider {
            account: codec::account(message.account)?,
            url: message.url,
            created: codec::time(message.created)?,
            client_ids: message.client_ids,
            thumbprints: message.thumbprints,
            tags: codec::tags(KeyCase::Sensitive, &message.tags)?,
        })
    }
}
