//! `bailiwick restore`: a store made of a backup.

use std::path::PathBuf;
use std::process::ExitCode;

use bailiwick_model::Region;
use clap::Args;

use crate::backup::{self, BackupFile, Manifest};
use crate::failure::Failure;
use crate::logging::{self, LogFilter, LogFormat};
use crate::new_store::{self, NewStore};
use crate::options::{DatabaseOptions, ExistingStoreOptions, parse_region};
use crate::{output, process};

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
    if options.database.store.is_none() {
        new_store::refuse_content(data_dir, &[])?;
    }
    backup::verify(from)?;
    let file = BackupFile::open(from)?;
    let source = options.store.key_source()?;
    let master = source.expect()?;
    let keyring = file.keyring.unwrap_with(&master).map_err(|e| source.refused(&master, &file.keyring, e))?;
    let (manifest, state) = (file.manifest.clone(), file.state.clone());
    let new = NewStore {
        manifest: &manifest,
        state: &state,
        keyring: &keyring,
        master: &master,
        source: &source,
        from: from.display().to_string(),
        program: "restore",
        region: &options.region,
    };
    let epoch = match &options.database.store {
        Some(address) => new.in_database(&options.database, address, data_dir, file).await?,
        None => new.in_folder(data_dir, file).await?,
    };
    Ok((manifest, epoch))
}
