//! `bailiwick backup`: a copy of the store at one revision, in one file.

use std::path::PathBuf;
use std::process::ExitCode;

use bailiwick_storage_redb::RedbFile;
use clap::Args;

use crate::backup::{self, Manifest, Source, Target, save};
use crate::control::{Answer, Connection, Request};
use crate::deployment::{self, Found, Missing};
use crate::failure::Failure;
use crate::logging::{self, LogFilter, LogFormat};
use crate::options::ExistingStoreOptions;
use crate::{data_dir, output, process, store};

/// How many bytes of a backup wait between the store and the file.
const BUFFER: usize = 1 << 20;

/// Write a backup of the store
///
/// Copies the store at one revision into a new file, with a checksum: from the running server, which goes on serving, or from
/// the store if the server is stopped, which needs the master key. Secrets in the backup are sealed as in the store; the
/// master key is not in it, so keep a copy of the key elsewhere. The files of the audit trail are not in it either: copy
/// the folder `audit`, whose files only grow. The audit trail of a running server records it as CreateBackup.
///
/// Exit codes: 0 written, 1 no backup was written, 2 wrong usage.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick backup --data-dir /var/lib/bailiwick/data --to /backups/bailiwick-2026-03-01.backup
  bailiwick backup --to backup-$(date +%F)")]
pub(crate) struct Options {
    #[command(flatten)]
    store: ExistingStoreOptions,
    /// New file for the backup; an existing one is not overwritten
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    logging::start(&LogFilter::warnings(), LogFormat::Text)?;
    process::harden();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(format!("cannot start: {e}")))?;
    let (manifest, bytes) = runtime.block_on(back_up(options))?;
    output::print(&format!(
        "{} has the store {} at revision {}: {} rows, {bytes} bytes. It needs the master key {}, which is not in it.\n",
        options.to.display(),
        manifest.store_id,
        manifest.revision,
        manifest.rows,
        manifest.master_key_id
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn back_up(options: &Options) -> Result<(Manifest, u64), Failure> {
    let data_dir = &options.store.data_dir;
    let connection = Connection::open(data_dir).await?;
    if connection.is_none() && !data_dir::has_store(data_dir)? {
        return Err(Failure::new(format!("no store in {}: name its folder with --data-dir", data_dir.display())));
    }
    let target = Target::create(&options.to)?;
    if let Some(mut connection) = connection {
        return match connection.ask(&Request::Backup).await? {
            Answer::Backup { manifest } => Ok((manifest, save(&mut connection.rest(), target).await?)),
            Answer::Error { message } => Err(Failure::new(message)),
            Answer::Rotated { .. } => Err(Failure::new("the server answered another command")),
        };
    }
    of_stopped(options, target).await
}

/// From the store of a stopped server, which is not changed.
async fn of_stopped(options: &Options, target: Target<'_>) -> Result<(Manifest, u64), Failure> {
    let data_dir = &options.store.data_dir;
    let folder = data_dir.display();
    let file = RedbFile::open_unchanged(data_dir, &store::settings())
        .map_err(|e| Failure::new(format!("cannot open the store in {folder}: {e}")))?;
    let source = options.store.key_source()?;
    let master = source.expect()?;
    let Found::Used(opened) = deployment::open(data_dir, &source, &master, file, Missing::Refused).await? else {
        return Err(Failure::new(format!("no store in {folder}: its first start has not been completed")));
    };
    let open = opened.open.clone();
    let failed = |e: &dyn std::fmt::Display| Failure::new(format!("no backup was written: {e}"));
    let copied = Source::of(open.store()).await.map_err(|e| failed(&e))?;
    let (mut from, mut to) = tokio::io::duplex(BUFFER);
    let written = async {
        let outcome = backup::write(&copied, &mut to).await;
        // Ends what the other side reads.
        drop(to);
        outcome
    };
    let (written, saved) = tokio::join!(written, save(&mut from, target));
    let manifest = copied.manifest().clone();
    drop(copied);
    open.close().await;
    // The error of the store explains that of the file.
    written.map_err(|e| failed(&e))?;
    Ok((manifest, saved?))
}
