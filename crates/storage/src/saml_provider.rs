//! SAML identity providers. Their metadata is in rows of its own, so that a list does not read it.

use bailiwick_model::{AccountId, ErrorCode, IamError, KeyCase, Result, Tags};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    Revision,
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind, Kind},
    tx::{Located, Page, Tx},
};

/// The size of a chunk of metadata. A store limits the size of a value.
const CHUNK: usize = 512 * 1024;

/// A SAML provider: an issuer of assertions that trust policies of the account may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamlProvider {
    /// Its account.
    pub account: AccountId,
    /// Its name, with case.
    pub name: String,
    /// Its id: letters and digits.
    pub uuid: String,
    /// When it was created.
    pub created: Timestamp,
    /// Until when its metadata may be used.
    pub valid_until: Timestamp,
    /// Whether assertions that are not encrypted are refused.
    pub requires_encryption: bool,
    /// The keys that decrypt assertions, the oldest first.
    pub private_keys: Vec<SamlPrivateKey>,
    /// Its tags.
    pub tags: Tags,
    /// How many rows the metadata has. Only this module changes it.
    pub metadata_chunks: u32,
}

/// A key that decrypts assertions.
#[derive(Clone, PartialEq, Eq)]
pub struct SamlPrivateKey {
    /// Its id: letters and digits.
    pub id: String,
    /// When it was added.
    pub added: Timestamp,
    /// The key in PEM form, sealed.
    pub sealed: Bytes,
}

impl std::fmt::Debug for SamlPrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SamlPrivateKey").field("id", &self.id).field("added", &self.added).finish_non_exhaustive()
    }
}

/// A part of the metadata of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamlMetadataChunk(pub Bytes);

impl SamlProvider {
    fn key(&self) -> Bytes {
        keys::record(self.account, Kind::SamlProvider, self.name.as_bytes())
    }

    fn chunk(&self, number: u32) -> Bytes {
        keys::saml_metadata(self.account, &self.uuid, number)
    }

    fn counter(&self) -> Bytes {
        keys::counter(self.account, CounterKind::SamlProviders, &[])
    }
}

impl Tx {
    /// Creates a provider with its metadata.
    ///
    /// # Errors
    /// `EntityAlreadyExists`, `LimitExceeded`.
    pub async fn create_saml_provider(&mut self, new: &SamlProvider, metadata: &str) -> Result<()> {
        if self.read_key(new.key()).await?.is_some() {
            let message = format!("Provider with name {} already exists.", new.name);
            return Err(IamError::new(ErrorCode::EntityAlreadyExists, message));
        }
        let quota = self.quotas_of(new.account).await?.saml_providers;
        self.add_within(new.counter(), 1, quota, || IamError::quota("SAMLProvidersPerAccount", quota)).await?;
        self.put_saml_metadata(new, metadata);
        Ok(())
    }

    /// Returns the provider with this name, or `None`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_saml_provider(&mut self, account: AccountId, name: &str) -> Result<Option<SamlProvider>> {
        self.read(keys::record(account, Kind::SamlProvider, name.as_bytes())).await
    }

    /// Replaces a provider that this transaction read; its metadata stays.
    pub fn update_saml_provider(&mut self, new: &SamlProvider) {
        self.put_record(new.key(), new);
    }

    /// Replaces a provider that this transaction read, or that is new, and its metadata.
    pub fn put_saml_metadata(&mut self, new: &SamlProvider, metadata: &str) {
        let mut chunks = 0;
        for (number, chunk) in (0..).zip(metadata.as_bytes().chunks(CHUNK)) {
            self.put_record(new.chunk(number), &SamlMetadataChunk(Bytes::copy_from_slice(chunk)));
            chunks = number + 1;
        }
        for number in chunks..new.metadata_chunks {
            self.delete_key(new.chunk(number));
        }
        self.put_record(new.key(), &SamlProvider { metadata_chunks: chunks, ..new.clone() });
    }

    /// The revision at which a provider that this transaction read, or its metadata, was last changed. None if the
    /// transaction did not read it, or changed it.
    pub fn saml_provider_revision(&self, provider: &SamlProvider) -> Option<Revision> {
        self.revision_read(&provider.key())
    }

    /// The metadata of a provider.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails, or a row is missing.
    pub async fn read_saml_metadata(&self, provider: &SamlProvider) -> Result<String> {
        let mut text = Vec::new();
        for number in 0..provider.metadata_chunks {
            let chunk = self.peek::<SamlMetadataChunk>(&provider.chunk(number)).await?;
            text.extend_from_slice(&chunk.ok_or_else(|| IamError::internal("a chunk of metadata is missing"))?.0);
        }
        String::from_utf8(text).map_err(IamError::internal)
    }

    /// Deletes a provider that this transaction read. Trust policies that name it stay as they are.
    pub fn delete_saml_provider(&mut self, provider: &SamlProvider) {
        for number in 0..provider.metadata_chunks {
            self.delete_key(provider.chunk(number));
        }
        self.delete_key(provider.key());
        self.add(provider.counter(), -1);
    }

    /// Lists the providers of an account by name.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_saml_providers(&self, account: AccountId) -> Result<Vec<SamlProvider>> {
        let prefix = keys::kind(account, Kind::SamlProvider);
        let page: Page<SamlProvider> = self.page(&prefix, None, usize::MAX, |_, _| Located::Here, Some).await?;
        Ok(page.items)
    }

    /// The number of SAML providers of an account.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn saml_provider_count(&self, account: AccountId) -> Result<u64> {
        self.peek_count(&keys::counter(account, CounterKind::SamlProviders, &[])).await
    }
}

impl AsMessage for SamlProvider {
    type Message = pb::SamlProvider;
    const NAME: &'static str = "SAML provider";

    fn to_message(&self) -> pb::SamlProvider {
        let key = |key: &SamlPrivateKey| pb::SamlPrivateKey {
            id: key.id.clone(),
            added: key.added.as_microsecond(),
            sealed: key.sealed.to_vec(),
        };
        pb::SamlProvider {
            account: codec::account_number(self.account),
            name: self.name.clone(),
            uuid: self.uuid.clone(),
            created: self.created.as_microsecond(),
            valid_until: self.valid_until.as_microsecond(),
            requires_encryption: self.requires_encryption,
            private_keys: self.private_keys.iter().map(key).collect(),
            tags: codec::tag_messages(&self.tags),
            metadata_chunks: self.metadata_chunks,
        }
    }

    fn from_message(message: pb::SamlProvider) -> Result<Self, Malformed> {
        let key = |key: pb::SamlPrivateKey| {
            Ok::<_, Malformed>(SamlPrivateKey { id: key.id, added: codec::time(key.added)?, sealed: key.sealed.into() })
        };
        Ok(SamlProvider {
            account: codec::account(message.account)?,
            name: message.name,
            uuid: message.uuid,
            created: codec::time(message.created)?,
            valid_until: codec::time(message.valid_until)?,
            requires_encryption: message.requires_encryption,
            private_keys: message.private_keys.into_iter().map(key).collect::<Result<_, _>>()?,
            tags: codec::tags(KeyCase::Sensitive, &message.tags)?,
            metadata_chunks: message.metadata_chunks,
        })
    }
}

impl AsMessage for SamlMetadataChunk {
    type Message = pb::SamlMetadataChunk;
    const NAME: &'static str = "SAML metadata";

    fn to_message(&self) -> pb::SamlMetadataChunk {
        pb::SamlMetadataChunk { text: self.0.to_vec() }
    }

    fn from_message(message: pb::SamlMetadataChunk) -> Result<Self, Malformed> {
        Ok(SamlMetadataChunk(message.text.into()))
    }
}
