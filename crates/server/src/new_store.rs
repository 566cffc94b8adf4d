//! A new store that is made of the rows of another one: of a backup, or of a store that is copied.
//!
//! First the store gets the rows, completely or not at all. Then its rows are read again and compared, and the first changes
//! make it a store of its own: waiting audit records, the epoch, a record of the command. What is interrupted before the last
//! step is begun again by the same command.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use bailiwick_api::admin;
use bailiwick_model::{IamError, Region};
use bailiwick_operation::{NoIssuerKeys, Random as _, uuid};
use bailiwick_seal::{Keyring, MasterKey};
use bailiwick_storage::{At, Authenticator, CommitError, Meta, Revision, Store, StoreCopy, StoreState, StoredRow, Tx};
use bailiwick_storage_redb::{OpenError, lock_folder};
use prost::Message as _;

use self::sum::Summed;
use crate::backup::Manifest;
use crate::deployment::{self, Found, Missing, Opened};
use crate::failure::Failure;
use crate::master_key::MasterKeySource;
use crate::open_store::StoreFile;
use crate::options::{DatabaseOptions, beside};
use crate::system::SystemRandomness;
use crate::{private_file, rotation, shared_store, store};

mod sum;

/// The files of a data folder whose server was never started.
const UNSTARTED: [&str; 2] = ["lock", "server-id"];
/// The files of an embedded store that is being made.
const UNFINISHED: [&str; 3] = ["lock", "bailiwick.new", "bailiwick.redb"];

/// What a new store is made of.
pub(crate) struct NewStore<'a> {
    pub(crate) manifest: &'a Manifest,
    /// The sealed state of the rows.
    pub(crate) state: &'a [u8],
    /// The keys that are in the rows.
    pub(crate) keyring: &'a Keyring,
    /// What opens these keys.
    pub(crate) master: &'a MasterKey,
    pub(crate) source: &'a MasterKeySource,
    /// Where the rows come from, for messages.
    pub(crate) from: String,
    /// The command, for the audit record.
    pub(crate) program: &'static str,
    pub(crate) region: &'a Region,
}

impl NewStore<'_> {
    fn authenticator(&self) -> Result<Authenticator, Failure> {
        store::authenticator(self.keyring)
    }

    /// Makes an embedded store in a folder, which is new or empty. Returns the new epoch.
    pub(crate) async fn in_folder(
        &self,
        data_dir: &Path,
        rows: impl Iterator<Item = Result<StoredRow, OpenError>>,
    ) -> Result<u64, Failure> {
        refuse_content(data_dir, &[])?;
        let unfinished = beside(data_dir, ".restoring");
        remove_unfinished(&unfinished)?;
        let mut rows = Summed::of(rows, self.manifest.rows);
        let made = bailiwick_storage_redb::restore(
            &unfinished,
            &store::settings(),
            &self.authenticator()?,
            self.state,
            &mut rows,
        );
        let begun = match made {
            Ok(()) => {
                let file = store::open_folder(&unfinished).map(StoreFile::from);
                self.begin(&unfinished, file?, &rows).await
            }
            // Another command has the folder, and goes on with it.
            Err(error @ OpenError::InUse(_)) => return Err(self.failed(&unfinished.display(), &error)),
            Err(error) => Err(self.failed(&data_dir.display(), &error)),
        };
        let moved = begun.and_then(|epoch| {
            // An empty folder in its place is replaced.
            let moved = fs::rename(&unfinished, data_dir).and_then(|()| private_file::sync_folder_of(data_dir));
            moved.map(|()| epoch).map_err(|e| self.failed(&data_dir.display(), &e))
        });
        if moved.is_err() {
            // The first error is the one to report. The folder was empty before.
            let _ = fs::remove_dir_all(&unfinished);
        }
        moved
    }

    /// Fills a database, whose servers are not running. The data folder is that of the server that starts first. Returns the
    /// new epoch.
    pub(crate) async fn in_database(
        &self,
        options: &DatabaseOptions,
        address: &str,
        data_dir: &Path,
        rows: impl Iterator<Item = Result<StoredRow, OpenError>>,
    ) -> Result<u64, Failure> {
        refuse_content(data_dir, &UNSTARTED)?;
        let file = shared_store::open(address, options, None, data_dir).await?;
        let place = file.place(data_dir);
        let mut rows = Summed::of(rows, self.manifest.rows);
        if file.is_unused().map_err(|e| self.failed(&place, &e))? {
            let made = file.fill(&self.authenticator()?, self.state, i64::from_be_bytes(random()), &mut rows).await;
            made.map_err(|e| self.failed(&place, &e))?;
            let file = shared_store::open(address, options, None, data_dir).await?;
            return self.begin(data_dir, file, &rows).await;
        }
        if !self.is_unfinished(data_dir, file).await? {
            return Err(Failure::new(format!(
                "there is a store in {place} already: {} needs a new database",
                self.program
            )));
        }
        for row in &mut rows {
            row.map_err(|e| self.failed(&place, &e))?;
        }
        let file = shared_store::open(address, options, None, data_dir).await?;
        self.begin(data_dir, file, &rows).await
    }

    /// Whether a store has exactly these rows and no change since: the same command made it and was interrupted.
    async fn is_unfinished(&self, data_dir: &Path, file: StoreFile) -> Result<bool, Failure> {
        let failed = |e: &dyn std::fmt::Display| self.failed(&"the database", e);
        let state = StoreState::open(&self.authenticator()?, self.state).map_err(|e| failed(&e))?;
        let Found::Used(opened) = deployment::open(data_dir, self.source, self.master, file, Missing::Refused).await?
        else {
            return Ok(false);
        };
        let head: Revision = opened.store().head().await.map_err(|e| failed(&e))?;
        opened.open.close().await;
        let is_same = uuid(opened.meta.store_id) == self.manifest.store_id && opened.meta.epoch == self.manifest.epoch;
        Ok(is_same && head == state.after_gap().head)
    }

    /// Compares the rows, counts the new store, and records it. Returns the new epoch.
    async fn begin<R>(&self, folder: &Path, file: StoreFile, rows: &Summed<R>) -> Result<u64, Failure> {
        let found = deployment::open(folder, self.source, self.master, file, Missing::Refused).await?;
        let Found::Used(opened) = found else {
            return Err(Failure::new(format!("{} is an empty store", self.from)));
        };
        let open = opened.open.clone();
        let begun = self.begin_with(*opened, rows).await;
        open.close().await;
        begun
    }

    async fn begin_with<R>(&self, opened: Opened, rows: &Summed<R>) -> Result<u64, Failure> {
        let failed = |e: IamError| Failure::new(format!("the new store cannot be changed: {e:?}"));
        let uncommitted = |e: CommitError| Failure::new(format!("the new store cannot be changed: {e:?}"));
        let store: Arc<dyn Store> = opened.store();
        let copy = StoreCopy::of(store.read(At::Latest).await.map_err(|e| self.failed(&"the new store", &e))?);
        rows.compare(&copy).await.map_err(|why| self.failed(&"the new store", &why))?;
        drop(copy);
        let meta = opened.meta.clone();
        let deployment = opened.deployment(self.region.clone(), String::new(), Arc::new(NoIssuerKeys));
        let epoch = meta.epoch.saturating_add(1);
        let begin = || Tx::begin(Arc::clone(&store), Arc::clone(&deployment.quotas), At::Latest);
        // The epoch is counted in the last transaction: until then, the store is unfinished.
        let mut tx = begin().await.map_err(failed)?;
        while tx.adopt_outboxes().await.map_err(failed)? {
            tx.commit().await.map_err(uncommitted)?;
            tx = begin().await.map_err(failed)?;
        }
        tx.put_meta(&Meta { epoch, restore_id: u64::from_be_bytes(random()), ..meta }).await.map_err(failed)?;
        let (created, revision) = (self.manifest.created.clone(), self.manifest.revision as i64);
        let parameters = admin::RestoreBackupRequest { created, revision };
        let response = admin::RestoreBackupResponse { epoch: epoch as i64 };
        let uid = rustix::process::getuid().as_raw();
        let command = rotation::Command { name: "RestoreBackup", program: self.program, uid };
        let messages = (parameters.encode_to_vec(), response.encode_to_vec());
        rotation::record(&deployment, &mut tx, None, command, messages).await.map_err(failed)?;
        tx.commit().await.map_err(uncommitted)?;
        Ok(epoch)
    }

    fn failed(&self, place: &dyn std::fmt::Display, error: &dyn std::fmt::Display) -> Failure {
        Failure::new(format!("no store was made of {} in {place}: {error}", self.from))
    }
}

/// Distinguishes a new store from every other one of the same backup, and at the same address.
fn random() -> [u8; 8] {
    let mut bytes = [0; 8];
    SystemRandomness::default().fill(&mut bytes);
    bytes
}

/// Refuses a folder with anything in it but these files.
pub(crate) fn refuse_content(folder: &Path, but: &[&str]) -> Result<(), Failure> {
    let shown = folder.display();
    let failed = |e: std::io::Error| Failure::new(format!("cannot look into {shown}: {e}"));
    let content = match fs::read_dir(folder) {
        Ok(content) => content,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    for entry in content {
        let name = entry.map_err(failed)?.file_name();
        if !but.iter().any(|other| name == *other) {
            return Err(Failure::new(format!("{shown} is not empty: a store is made in a new folder")));
        }
    }
    Ok(())
}

/// Removes what an interrupted command left.
fn remove_unfinished(folder: &Path) -> Result<(), Failure> {
    let shown = folder.display();
    refuse_content(folder, &UNFINISHED)?;
    if !folder.exists() {
        return Ok(());
    }
    let failed =
        |e: &dyn std::fmt::Display| Failure::new(format!("cannot remove {shown}, which an earlier command left: {e}"));
    let _lock = lock_folder(folder).map_err(|e| failed(&e))?;
    fs::remove_dir_all(folder).map_err(|e| failed(&e))
}
