//! A database that several servers use.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// The longest `--max-staleness`, in seconds.
pub(crate) const MAX_STALENESS: u64 = 60;

/// The group "Shared store" of a server.
#[derive(Args)]
#[command(next_help_heading = "Shared store")]
pub(crate) struct SharedStoreOptions {
    #[command(flatten)]
    pub(crate) database: DatabaseOptions,
    /// Seconds for which a server that cannot reach the database goes on deciding from what it read
    #[arg(long, env = "BAILIWICK_MAX_STALENESS", default_value_t = 5, value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..=MAX_STALENESS))]
    max_staleness: u64,
}

/// The group "Shared store" of a command.
#[derive(Args)]
#[command(next_help_heading = "Shared store")]
pub(crate) struct DatabaseOptions {
    /// Database for all data but the audit trail, which any number of servers use at once:
    /// postgres://USER@HOST:PORT/NAME, with the parameters of libpq, or etcd://USER@HOST:PORT,HOST:PORT/PREFIX. Instead of
    /// the embedded store; the data folder has the server's audit trail
    #[arg(long, env = "BAILIWICK_STORE", hide_env_values = true, value_name = "ADDRESS")]
    pub(crate) store: Option<String>,
    /// File with the password for the database [default: for PostgreSQL, PGPASSWORD or the file that PGPASSFILE names;
    /// for etcd, ETCDCTL_PASSWORD]
    #[arg(long, env = "BAILIWICK_STORE_PASSWORD_FILE", value_name = "FILE")]
    pub(crate) store_password_file: Option<PathBuf>,
}

impl SharedStoreOptions {
    /// How long an unconfirmed view may be used.
    pub(crate) fn max_staleness(&self) -> Duration {
        Duration::from_secs(self.max_staleness)
    }
}
