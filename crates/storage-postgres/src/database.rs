//! A database before its rows are authenticated, since it contains the sealed key that authenticates them.

use bailiwick_storage::{Authenticator, Revision, StoreError, StoreState, StoredRow, keys};
use bailiwick_storage_remote::{BootInstant, Generations, Limits, RemoteStore, Writer, WriterOptions};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use crate::{
    Address, OpenError, Options, PostgresStore, Shared,
    connection::{ANSWER, connect, within},
    follower::Follower,
    head::Head,
    lease::Lease,
    readers::Readers,
    restore, schema,
    writer::Session,
};

/// A database with the tables of a store, whose content is not trusted yet.
///
/// While the store is unused, other servers that open it wait until this one has committed, or is dropped: of servers that
/// start at the same time, one makes the deployment, and the others join it.
pub struct Database {
    address: Address,
    options: Options,
    lease: Lease,
    head: Head,
    opened: BootInstant,
    others: i64,
    keyring: Option<Bytes>,
    /// The connection that keeps others waiting.
    first_start: Option<Client>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Database {
    /// Connects, and makes the tables if they are not there. Waits while another server starts the store for the first time.
    ///
    /// # Errors
    /// One variant, with a one-line message, per reason: [`OpenError`].
    pub async fn open(address: Address, options: Options) -> Result<Self, OpenError> {
        let client = connect(&address).await?;
        let lease = Lease::new(&client, options.server).await?;
        if schema::exists(&client).await? {
            lease.wait(&client).await?;
        }
        schema::lock(&client).await?;
        schema::prepare(&client).await?;
        let mut database = Self::read(&client, address, options, lease).await?;
        if database.is_unused() {
            database.first_start = Some(client);
        } else {
            schema::unlock(&client).await?;
        }
        Ok(database)
    }

    /// As [`Database::open`], of a store that exists; none if the database has no store, or its first start has not been
    /// completed. Makes no tables.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open_existing(address: Address, options: Options) -> Result<Option<Self>, OpenError> {
        let client = connect(&address).await?;
        if !schema::exists(&client).await? {
            return Ok(None);
        }
        let lease = Lease::new(&client, options.server).await?;
        lease.wait(&client).await?;
        let database = Self::read(&client, address, options, lease).await?;
        Ok(Some(database).filter(|database| !database.is_unused()))
    }

    /// Reads the head and the keyring over a connection that is confirmed.
    async fn read(client: &Client, address: Address, options: Options, lease: Lease) -> Result<Self, OpenError> {
        // What is read after it was current then: a database that was replaced does not confirm.
        let opened = BootInstant::now();
        if !lease.confirm(client, &Lease::prepare(client).await?).await? {
            return Err(OpenError::SameServer);
        }
        let others = lease.others(client).await?;
        let head = client.query_one("SELECT epoch, revision, state FROM bailiwick_head", &[]).await?;
        let head = Head::read(&head)?;
        let key = &*keys::keyring();
        let query = "SELECT stored FROM bailiwick_rows WHERE key = $1";
        let row = within(ANSWER, client.query_opt(query, &[&key])).await?;
        let keyring = row.map(|row| {
            let stored: &[u8] = row.get(0);
            Bytes::copy_from_slice(stored.get(Authenticator::ROW_HEADER..).unwrap_or_default())
        });
        Ok(Database { address, options, lease, head, opened, others, keyring, first_start: None })
    }

    /// Returns whether nothing was ever committed.
    pub fn is_unused(&self) -> bool {
        self.head.revision == Revision::ZERO
    }

    /// How many other servers have confirmed within seconds that they use the database.
    pub fn other_servers(&self) -> u64 {
        self.others.unsigned_abs()
    }

    /// Ends the use of the database, which is not started.
    pub async fn leave(self) {
        self.lease.leave(&self.address).await;
    }

    /// Returns the wrapped keyring in the database.
    pub fn keyring(&self) -> Option<Bytes> {
        self.keyring.clone()
    }

    /// The layout of the tables.
    pub fn layout(&self) -> u32 {
        schema::LAYOUT.unsigned_abs()
    }

    /// Where the database is, for messages.
    pub fn describe(&self) -> String {
        self.address.describe()
    }

    /// Fills an unused database with the rows of a copy, in one transaction. Revisions after the copy's are
    /// left out, since the store that it was made of may have used them. `epoch` is a random number: servers that use another
    /// store at this address stop when they see it.
    ///
    /// # Errors
    /// [`OpenError::Corrupt`] if the rows are not those of the sealed state, or if the database is in use.
    pub async fn restore(
        mut self,
        authenticator: &Authenticator,
        sealed_state: &[u8],
        epoch: i64,
        rows: impl Iterator<Item = Result<StoredRow, StoreError>>,
    ) -> Result<(), OpenError> {
        let client = self.first_start.take().ok_or_else(|| OpenError::Corrupt("it is in use".into()))?;
        let expected = StoreState::open(authenticator, sealed_state)?;
        let filled = restore::fill(&client, authenticator, &expected, epoch, rows).await;
        // The same process opens the store next. A connection that was lost leaves the row to be waited for.
        let _ = self.lease.remove(&client).await;
        filled
    }

    /// Starts the store; the authenticator checks every row.
    ///
    /// # Errors
    /// [`OpenError::Corrupt`] if the state in the database is not authentic.
    pub fn start(self, authenticator: Authenticator) -> Result<PostgresStore, OpenError> {
        let state = self.head.state(&authenticator)?;
        let Database { address, options, lease, head, opened, first_start, .. } = self;
        let readers = Readers::new(address.clone(), options.readers, lease.clone());
        let generations = Generations::new(state.head, options.recent, options.recent_bytes);
        let shared = Shared::new(readers, authenticator, options.server, head.epoch, generations);
        let (queue, jobs) = mpsc::channel(options.queue.max(1));
        let Options { log_retention, retry, .. } = options;
        let session = Session::new(shared.clone(), address.clone(), first_start);
        let writer = Writer::new(shared.clone(), session, WriterOptions { log_retention, limits: Limits::NONE, retry });
        tokio::spawn(writer.run(jobs));
        let follower = Follower::new(shared.clone(), address, options, lease, opened);
        let trusted = follower.trusted();
        Ok(RemoteStore::start(shared, queue, trusted, follower.run()))
    }
}
