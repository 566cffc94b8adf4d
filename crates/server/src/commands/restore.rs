//! `bailiwick restore`: a store made of a backup.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use bailiwick_api::admin;
use bailiwick_model::{IamError, Region};
use bailiwick_operation::NoIssuerKeys;
use bailiwick_seal::MasterKey;
use bailiwick_storage::{At, Authenticator, Meta, StoreError, Tx};
use bailiwick_storage_redb::OpenError;
use clap::Args;
use prost::Message as _;

use crate::backup::{self, BackupFile, Manifest};
use crate::deployment::{self, Found, Missing};
use crate::failure::Failure;
use crate::logging::{self, LogFilter, LogFormat};
use crate::master_key::MasterKeySource;
use crate::open_store::StoreFile;
use crate::options::{DatabaseOptions, ExistingStoreOptions, beside, parse_region};
use crate::{output, private_file, process, rotation, shared_store, store};

/// How many waiting audit events are moved in one transaction.
const ADOPTED: usize = 256;

/// Restore a backup into a new data folder, or into a new database
///
/// Verifies the checksum of the backup and that every row is authentic and none is missing, which needs the master key, and
/// makes a store of it. A folder that has anything in it is refused. Revision tokens from before are refused by the
/// restored store. The audit trail records it as RestoreBackup.
///
/// Exit codes: 0 restored, 1 nothing was restored, 2 wrong usage.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick restore --from /backups/bailiwick-2026-03-01.backup --data-dir /var/lib/bailiwick/data
  bailiwick restore --from backup-2026-03-01 --data-dir ./restored \\
    --master-key-file /run/secrets/master-key
  bailiwick restore --from backup-2026-03-01 --store postgres://bailiwick@db.example.com/iam \\
    --data-dir /var/lib/bailiwick/data")]
pub(crate) struct Options {
    #[command(flatten)]
    store: ExistingStoreOptions,
    #[command(flatten)]
    database: DatabaseOptions,
    /// File of the backup
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Region in the audit record
    #[arg(long, env = "BAILIWICK_REGION", value_parser = parse_region, default_value = "us-east-1")]
    region: Region,
}

impl Options {
    /// Where the store is made, for messages.
    fn place(&self) -> String {
        match &self.database.store {
            Some(_) => "The database".to_owned(),
            None => self.store.data_dir.display().to_string(),
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    logging::start(&LogFilter::warnings(), LogFormat::Text)?;
    process::harden();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(format!("cannot start: {e}")))?;
    let (manifest, epoch) = runtime.block_on(restore(options))?;
    output::print(&format!(
        "{} has the store {} as of {}, at revision {}, {}, restored {}.\nAccess keys, sessions and permissions that were revoked since then are valid again: revoke them again. The backup has no files of the audit trail.\n",
        options.place(),
        manifest.store_id,
        manifest.created,
        manifest.revision,
        output::counted(manifest.rows, "row"),
        output::counted(epoch.saturating_sub(1), "time")
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn restore(options: &Options) -> Result<(Manifest, u64), Failure> {
    let (data_dir, from) = (&options.store.data_dir, &options.from);
    refuse_content(data_dir)?;
    backup::verify(from)?;
    let file = BackupFile::open(from)?;
    let source = options.store.key_source()?;
    let master = source.expect()?;
    let keyring = file.keyring.unwrap_with(&master).map_err(|e| source.refused(&master, &file.keyring, e))?;
    let authenticator = store::authenticator(&keyring)?;
    if let Some(address) = &options.database.store {
        return restore_shared(options, address, file, &authenticator, &source, &master).await;
    }
    let unfinished = beside(data_dir, ".restoring");
    refuse_content(&unfinished)?;
    let failed = |e: &dyn std::fmt::Display| Failure::new(format!("{} cannot be restored: {e}", from.display()));
    let (manifest, state) = (file.manifest.clone(), file.state.clone());
    let made = bailiwick_storage_redb::restore(&unfinished, &store::settings(), &authenticator, &state, file);
    let begun = match made {
        Ok(()) => {
            let file = store::open_folder(&unfinished).map(StoreFile::from);
            begin(options, &unfinished, file?, &source, &master, &manifest).await
        }
        // Another restore has the folder, and goes on with it.
        Err(error @ OpenError::InUse(_)) => return Err(failed(&error)),
        Err(error) => Err(failed(&error)),
    };
    let moved = begun.and_then(|epoch| {
        // An empty folder in its place is replaced.
        let moved = fs::rename(&unfinished, data_dir).and_then(|()| private_file::sync_folder_of(data_dir));
        moved.map(|()| epoch).map_err(|e| Failure::new(format!("cannot move the store to {}: {e}", data_dir.display())))
    });
    if moved.is_err() {
        // The first error is the one to report. The folder was empty before.
        let _ = fs::remove_dir_all(&unfinished);
    }
    Ok((manifest, moved?))
}

/// Fills a database, whose servers are not running. The data folder is that of the server that starts first.
async fn restore_shared(
    options: &Options,
    address: &str,
    backup: BackupFile,
    authenticator: &Authenticator,
    source: &MasterKeySource,
    master: &MasterKey,
) -> Result<(Manifest, u64), Failure> {
    let (shared, data_dir) = (&options.database, &options.store.data_dir);
    let (manifest, state) = (backup.manifest.clone(), backup.state.clone());
    let StoreFile::Shared(database, lock) = shared_store::open(address, shared, None, data_dir).await? else {
        return Err(Failure::new("an address names no database"));
    };
    let place = database.describe();
    if !database.is_unused() {
        return Err(Failure::new(format!("{place} has a store: a backup is restored into a new database")));
    }
    let rows = backup.map(|row| row.map_err(StoreError::from));
    let made = database.restore(authenticator, &state, rows).await;
    made.map_err(|e| Failure::new(format!("{} cannot be restored into {place}: {e}", options.from.display())))?;
    drop(lock);
    let file = shared_store::open(address, shared, None, data_dir).await?;
    let epoch = begin(options, data_dir, file, source, master, &manifest).await?;
    Ok((manifest, epoch))
}

/// Refuses a folder with anything in it.
fn refuse_content(folder: &Path) -> Result<(), Failure> {
    let shown = folder.display();
    match fs::read_dir(folder).map(|mut content| content.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::new(format!("{shown} is not empty: a backup is restored into a new folder"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::new(format!("cannot look into {shown}: {error}"))),
    }
}

/// Counts the restore in the store and records it. Returns the new epoch.
async fn begin(
    options: &Options,
    folder: &Path,
    file: StoreFile,
    source: &MasterKeySource,
    master: &MasterKey,
    manifest: &Manifest,
) -> Result<u64, Failure> {
    let failed = |e: IamError| Failure::new(format!("the restored store cannot be changed: {e:?}"));
    let Found::Used(opened) = deployment::open(folder, source, master, file, Missing::Refused).await? else {
        return Err(Failure::new("the backup is of an empty store"));
    };
    let (open, store, meta) = (opened.open.clone(), opened.store(), opened.meta.clone());
    let deployment = opened.deployment(options.region.clone(), String::new(), Arc::new(NoIssuerKeys));
    let epoch = meta.epoch.saturating_add(1);
    loop {
        let begun = Tx::begin(Arc::clone(&store), Arc::clone(&deployment.quotas), At::Latest).await;
        let mut tx = begun.map_err(failed)?;
        if tx.adopt_outboxes(ADOPTED).await.map_err(failed)? == 0 {
            break;
        }
        tx.commit().await.map_err(|e| Failure::new(format!("the restored store cannot be changed: {e:?}")))?;
    }
    let mut tx = Tx::begin(store, Arc::clone(&deployment.quotas), At::Latest).await.map_err(failed)?;
    tx.put_meta(&Meta { epoch, ..meta }).await.map_err(failed)?;
    let parameters =
        admin::RestoreBackupRequest { created: manifest.created.clone(), revision: manifest.revision as i64 };
    let response = admin::RestoreBackupResponse { epoch: epoch as i64 };
    let uid = rustix::process::getuid().as_raw();
    let command = rotation::Command { name: "RestoreBackup", program: "restore", uid };
    let messages = (parameters.encode_to_vec(), response.encode_to_vec());
    rotation::record(&deployment, &mut tx, None, command, messages).await.map_err(failed)?;
    tx.commit().await.map_err(|e| Failure::new(format!("the restored store cannot be changed: {e:?}")))?;
    open.close().await;
    Ok(epoch)
}
