//! PostgreSQL as a database that servers share.

use async_trait::async_trait;
use bailiwick_storage::{Authenticator, ServerId, StoreError, StoredRow};
use bailiwick_storage_postgres::{Address, Database, OpenError, Options, PostgresStore};
use bailiwick_storage_suite::shared::{Refusal, Server, SharedDatabase};
use bytes::Bytes;

use super::Empty;

/// The tables of a copy.
const TABLES: [&str; 3] = ["head", "rows", "log"];

impl Empty {
    async fn execute(&self, statements: &str) {
        self.client().await.batch_execute(statements).await.expect("a change");
    }
}

/// The name of a process that began before all others.
fn first_process(server: ServerId) -> Vec<u8> {
    [&server.0[..], &[0]].concat()
}

fn refusal(error: OpenError) -> Refusal {
    match error {
        OpenError::SameServer => Refusal::SameServer,
        OpenError::Corrupt(_) => Refusal::Corrupt,
        OpenError::Store(StoreError::Incomplete { .. }) => Refusal::Incomplete,
        error => Refusal::Other(error.to_string()),
    }
}

#[async_trait]
impl SharedDatabase for Empty {
    type Opened = Database;
    type Store = PostgresStore;
    /// The copies are tables.
    type Copy = ();

    const DAMAGES: usize = 2;

    async fn create() -> Self {
        Empty::create().await
    }

    fn port() -> u16 {
        super::port()
    }

    fn authenticator() -> Authenticator {
        super::authenticator()
    }

    async fn open(&self, server: &Server) -> Result<Database, Refusal> {
        let Server { id, port, max_staleness, retry, recent, log_retention } = *server;
        // A connection for each of the views that the suite keeps.
        let options = Options { max_staleness, retry, recent, log_retention, readers: 48, ..Options::of(id) };
        let address = Address::parse(&self.through(port), None).expect("an address");
        Database::open(address, options).await.map_err(refusal)
    }

    fn is_unused(opened: &Database) -> bool {
        opened.is_unused()
    }

    async fn has_others(opened: &Database) -> bool {
        opened.other_servers() > 0
    }

    async fn leave(opened: Database) {
        opened.leave().await;
    }

    fn start(opened: Database, authenticator: Authenticator) -> Result<PostgresStore, Refusal> {
        opened.start(authenticator).map_err(refusal)
    }

    async fn restore(
        opened: Database,
        authenticator: &Authenticator,
        sealed_state: &[u8],
        epoch: i64,
        rows: Vec<StoredRow>,
    ) -> Result<(), Refusal> {
        opened.restore(authenticator, sealed_state, epoch, rows.into_iter().map(Ok)).await.map_err(refusal)
    }

    async fn close(store: &PostgresStore) {
        store.close().await;
    }

    async fn copy(&self) {
        let copy = TABLES.map(|table| format!("CREATE TABLE copy_{table} AS SELECT * FROM bailiwick_{table};"));
        self.execute(&copy.concat()).await;
    }

    async fn put_back(&self, (): &()) {
        let restore = TABLES.map(|table| {
            format!("DELETE FROM bailiwick_{table}; INSERT INTO bailiwick_{table} SELECT * FROM copy_{table};")
        });
        self.execute(&restore.concat()).await;
    }

    async fn put_head_back(&self, (): &()) {
        self.execute("UPDATE bailiwick_head SET revision = copy.revision, state = copy.state FROM copy_head AS copy")
            .await;
    }

    async fn clear(&self) {
        self.execute("DROP TABLE bailiwick_head, bailiwick_rows, bailiwick_log, bailiwick_servers").await;
    }

    async fn damage_head(&self, way: usize) {
        self.execute(match way {
            0 => {
                "ALTER TABLE bailiwick_head ALTER epoch DROP NOT NULL;
                 UPDATE bailiwick_head SET epoch = NULL"
            }
            _ => "DELETE FROM bailiwick_head",
        })
        .await;
    }

    async fn remove_entry(&self, revision: u64) {
        self.execute(&format!("DELETE FROM bailiwick_log WHERE revision = {revision}")).await;
    }

    async fn compact(&self) {
        self.execute("VACUUM bailiwick_head, bailiwick_rows, bailiwick_log").await;
    }

    /// One transaction writes all rows.
    async fn interrupt_restore(&self) -> bool {
        false
    }

    async fn revive(&self, server: ServerId) {
        let sign = "INSERT INTO bailiwick_servers (server, confirmed) VALUES ($1, now())
                    ON CONFLICT (server) DO UPDATE SET confirmed = now()";
        self.client().await.execute(sign, &[&first_process(server)]).await.expect("a row");
    }

    async fn is_known(&self, server: ServerId) -> bool {
        let row = "SELECT 1 FROM bailiwick_servers WHERE server = $1";
        self.client().await.query_opt(row, &[&first_process(server)]).await.expect("an answer").is_some()
    }

    async fn stored(&self, key: &[u8]) -> Option<Bytes> {
        let row = "SELECT stored FROM bailiwick_rows WHERE key = $1";
        let row = self.client().await.query_opt(row, &[&key]).await.expect("a read");
        row.map(|row| Bytes::copy_from_slice(row.get(0)))
    }

    async fn tamper(&self, key: &[u8], stored: Option<Bytes>) {
        let client = self.client().await;
        client.execute("DELETE FROM bailiwick_rows WHERE key = $1", &[&key]).await.expect("a write");
        if let Some(stored) = stored {
            let insert = "INSERT INTO bailiwick_rows (key, stored) VALUES ($1, $2)";
            client.execute(insert, &[&key, &&*stored]).await.expect("a write");
        }
    }
}
