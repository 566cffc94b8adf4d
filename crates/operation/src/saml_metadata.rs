//! Parsed metadata of SAML providers. A call of AssumeRoleWithSAML needs no credentials, so it must not cost reading and
//! parsing megabytes of metadata each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailiwick_federation::SamlMetadata;
use bailiwick_model::Result;
use bailiwick_storage::{Revision, SamlProvider, Tx};

/// The number of providers whose metadata is kept.
const CAPACITY: usize = 64;

/// The metadata of providers as of a revision. One provider's metadata is read and parsed at a time.
#[derive(Default)]
pub struct SamlMetadataCache {
    known: Mutex<HashMap<String, Known>>,
    parsing: tokio::sync::Mutex<()>,
}

struct Known {
    revision: Revision,
    /// None if it could not be parsed.
    metadata: Option<Arc<SamlMetadata>>,
}

impl SamlMetadataCache {
    /// Returns the metadata of a provider that the transaction read; none if it cannot be parsed.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn get(&self, tx: &Tx, provider: &SamlProvider) -> Result<Option<Arc<SamlMetadata>>> {
        let Some(revision) = tx.saml_provider_revision(provider) else {
            // The transaction itself changed it.
            return Ok(parse(&tx.read_saml_metadata(provider).await?));
        };
        if let Some(found) = self.find(provider, revision) {
            return Ok(found);
        }
        let _one = self.parsing.lock().await;
        if let Some(found) = self.find(provider, revision) {
            return Ok(found);
        }
        let metadata = parse(&tx.read_saml_metadata(provider).await?);
        let mut known = self.known();
        if known.len() >= CAPACITY && !known.contains_key(&provider.uuid) {
            // Which one is left out does not matter: it is parsed again when it is needed.
            let first = known.keys().next().cloned();
            first.and_then(|uuid| known.remove(&uuid));
        }
        known.insert(provider.uuid.clone(), Known { revision, metadata: metadata.clone() });
        Ok(metadata)
    }

    fn find(&self, provider: &SamlProvider, revision: Revision) -> Option<Option<Arc<SamlMetadata>>> {
        let known = self.known();
        known.get(&provider.uuid).filter(|known| known.revision == revision).map(|known| known.metadata.clone())
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse(text: &str) -> Option<Arc<SamlMetadata>> {
    SamlMetadata::parse(text).ok().map(Arc::new)
}
