//! The databases that servers share, one variant for each kind.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_storage::{Authenticator, ServerId, StoreError, StoredRow};
use bailiwick_storage_etcd as etcd;
use bailiwick_storage_postgres as postgres;
use bailiwick_storage_redb::OpenError;
use bailiwick_storage_remote::SharedStore;
use bytes::Bytes;

/// The address of a database, with its password.
pub(crate) enum Address {
    Postgres(postgres::Address),
    Etcd(etcd::Address),
}

/// A database before its rows are authenticated.
pub(crate) enum Database {
    Postgres(Box<postgres::Database>),
    Etcd(Box<etcd::Database>),
}

impl Address {
    /// Reads an address. `password` is used if the address has none. The error does not repeat the address.
    pub(crate) fn parse(address: &str, password: Option<&str>) -> Result<Self, String> {
        match address.split_once("://").map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => {
                postgres::Address::parse(address, password).map(Address::Postgres).map_err(|error| error.to_string())
            }
            Some("etcd") => {
                etcd::Address::parse(address, password).map(Address::Etcd).map_err(|error| error.to_string())
            }
            _ => Err("it does not begin with postgres:// or etcd://".to_owned()),
        }
    }

    pub(crate) fn has_password(&self) -> bool {
        match self {
            Address::Postgres(address) => address.has_password(),
            Address::Etcd(address) => address.has_password(),
        }
    }

    /// Where the database is, for messages.
    pub(crate) fn describe(&self) -> String {
        match self {
            Address::Postgres(address) => address.describe(),
            Address::Etcd(address) => address.describe(),
        }
    }

    /// Whether connections use neither TLS nor this machine alone.
    pub(crate) fn is_exposed(&self) -> bool {
        match self {
            Address::Postgres(address) => address.is_exposed(),
            Address::Etcd(address) => address.is_exposed(),
        }
    }

    /// Opens the database. Waits while another server starts it for the first time.
    pub(crate) async fn open(self, server: ServerId, max_staleness: Option<Duration>) -> Result<Database, String> {
        match self {
            Address::Postgres(address) => {
                let usual = postgres::Options::of(server);
                let max_staleness = max_staleness.unwrap_or(usual.max_staleness);
                let opened = postgres::Database::open(address, postgres::Options { max_staleness, ..usual }).await;
                opened.map(|opened| Database::Postgres(Box::new(opened))).map_err(|error| error.to_string())
            }
            Address::Etcd(address) => {
                let usual = etcd::Options::of(server);
                let max_staleness = max_staleness.unwrap_or(usual.max_staleness);
                let opened = etcd::Database::open(address, etcd::Options { max_staleness, ..usual }).await;
                opened.map(|opened| Database::Etcd(Box::new(opened))).map_err(|error| error.to_string())
            }
        }
    }

    /// Opens a store that exists; none if there is none.
    pub(crate) async fn open_existing(self, server: ServerId) -> Result<Option<Database>, String> {
        match self {
            Address::Postgres(address) => {
                let opened = postgres::Database::open_existing(address, postgres::Options::of(server)).await;
                let opened = opened.map_err(|error| error.to_string())?;
                Ok(opened.map(|opened| Database::Postgres(Box::new(opened))))
            }
            Address::Etcd(address) => {
                let opened = etcd::Database::open_existing(address, etcd::Options::of(server)).await;
                let opened = opened.map_err(|error| error.to_string())?;
                Ok(opened.map(|opened| Database::Etcd(Box::new(opened))))
            }
        }
    }
}

impl Database {
    /// Returns whether nothing was ever committed.
    pub(crate) fn is_unused(&self) -> bool {
        match self {
            Database::Postgres(database) => database.is_unused(),
            Database::Etcd(database) => database.is_unused(),
        }
    }

    /// Returns the wrapped keyring.
    pub(crate) fn keyring(&self) -> Option<Bytes> {
        match self {
            Database::Postgres(database) => database.keyring(),
            Database::Etcd(database) => database.keyring(),
        }
    }

    /// The layout in which rows are stored.
    pub(crate) fn layout(&self) -> u32 {
        match self {
            Database::Postgres(database) => database.layout(),
            Database::Etcd(database) => database.layout(),
        }
    }

    /// Where it is, for messages.
    pub(crate) fn describe(&self) -> String {
        match self {
            Database::Postgres(database) => database.describe(),
            Database::Etcd(database) => database.describe(),
        }
    }

    /// Fills an unused database with the rows of a copy.
    pub(crate) async fn restore(
        self,
        authenticator: &Authenticator,
        sealed_state: &[u8],
        epoch: i64,
        rows: impl Iterator<Item = Result<StoredRow, StoreError>>,
    ) -> Result<(), OpenError> {
        match self {
            Database::Postgres(database) => {
                database.restore(authenticator, sealed_state, epoch, rows).await.map_err(of_postgres)
            }
            Database::Etcd(database) => {
                database.restore(authenticator, sealed_state, epoch, rows).await.map_err(of_etcd)
            }
        }
    }

    /// Returns it, unless other servers use it, or that cannot be found out.
    pub(crate) async fn unless_in_use(self) -> Option<Self> {
        let is_in_use = match &self {
            Database::Postgres(database) => database.other_servers() > 0,
            Database::Etcd(database) => database.has_other_servers().await.unwrap_or(true),
        };
        if !is_in_use {
            return Some(self);
        }
        match self {
            Database::Postgres(database) => database.leave().await,
            Database::Etcd(database) => database.leave().await,
        }
        None
    }

    /// Starts the store; the authenticator checks every row.
    pub(crate) fn start(self, authenticator: Authenticator) -> Result<Arc<dyn SharedStore>, OpenError> {
        match self {
            Database::Postgres(database) => Ok(Arc::new(database.start(authenticator).map_err(of_postgres)?)),
            Database::Etcd(database) => Ok(Arc::new(database.start(authenticator).map_err(of_etcd)?)),
        }
    }
}

fn of_postgres(error: postgres::OpenError) -> OpenError {
    match error {
        postgres::OpenError::Corrupt(why) => OpenError::Corrupt(why),
        postgres::OpenError::Store(error) => OpenError::Store(error),
        error => OpenError::Store(StoreError::Backend(Box::new(error))),
    }
}

fn of_etcd(error: etcd::OpenError) -> OpenError {
    match error {
        etcd::OpenError::Corrupt(why) => OpenError::Corrupt(why),
        etcd::OpenError::Store(error) => OpenError::Store(error),
        error => OpenError::Store(StoreError::Backend(Box::new(error))),
    }
}
