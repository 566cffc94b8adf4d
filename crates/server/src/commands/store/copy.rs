//! `bailiwick store copy`: a new store with the rows of another one, in a folder or in a database.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bailiwick_model::Region;
use bailiwick_seal::WrappedKeyring;
use bailiwick_storage_redb::{OpenError, RedbFile};
use clap::Args;

use crate::backup::{Manifest, Source};
use crate::deployment::{self, Found, Missing};
use crate::failure::Failure;
use crate::logging::{self, LogFilter, LogFormat};
use crate::new_store::NewStore;
use crate::open_store::StoreFile;
use crate::options::{DatabaseOptions, MasterKeyOptions, StorePlace, parse_region};
use crate::{data_dir, output, process, shared_store, store};

/// Copy a store into a new folder or database
///
/// Copies every row at one revision, with its authentication, then reads all rows of the copy again and compares their number
/// and SHA-256. The servers of the store must be stopped, so that no change is left behind. The new store appears complete or
/// not at all: what was interrupted is repeated with the same command. The old store is not changed; do not start its servers
/// again. Needs the master key, which stays the same. Revision tokens from before are refused by the new store. The audit trail
/// of the new store records it as RestoreBackup; the files of the old trail are not copied.
///
/// Exit codes: 0 copied, 1 nothing was copied, 2 wrong usage.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick store copy --from redb:/var/lib/bailiwick/data \\
    --to postgres://bailiwick@db.example.com/iam --data-dir /var/lib/bailiwick/server1
  bailiwick store copy --from postgres://bailiwick@db.example.com/iam \\
    --to redb:/var/lib/bailiwick/back --master-key-file /var/lib/bailiwick/data.key")]
pub(crate) struct Options {
    /// The store: redb:FOLDER, or the address of a database as for serve --store
    #[arg(long, env = "BAILIWICK_COPY_FROM", hide_env_values = true, value_name = "STORE")]
    from: String,
    /// The new store: redb:FOLDER with a new or empty folder, or the address of a new database
    #[arg(long, env = "BAILIWICK_COPY_TO", hide_env_values = true, value_name = "STORE")]
    to: String,
    /// File with the password for the database that is copied [default: for PostgreSQL, PGPASSWORD or the file that
    /// PGPASSFILE names; for etcd, ETCDCTL_PASSWORD]
    #[arg(long, value_name = "FILE")]
    from_password_file: Option<PathBuf>,
    /// File with the password for the new database [default: for PostgreSQL, PGPASSWORD or the file that PGPASSFILE names;
    /// for etcd, ETCDCTL_PASSWORD]
    #[arg(long, value_name = "FILE")]
    to_password_file: Option<PathBuf>,
    /// Data folder of the server that starts first on a new database: a new or empty one
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    master_key: MasterKeyOptions,
    /// Region in the audit record
    #[arg(long, env = "BAILIWICK_REGION", value_parser = parse_region, default_value = "us-east-1")]
    region: Region,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    logging::start(&LogFilter::warnings(), LogFormat::Text)?;
    process::harden();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(format!("cannot start: {e}")))?;
    let (manifest, epoch) = runtime.block_on(copy(options))?;
    output::print(&format!(
        "Copied: the store {} at revision {}, {}, which were read again and compared. It is in epoch {epoch}.\nDo not start the servers of the old store again: what they change is not in the new one.\n",
        manifest.store_id,
        manifest.revision,
        output::counted(manifest.rows, "row"),
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// The places of the two stores, and the data folder of the new one.
struct Places {
    from: StorePlace,
    to: StorePlace,
    data_dir: PathBuf,
}

impl Options {
    fn places(&self) -> Result<Places, Failure> {
        let place = |text: &str, option: &str| -> Result<StorePlace, Failure> {
            text.parse().map_err(|why| Failure::with_code(format!("{option}: {why}"), 2))
        };
        let (from, to) = (place(&self.from, "--from")?, place(&self.to, "--to")?);
        let data_dir = self.data_dir(&to)?.to_owned();
        Ok(Places { from, to, data_dir })
    }

    /// The folder of the embedded store, or of the first server of the new database.
    fn data_dir<'o>(&'o self, to: &'o StorePlace) -> Result<&'o Path, Failure> {
        match (to, &self.data_dir) {
            (StorePlace::Folder(folder), None) => Ok(folder),
            (StorePlace::Folder(_), Some(_)) => {
                Err(Failure::with_code("--data-dir is for a new database: --to names the new folder", 2))
            }
            (StorePlace::Database(_), Some(folder)) => Ok(folder),
            (StorePlace::Database(_), None) => Err(Failure::with_code(
                "--data-dir is missing: it names the data folder of the server that starts first on the new database",
                2,
            )),
        }
    }
}

async fn copy(options: &Options) -> Result<(Manifest, u64), Failure> {
    let Places { from, to, data_dir } = options.places()?;
    // The key is usually beside the folder that exists already.
    let beside = match &from {
        StorePlace::Folder(folder) => folder,
        StorePlace::Database(_) => &data_dir,
    };
    let source = options.master_key.source(beside)?;
    let master = source.expect()?;
    let file = open(options, &from).await?;
    let place = file.place(beside);
    let file = file.unless_in_use().await.ok_or_else(|| {
        Failure::new(format!(
            "servers use {place}: stop them, and wait some seconds if they were killed, so that no change is left behind"
        ))
    })?;
    let Found::Used(opened) = deployment::open(beside, &source, &master, file, Missing::Refused).await? else {
        return Err(Failure::new(format!("no store in {place}: its first start has not been completed")));
    };
    let copied =
        Source::of(opened.store()).await.map_err(|e| Failure::new(format!("{place} cannot be copied: {e}")))?;
    let wrapped = WrappedKeyring::from_bytes(copied.keyring().to_vec());
    let keyring = wrapped.unwrap_with(&master).map_err(|e| source.refused(&master, &wrapped, e))?;
    let new = NewStore {
        manifest: copied.manifest(),
        state: copied.state(),
        keyring: &keyring,
        master: &master,
        source: &source,
        from: place,
        program: "store copy",
        region: &options.region,
    };
    let made = match &to {
        StorePlace::Folder(_) => new.in_folder(&data_dir, copied.rows()).await,
        StorePlace::Database(address) => {
            let database = database(address, options.to_password_file.as_ref());
            new.in_database(&database, address, &data_dir, copied.rows()).await
        }
    };
    let manifest = copied.manifest().clone();
    drop(copied);
    let head = opened.store().head().await;
    opened.open.close().await;
    let epoch = made?;
    match head {
        Ok(head) if head.number() == manifest.revision => Ok((manifest, epoch)),
        // A server that was paused or cut off when the servers were looked for.
        Ok(head) => Err(Failure::new(format!(
            "a server changed the store during the copy, which has its revision {} and not {}: do not use the copy; stop all servers, and copy into another place",
            manifest.revision,
            head.number(),
        ))),
        Err(error) => Err(Failure::new(format!(
            "whether a server changed the store during the copy cannot be found out, so do not use the copy: {error}"
        ))),
    }
}

/// Opens the store that is copied, so that nothing of it is changed.
async fn open(options: &Options, from: &StorePlace) -> Result<StoreFile, Failure> {
    match from {
        StorePlace::Database(address) => {
            shared_store::open_unchanged(address, &database(address, options.from_password_file.as_ref())).await
        }
        StorePlace::Folder(folder) => {
            let shown = folder.display();
            if !data_dir::has_store(folder)? {
                return Err(Failure::new(format!("no store in {shown}")));
            }
            let file = RedbFile::open_unchanged(folder, &store::settings()).map_err(|error| match error {
                OpenError::InUse(_) => Failure::new(format!("the store in {shown} is in use: stop its server first")),
                error => Failure::new(format!("cannot open the store in {shown}: {error}")),
            });
            file.map(StoreFile::from)
        }
    }
}

fn database(address: &str, password_file: Option<&PathBuf>) -> DatabaseOptions {
    DatabaseOptions { store: Some(address.to_owned()), store_password_file: password_file.cloned() }
}
