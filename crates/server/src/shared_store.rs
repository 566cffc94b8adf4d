//! Opens the database that servers share, and the data folder of this server, which has its audit trail.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use bailiwick_operation::Random as _;
use bailiwick_storage::ServerId;
use bailiwick_storage_postgres::{Address, Database, Options};
use bailiwick_storage_redb::{OpenError, lock_folder};
use data_encoding::HEXLOWER;

use crate::data_dir;
use crate::failure::Failure;
use crate::open_store::StoreFile;
use crate::options::SharedStoreOptions;
use crate::private_file;
use crate::store_password;
use crate::system::SystemRandomness;

/// How long the database is waited for without a message.
const REPORTED: Duration = Duration::from_secs(2);
/// The file in the data folder that has the id of the server.
const SERVER: &str = "server-id";

/// Opens the database at an address. Waits while another server starts it for the first time.
pub(crate) async fn open(address: &str, shared: &SharedStoreOptions, data_dir: &Path) -> Result<StoreFile, Failure> {
    let wrong = |why: String| Failure::with_code(format!("--store: {why}"), 2);
    let parsed = Address::parse(address, None).map_err(|error| wrong(error.to_string()))?;
    if parsed.has_password() && std::env::args().any(|argument| argument.contains(address)) {
        let why = "the list of processes shows the password: put the address into BAILIWICK_STORE, or the password into a file, --store-password-file";
        return Err(wrong(why.to_owned()));
    }
    let password = store_password::find(shared.store_password_file.as_deref(), &parsed)?;
    let parsed = match password {
        Some(password) => Address::parse(address, Some(&password)).map_err(|error| wrong(error.to_string()))?,
        None => parsed,
    };
    if parsed.is_exposed() {
        tracing::warn!(
            "sslmode=disable: whoever can read the network between this server and the database reads what they send"
        );
    }
    let shown = data_dir.display();
    if data_dir::has_store(data_dir)? {
        return Err(Failure::new(format!(
            "the data folder {shown} has an embedded store: name another folder with --data-dir for the audit trail of this server, or leave out --store"
        )));
    }
    let lock = lock_folder(data_dir).map_err(|error| match error {
        OpenError::InUse(_) => Failure::new(format!(
            "the data folder {shown} is in use: each server has a folder of its own, named with --data-dir"
        )),
        error => Failure::new(format!("cannot use the data folder {shown}: {error}")),
    })?;
    let server = server_id(data_dir)?;
    let options = Options { max_staleness: shared.max_staleness(), ..Options::of(server) };
    let place = parsed.describe();
    let mut opening = Box::pin(Database::open(parsed, options));
    let database = match tokio::time::timeout(REPORTED, &mut opening).await {
        Ok(database) => database,
        Err(_) => {
            tracing::info!("waiting for {place}, or for another server that makes a store in it");
            opening.await
        }
    };
    let database = database.map_err(|error| Failure::new(format!("cannot open the store in {place}: {error}")))?;
    Ok(StoreFile::Shared(Box::new(database), lock))
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
            let mut id = [0; 16];
            SystemRandomness::default().fill(&mut id);
            let text = format!("{}\n", HEXLOWER.encode(&id));
            private_file::create(&file, 0o600, text.as_bytes()).map_err(|error| failed(&error))?;
            Ok(ServerId(id))
        }
        Err(error) => Err(failed(&error)),
    }
}
