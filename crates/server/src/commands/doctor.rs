//! `bailiwick doctor`: checks a store without changing it: that of a stopped server, or a database.

mod content;
mod report;

use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use bailiwick_audit::unopened_segments;
use bailiwick_seal::{SealError, Sealer, WrappedKeyring};
use bailiwick_storage::{At, Content, Fault, Inspector, Meta, StoreError, inspect};
use bailiwick_storage_redb::{OpenError, RedbFile};
use clap::Args;

use self::content::ContentCheck;
use self::report::{Report, Trouble};
use crate::failure::Failure;
use crate::logging::{self, LogFilter, LogFormat};
use crate::open_store::StoreFile;
use crate::options::{DatabaseOptions, ExistingStoreOptions};
use crate::progress::Progress;
use crate::{control, data_dir, process, shared_store, store};

/// The exit code of a store that has faults.
const FAULTS: u8 = 1;
/// The exit code of a store that could not be checked.
const UNCHECKED: u8 = 2;

/// Check the store of a stopped server, or a database
///
/// Reads every row and reports what is wrong, where, and what to do: rows that are damaged, missing or out of date; indexes,
/// references and counters that disagree with the records; policies that do not compile; secrets that cannot be opened;
/// audit records that cannot be read. Changes nothing, also when the store is of an older version or was not closed. Needs
/// the master key, and must run as the user that the server runs as. Of the audit trail, segments that cannot be opened are
/// reported; `bailiwick audit verify` reads them whole.
///
/// A database is checked at one revision, while its servers may run, and the audit trail of the data folder only if its server
/// is stopped.
///
/// Exit codes: 0 the store is sound, 1 faults were found, 2 the store could not be checked, or wrong usage.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick doctor --data-dir /var/lib/bailiwick/data
  bailiwick doctor --json --data-dir /mnt/restored/data --master-key-file /run/secrets/master-key
  bailiwick doctor --store postgres://bailiwick@db.example.com/iam \\
    --data-dir /var/lib/bailiwick/data")]
pub(crate) struct Options {
    #[command(flatten)]
    store: ExistingStoreOptions,
    #[command(flatten)]
    database: DatabaseOptions,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    logging::start(&LogFilter::warnings(), LogFormat::Text)?;
    process::harden();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::with_code(format!("cannot start: {e}"), UNCHECKED))?;
    let mut report = Report::new(options.json);
    match runtime.block_on(check(options, &mut report)) {
        Ok(()) => {}
        Err(Stopped::Fault(trouble)) => report.add(trouble)?,
        Err(Stopped::Failed(failure)) => return Err(failure.coded(UNCHECKED)),
    }
    report.finish()?;
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::from(FAULTS) })
}

/// Why a check ended early.
enum Stopped {
    /// The store is damaged so that nothing more of it can be read.
    Fault(Trouble),
    Failed(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Stopped::Failed(failure)
    }
}

async fn check(options: &Options, report: &mut Report) -> Result<(), Stopped> {
    let data_dir = &options.store.data_dir;
    let file = open(options).await?;
    let place = file.place(data_dir);
    let stopped = |error| stopped(&place, error);
    let failed = |error: &dyn std::fmt::Display| Failure::new(format!("cannot check the store in {place}: {error}"));
    report.layout = file.layout();
    if file.is_unused().map_err(stopped)? {
        return Err(failed(&"it is empty: its first start has not been completed").into());
    }
    let source = options.store.key_source()?;
    let master = source.expect()?;
    let Some(wrapped) = file.keyring().map_err(stopped)? else {
        return Err(Stopped::Fault(Trouble::unreadable("it has no keys".to_owned())));
    };
    let wrapped = WrappedKeyring::from_bytes(wrapped.to_vec());
    let keyring = wrapped.unwrap_with(&master).map_err(|error| match error {
        SealError::DamagedKeyring => Stopped::Fault(Trouble::unreadable(error.to_string())),
        error => source.refused(&master, &wrapped, error).into(),
    })?;
    let (open, keyring) = match keyring.row_key().map_err(|e| failed(&e))? {
        Some(_) => (file.start(store::authenticator(&keyring)?), keyring),
        None => {
            // An upgrade in memory: the rows of this layout are not authenticated.
            let complete = keyring.complete(0).map_err(|e| failed(&e))?;
            let wrapped = WrappedKeyring::wrap(&complete, &master).map_err(|e| failed(&e))?;
            (file.upgrade(store::authenticator(&complete)?, wrapped.as_bytes()), complete)
        }
    };
    let open = open.map_err(stopped)?;
    let store = open.store();
    match Meta::of(&*store).await {
        Ok(Some(meta)) => report.set_meta(&meta),
        Err(error @ StoreError::Newer { .. }) => return Err(failed(&error).into()),
        // A missing or damaged row is found below.
        _ => {}
    }
    let view = store.read(At::Latest).await.map_err(|e| failed(&e))?;
    report.revision = view.revision().number();
    let content = ContentCheck { sealer: Sealer::new(keyring), master };
    let mut inspection = Inspection { content, progress: Progress::new(), report, failure: None };
    let done = inspect(&*view, &mut inspection).await;
    inspection.progress.end();
    let failure = inspection.failure;
    drop((view, store));
    open.close().await;
    match (failure, done) {
        (Some(failure), _) => Err(failure.into()),
        (None, Ok(rows)) => {
            report.rows = rows;
            // A running server replaces segments by compressed ones.
            if control::answers(data_dir) { Ok(()) } else { check_trail(&data_dir.join("audit"), report) }
        }
        (None, Err(StoreError::Corrupt(why))) => Err(Stopped::Fault(Trouble::unreadable(why))),
        (None, Err(error)) => Err(failed(&error).into()),
    }
}

/// Opens the store of the data folder, or the database, so that nothing of it is changed.
async fn open(options: &Options) -> Result<StoreFile, Stopped> {
    if let Some(address) = &options.database.store {
        return Ok(shared_store::open_unchanged(address, &options.database).await?);
    }
    let data_dir = &options.store.data_dir;
    let folder = data_dir.display();
    if !data_dir::has_store(data_dir)? {
        return Err(Failure::new(format!(
            "no store in {folder}: name its folder with --data-dir, or a database with --store"
        ))
        .into());
    }
    let file = RedbFile::open_unchanged(data_dir, &store::settings());
    Ok(file.map_err(|error| stopped(&folder.to_string(), error))?.into())
}

/// Whether an error is a fault of the store in this place, or a failure to check it.
fn stopped(place: &str, error: OpenError) -> Stopped {
    match error {
        OpenError::Corrupt(why) => Stopped::Fault(Trouble::unreadable(why)),
        // Rows of a store of an older layout, which is upgraded in memory, are missing.
        OpenError::Store(error @ StoreError::Incomplete { .. }) => {
            Stopped::Fault(Trouble::unreadable(error.to_string()))
        }
        OpenError::InUse(_) => {
            Failure::new(format!("the store in {place} is in use: stop the server that holds it first")).into()
        }
        error => Failure::new(format!("cannot open the store in {place}: {error}")).into(),
    }
}

/// Reports the segments of the audit trail that cannot be opened.
fn check_trail(folder: &Path, report: &mut Report) -> Result<(), Stopped> {
    let unopened = match unopened_segments(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        unopened => {
            unopened.map_err(|e| Failure::new(format!("cannot read the audit trail in {}: {e}", folder.display())))
        }
    };
    for (segment, error) in unopened? {
        report.add(Trouble::unreadable_segment(&segment, &error))?;
    }
    Ok(())
}

/// Passes what is found on to the report.
struct Inspection<'a> {
    content: ContentCheck,
    progress: Progress,
    report: &'a mut Report,
    /// The first failure to write the report.
    failure: Option<Failure>,
}

impl Inspector for Inspection<'_> {
    fn fault(&mut self, fault: Fault) {
        self.progress.end();
        if let Err(failure) = self.report.add(Trouble::of(&fault)) {
            self.failure.get_or_insert(failure);
        }
    }

    fn content(&mut self, content: &Content) -> Option<String> {
        if matches!(content, Content::OutboxRow(_)) {
            self.report.waiting_records += 1;
        }
        self.content.check(content).err()
    }

    fn progress(&mut self, rows: u64, of: u64) {
        self.progress.at(rows as usize, of as usize, "rows");
    }
}

#[cfg(test)]
mod tests;
