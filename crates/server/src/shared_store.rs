//! Opens the database that servers share, and the data folder of this server, which has its audit trail.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use bailiwick_operation::Random as _;
use bailiwick_storage::ServerId;
use bailiwick_storage_redb::{FolderLock, OpenError, lock_folder};
use data_encoding::HEXLOWER;

use crate::data_dir;
use crate::database::{Address, Database};
use crate::failure::Failure;
use crate::open_store::StoreFile;
use crate::options::DatabaseOptions;
use crate::private_file;
use crate::store_password;
use crate::system::SystemRandomness;

/// How long the database is waited for without a message.
const REPORTED: Duration = Duration::from_secs(2);
/// The file in the data folder that has the id of the server.
const SERVER: &str = "server-id";

/// Opens the database at an address. Waits while another server starts it for the first time.
pub(crate) async fn open(
    address: &str,
    options: &DatabaseOptions,
    max_staleness: Option<Duration>,
    data_dir: &Path,
) -> Result<StoreFile, Failure> {
    let parsed = parse(address, options)?;
    refuse_embedded(data_dir)?;
    let lock = lock(data_dir)?;
    let server = server_id(data_dir)?;
    let place = parsed.describe();
    let mut opening = Box::pin(parsed.open(server, max_staleness));
    let database = match tokio::time::timeout(REPORTED, &mut opening).await {
        Ok(database) => database,
        Err(_) => {
            tracing::info!("waiting for {place}, or for another server that makes a store in it");
            opening.await
        }
    };
    Ok(StoreFile::Shared(database.map_err(|why| unopened(&place, &why))?, Some(lock)))
}

/// Opens a store that exists, as the stopped server with this data folder, while other servers may run. That server writes
/// the audit records of the changes at its next start.
pub(crate) async fn open_existing(
    address: &str,
    options: &DatabaseOptions,
    data_dir: &Path,
) -> Result<StoreFile, Failure> {
    let parsed = parse(address, options)?;
    refuse_embedded(data_dir)?;
    let shown = data_dir.display();
    if !data_dir.join(SERVER).exists() {
        return Err(Failure::new(format!(
            "{shown} is not the data folder of a server with a database: name that of a stopped one with --data-dir; it writes the audit record at its next start"
        )));
    }
    let lock = lock(data_dir)?;
    let database = existing(parsed, server_id(data_dir)?).await?;
    Ok(StoreFile::Shared(database, Some(lock)))
}

/// Opens a store that exists, only to read it, while any servers may run.
pub(crate) async fn open_unchanged(address: &str, options: &DatabaseOptions) -> Result<StoreFile, Failure> {
    let database = existing(parse(address, options)?, random_id()).await?;
    Ok(StoreFile::Shared(database, None))
}

async fn existing(parsed: Address, server: ServerId) -> Result<Database, Failure> {
    let place = parsed.describe();
    let database = parsed.open_existing(server).await.map_err(|why| unopened(&place, &why))?;
    database.ok_or_else(|| Failure::new(format!("there is no store in {place}")))
}

fn unopened(place: &str, why: &str) -> Failure {
    Failure::new(format!("cannot open the store in {place}: {why}"))
}

/// Reads an address and finds its password.
fn parse(address: &str, options: &DatabaseOptions) -> Result<Address, Failure> {
    let wrong = |why: String| Failure::with_code(format!("the address of the database: {why}"), 2);
    let parsed = Address::parse(address, None).map_err(wrong)?;
    if parsed.has_password() && std::env::args().any(|argument| argument.contains(address)) {
        let why = "the list of processes shows the password: put the address into a variable, such as BAILIWICK_STORE, or the password into a file, such as --store-password-file";
        return Err(wrong(why.to_owned()));
    }
    let password = store_password::find(options.store_password_file.as_deref(), &parsed)?;
    let parsed = match password {
        Some(password) => Address::parse(address, Some(&password)).map_err(wrong)?,
        None => parsed,
    };
    if parsed.is_exposed() {
        tracing::warn!(
            "connections to the database have no TLS: whoever can read the network between this server and the database reads what they send"
        );
    }
    Ok(parsed)
}

fn refuse_embedded(data_dir: &Path) -> Result<(), Failure> {
    if !data_dir::has_store(data_dir)? {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the data folder {} has an embedded store: name another folder with --data-dir for the audit trail of this server, or leave out --store",
        data_dir.display()
    )))
}

fn lock(data_dir: &Path) -> Result<FolderLock, Failure> {
    let shown = data_dir.display();
    lock_folder(data_dir).map_err(|error| match error {
        OpenError::InUse(_) => Failure::new(format!(
            "the data folder {shown} is in use: each server has a folder of its own, named with --data-dir; a command needs that of a stopped server, while the other servers may run"
        )),
        error => Failure::new(format!("cannot use the data folder {shown}: {error}")),
    })
}

/// The id of this server, which is made at its first start.
fn server_id(data_dir: &Path) -> Result<ServerId, Failure> {
    let file = data_dir.join(SERVER);
    let failed = |why: &dyn std::fmt::Display| Failure::new(format!("{}: {why}", file.display()));
    match fs::read(&file) {
        Ok(found) => {
            let id = HEXLOWER.decode(found.trim_ascii_end()).ok().and_then(|id| id.try_into().ok());
            id.map(ServerId).ok_or_else(|| failed(&"expected 32 hexadecimal digits, which identify the server"))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let id = random_id();
            let text = format!("{}\n", HEXLOWER.encode(&id.0));
            private_file::create(&file, 0o600, text.as_bytes()).map_err(|error| failed(&error))?;
            Ok(id)
        }
        Err(error) => Err(failed(&error)),
    }
}

fn random_id() -> ServerId {
    let mut id = [0; 16];
    SystemRandomness::default().fill(&mut id);
    ServerId(id)
}
