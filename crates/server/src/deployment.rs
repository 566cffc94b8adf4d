//! Opens what a store holds: its identity and its keys; makes them at the first start.

use std::sync::Arc;

use bailiwick_directory::put_builtin_policies;
use bailiwick_model::Region;
use bailiwick_operation::{Deployment, RevisionScope, uuid};
use bailiwick_seal::{Keyring, MasterKey, Sealer, WrappedKeyring};
use bailiwick_storage::{At, Meta, Revision, Store, Tx};

use crate::failure::Failure;
use crate::first_start::{self, FirstStart};
use crate::master_key;
use crate::options::{DeploymentOptions, StoreOptions};
use crate::sources::{SystemClock, SystemRandomness};

/// What a store is, and the keys that it is sealed with.
pub(crate) struct Opened {
    pub(crate) meta: Meta,
    pub(crate) keyring: Keyring,
    pub(crate) master: MasterKey,
}

impl Opened {
    /// What handlers know of the deployment.
    pub(crate) fn deployment(self, region: Region) -> Arc<Deployment> {
        let store_id = uuid(self.meta.store_id);
        Arc::new(Deployment {
            partition: self.meta.partition,
            region,
            cluster_id: store_id.clone(),
            revisions: RevisionScope { store_id, epoch: self.meta.epoch },
            management_account: self.meta.management_account,
            quotas: Arc::default(),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandomness::default()),
            sealer: Arc::new(Sealer::new(self.keyring)),
        })
    }
}

/// Reads what the store is and opens its keys; none if nothing was ever written to it.
pub(crate) async fn read(files: &StoreOptions, store: &Arc<dyn Store>) -> Result<Option<Opened>, Failure> {
    let fail = |e| Failure::new(format!("cannot read the store: {e:?}"));
    let mut tx = Tx::begin(Arc::clone(store), Arc::default(), At::Latest).await.map_err(fail)?;
    let Some(meta) = tx.meta().await.map_err(fail)? else {
        if tx.revision() == Revision::ZERO {
            return Ok(None);
        }
        return Err(Failure::new("the store is damaged: it does not say what it is"));
    };
    let key_file = files.key_file();
    let master = master_key::expect(&key_file)?;
    let wrapped = tx.keyring().await.map_err(fail)?;
    let wrapped = wrapped.ok_or_else(|| Failure::new("the store is damaged: it has no keys"))?;
    let keyring = WrappedKeyring::from_bytes(wrapped.to_vec()).unwrap_with(&master).map_err(|e| {
        let key = match master_key::given() {
            Some(_) => master_key::VARIABLE.to_owned(),
            None => key_file.display().to_string(),
        };
        Failure::new(format!("the master key {key} does not open this store: {e}"))
    })?;
    Ok(Some(Opened { meta, keyring, master }))
}

/// The same; a store to which nothing was ever written is made what the options say.
pub(crate) async fn open(
    files: &StoreOptions,
    options: &DeploymentOptions,
    store: &Arc<dyn Store>,
    endpoint: &str,
) -> Result<Opened, Failure> {
    if let Some(opened) = read(files, store).await? {
        first_start::hold_to(options, &opened.meta)?;
        return Ok(opened);
    }
    let first = FirstStart { files, options, endpoint, clock: &SystemClock, random: &SystemRandomness::default() };
    first.run(store).await
}

/// A newer version of Bailiwick may bring managed policies that an older one hadn't.
pub(crate) async fn add_new_managed_policies(deployment: &Deployment, store: &Arc<dyn Store>) -> Result<(), Failure> {
    let fail = |e: &dyn std::fmt::Debug| Failure::new(format!("cannot store the managed policies: {e:?}"));
    let begun = Tx::begin(Arc::clone(store), Arc::clone(&deployment.quotas), At::Latest).await;
    let mut tx = begun.map_err(|e| fail(&e))?;
    let now = deployment.clock.now();
    let added = put_builtin_policies(&mut tx, now, deployment.random.as_ref()).await.map_err(|e| fail(&e))?;
    if added > 0 {
        tx.commit().await.map_err(|e| fail(&e))?;
        tracing::info!(added, "managed policies of this version were added");
    }
    Ok(())
}
