//! Opens what a store holds: its identity and its keys; makes them at the first start.

use std::sync::Arc;

use bailiwick_directory::put_builtin_policies;
use bailiwick_operation::{Clock, Deployment, Random, RevisionScope, uuid};
use bailiwick_seal::{MasterKey, Sealer, WrappedKeyring};
use bailiwick_storage::{At, Store, Tx};

use crate::failure::Failure;
use crate::first_start::{self, FirstStart};
use crate::master_key;
use crate::options::{DeploymentOptions, StoreOptions};
use crate::sources::{SystemClock, SystemRandomness};

/// Reads what the store is, or makes it at the first start, and opens its keys.
pub(crate) async fn open(
    files: &StoreOptions,
    options: &DeploymentOptions,
    store: &Arc<dyn Store>,
    endpoint: &str,
) -> Result<(Arc<Deployment>, MasterKey), Failure> {
    let key_file = files.key_file();
    let read = |e| Failure::new(format!("cannot read the store: {e:?}"));
    let mut tx = Tx::begin(Arc::clone(store), Arc::default(), At::Latest).await.map_err(read)?;
    let meta = tx.meta().await.map_err(read)?;
    // What the first start is given is looked at before anything is made.
    let root_key = if meta.is_none() { first_start::given_root_key()? } else { None };
    let master = master_key::load(&key_file, meta.is_none())?;
    let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) =
        (Arc::new(SystemClock), Arc::new(SystemRandomness::default()));
    let (meta, keyring) = match meta {
        Some(meta) => {
            let wrapped = tx.keyring().await.map_err(read)?;
            let wrapped = wrapped.ok_or_else(|| Failure::new("the store is damaged: it has no keys"))?;
            let keyring = WrappedKeyring::from_bytes(wrapped.to_vec()).unwrap_with(&master.key).map_err(|e| {
                Failure::new(format!("the master key {} does not open this store: {e}", key_file.display()))
            })?;
            first_start::hold_to(options.account_id, options.partition, &meta)?;
            (meta, keyring)
        }
        None => {
            let first = FirstStart {
                account_id: options.account_id,
                partition: options.partition,
                region: &options.region,
                data_dir: &files.data_dir,
                endpoint,
                clock: &clock,
                random: &random,
                master: &master.key,
            };
            let made = first.run(store, root_key).await?;
            if master.made {
                tracing::warn!(file = %key_file.display(), "the master key was made: without it the data can't be read; in production keep it elsewhere");
            }
            made
        }
    };
    let store_id = uuid(meta.store_id);
    let deployment = Arc::new(Deployment {
        partition: options.partition,
        region: options.region.clone(),
        cluster_id: store_id.clone(),
        revisions: RevisionScope { store_id, epoch: meta.epoch },
        management_account: meta.management_account,
        quotas: Arc::default(),
        clock,
        random,
        sealer: Arc::new(Sealer::new(keyring)),
    });
    Ok((deployment, master.key))
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
