//! Opens the identity and the keys of a store, and creates them at the first start.

use std::path::Path;
use std::sync::Arc;

use bailiwick_directory::put_builtin_policies;
use bailiwick_model::Region;
use bailiwick_operation::{Clock as _, Deployment, IssuerKeys, RevisionScope, uuid};
use bailiwick_seal::{Keyring, MasterKey, Sealer, WrappedKeyring};
use bailiwick_storage::{At, Authenticator, CommitError, Meta, Store, StoreError, Tx};
use bailiwick_storage_redb::OpenError;

use crate::failure::Failure;
use crate::master_key::MasterKeySource;
use crate::open_store::{OpenStore, StoreFile};
use crate::options::StoreOptions;
use crate::store;
use crate::system::{SystemClock, SystemRandomness};

/// An open store with its identity and its keys.
pub(crate) struct Opened {
    pub(crate) open: OpenStore,
    pub(crate) meta: Meta,
    pub(crate) keyring: Keyring,
    pub(crate) master: MasterKey,
}

/// The content of a store's file.
pub(crate) enum Found {
    /// Empty: nothing was ever written to it.
    Unused(StoreFile),
    Used(Box<Opened>),
}

/// How missing or outdated rows are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The check while the snapshot is built finds them.
    Refused,
    /// The remaining rows are accepted as the whole store.
    Accepted,
}

impl Opened {
    /// The store, as all other parts use it.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        self.open.store()
    }

    /// The facts of the deployment that handlers use.
    pub(crate) fn deployment(
        self,
        region: Region,
        public_url: String,
        issuer_keys: Arc<dyn IssuerKeys>,
    ) -> Arc<Deployment> {
        let store_id = uuid(self.meta.store_id);
        Arc::new(Deployment {
            recent_uses: bailiwick_operation::RecentUses::default(),
            saml_metadata: bailiwick_operation::SamlMetadataCache::default(),
            partition: self.meta.partition,
            region,
            public_url,
            cluster_id: store_id.clone(),
            revisions: RevisionScope { store_id, epoch: self.meta.epoch, restore_id: self.meta.restore_id },
            management_account: self.meta.management_account,
            quotas: Arc::default(),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandomness::default()),
            sealer: Arc::new(Sealer::new(self.keyring)),
            passwords: Arc::default(),
            issuer_keys,
        })
    }
}

/// Opens the keys of a store and starts it. Upgrades a store whose rows are not authenticated yet.
pub(crate) async fn read(files: &StoreOptions, file: impl Into<StoreFile>, missing: Missing) -> Result<Found, Failure> {
    let file = file.into();
    let folder = file.place(&files.data_dir);
    if file.is_unused().map_err(|e| Failure::new(format!("cannot open the store in {folder}: {e}")))? {
        return Ok(Found::Unused(file));
    }
    let source = files.key_source()?;
    let master = source.expect()?;
    open(&files.data_dir, &source, &master, file, missing).await
}

/// As [`read`], with a known master key, which came from `source`.
pub(crate) async fn open(
    data_dir: &Path,
    source: &MasterKeySource,
    master: &MasterKey,
    file: impl Into<StoreFile>,
    missing: Missing,
) -> Result<Found, Failure> {
    let file = file.into();
    let folder = file.place(data_dir);
    let failed = |e: &dyn std::fmt::Display| Failure::new(format!("cannot open the store in {folder}: {e}"));
    if file.is_unused().map_err(|e| failed(&e))? {
        return Ok(Found::Unused(file));
    }
    let wrapped = file.keyring().map_err(|e| failed(&e))?;
    let wrapped = wrapped.ok_or_else(|| failed(&"the store is damaged: it has no keys; restore a backup"))?;
    let wrapped = WrappedKeyring::from_bytes(wrapped.to_vec());
    let keyring = wrapped.unwrap_with(master).map_err(|e| source.refused(master, &wrapped, e))?;
    let (started, keyring) = match keyring.row_key().map_err(|e| failed(&e))? {
        Some(key) => {
            let authenticator = Authenticator::new(key);
            let started = match missing {
                Missing::Refused => file.start(authenticator),
                Missing::Accepted => file.start_accepting_damage(authenticator),
            };
            (started, keyring)
        }
        None => {
            let complete = keyring.complete(SystemClock.now().as_second()).map_err(|e| failed(&e))?;
            let wrapped = WrappedKeyring::wrap(&complete, master).map_err(|e| failed(&e))?;
            (file.upgrade(store::authenticator(&complete)?, wrapped.as_bytes()), complete)
        }
    };
    let open = started.map_err(|error| match &error {
        OpenError::Store(error @ StoreError::Incomplete { .. }) => failed(&store::incomplete(error)),
        error => failed(error),
    })?;
    let meta = Meta::of(&*open.store()).await.map_err(|e| failed(&e))?;
    let meta = meta.ok_or_else(|| failed(&"the store is damaged: its identity is missing; restore a backup"))?;
    Ok(Found::Used(Box::new(Opened { open, meta, keyring, master: master.clone() })))
}

/// Adds the managed policies that a newer version of Bailiwick brings. If that fails, the server starts without them: a
/// damaged row must not deny everything.
pub(crate) async fn add_new_managed_policies(deployment: &Deployment, store: &Arc<dyn Store>) {
    match try_to_add_managed_policies(deployment, store).await {
        Ok(0) => {}
        Ok(added) => tracing::info!(added, "managed policies of this version were added"),
        Err(error) => tracing::error!(?error, "managed policies of this version cannot be added"),
    }
}

async fn try_to_add_managed_policies(deployment: &Deployment, store: &Arc<dyn Store>) -> Result<usize, CommitError> {
    let mut tx = Tx::begin(Arc::clone(store), Arc::clone(&deployment.quotas), At::Latest).await?;
    let now = deployment.clock.now();
    let added = put_builtin_policies(&mut tx, now, deployment.random.as_ref()).await.map_err(CommitError::Failed)?;
    if added > 0 {
        tx.commit().await?;
    }
    Ok(added)
}
