//! Polls the change log, and confirms that the database is still the one that all servers write to.
//!
//! A read proves nothing: a primary that was replaced goes on answering. A write that is durable on the standbys that
//! `synchronous_standby_names` requires does.

use std::{convert::Infallible, sync::Arc, time::Duration};

use async_trait::async_trait;
use bailiwick_storage::{OutageReason, Revision, StoreError};
use bailiwick_storage_remote::{BootInstant, Follow, Trust, decode};
use tokio::sync::watch;
use tokio_postgres::{Client, Row, Statement, types::ToSql};

use crate::{
    Address, OpenError, Options, Shared,
    connection::{ANSWER, connect, within},
    head::{Head, entry, number},
    history,
    lease::{Confirm, Lease},
};

/// How many change sets are read at once.
const CHUNK: i64 = 256;

pub(crate) struct Follower {
    shared: Arc<Shared>,
    address: Address,
    options: Options,
    lease: Lease,
    trust: Trust,
}

impl Follower {
    /// Follows a store whose head was confirmed at this time.
    pub(crate) fn new(
        shared: Arc<Shared>,
        address: Address,
        options: Options,
        lease: Lease,
        confirmed: BootInstant,
    ) -> Self {
        let trust = Trust::new(confirmed, options.max_staleness);
        Follower { shared, address, options, lease, trust }
    }

    /// Until when what was read is current.
    pub(crate) fn trusted(&self) -> watch::Receiver<BootInstant> {
        self.trust.subscribe()
    }

    /// Follows until the task is aborted or the store is closed.
    pub(crate) async fn run(self) {
        self.trust.follow(&self.shared.generations, self.options.retry, &self).await;
    }

    /// Follows over one connection until it fails.
    async fn try_follow(&self, is_reported: &mut bool) -> Result<Infallible, StoreError> {
        let connection = Connection::open(&self.address).await?;
        history::check(&self.shared, &connection.client).await?;
        // They may be connected to a database that was replaced.
        self.shared.backend.forget();
        let interval = (self.options.max_staleness / 5).clamp(Duration::from_millis(50), Duration::from_secs(1));
        let mut next_confirmation = BootInstant::now();
        loop {
            let begun = BootInstant::now();
            let is_due = begun >= next_confirmation;
            if is_due && !self.lease.confirm(&connection.client, &connection.confirm).await? {
                tracing::error!("{}: this one stops", OpenError::SameServer);
                self.shared.generations.close();
                return Err(StoreError::Closed);
            }
            let head = self.catch_up(&connection).await?;
            if is_due {
                self.trust.confirm(&self.shared.generations, begun);
                next_confirmation = begun + interval;
                self.resume(head);
                history::remember(&self.shared, &connection.client).await?;
                if std::mem::take(is_reported) {
                    tracing::info!("the change log of the database is read again");
                }
            }
            tokio::time::sleep(self.options.poll).await;
        }
    }

    /// Begins the next feed if the last one has ended.
    fn resume(&self, head: Revision) {
        let generations = &self.shared.generations;
        if generations.live().is_err() {
            generations.resume(head);
        }
    }

    /// Publishes what was committed, and returns the newest revision.
    async fn catch_up(&self, connection: &Connection) -> Result<Revision, StoreError> {
        let generations = &self.shared.generations;
        loop {
            let is_live = generations.live().is_ok();
            let after = generations.position();
            let (head, rows) = within(ANSWER, connection.poll(after)).await?;
            let head = Head::read(&head)?;
            if head.epoch != self.shared.epoch {
                tracing::error!("the store was restored from a backup: start the server again");
                generations.close();
                return Err(StoreError::Closed);
            }
            if head.revision < after {
                return Err(StoreError::Unreachable(OutageReason::Older.into()));
            }
            if !is_live {
                return Ok(head.revision);
            }
            let error = match decode(&self.shared.authenticator, after, rows.iter().map(entry)) {
                // The writer published them before, and pruned them meanwhile.
                Err(_) if generations.position() > after => continue,
                Err(error) => error,
                Ok(sets) => {
                    let is_published = generations.publish(&sets);
                    if rows.len() >= CHUNK as usize {
                        continue;
                    }
                    // The head was read first, so that every entry up to it was there.
                    if !is_published || generations.position() >= head.revision {
                        return Ok(head.revision);
                    }
                    StoreError::Corrupt(format!("the change log ends before revision {}", head.revision.number()))
                }
            };
            // Entries were pruned before they were read, are missing or damaged. Followers read all rows again.
            tracing::error!(%error, "the change log cannot be followed: the store is read again");
            generations.interrupt(OutageReason::MissingChanges);
            generations.resume(head.revision);
            return Ok(head.revision);
        }
    }
}

#[async_trait]
impl Follow for Follower {
    async fn follow(&self, is_reported: &mut bool) -> StoreError {
        let Err(error) = self.try_follow(is_reported).await;
        error
    }
}

/// The connection of the follower, with its statements.
struct Connection {
    client: Client,
    poll: Statement,
    head: Statement,
    confirm: Confirm,
}

impl Connection {
    async fn open(address: &Address) -> Result<Self, StoreError> {
        let client = connect(address).await?;
        let prepared = async {
            tokio::try_join!(
                biased;
                client.prepare(
                    "SELECT revision, entry FROM bailiwick_log WHERE revision > $1 ORDER BY revision LIMIT $2"
                ),
                client.prepare("SELECT epoch, revision, state FROM bailiwick_head"),
                Lease::prepare(&client),
            )
        };
        let (poll, head, confirm) = within(ANSWER, prepared).await?;
        Ok(Connection { client, poll, head, confirm })
    }

    /// Reads the head, then entries after a revision.
    async fn poll(&self, after: Revision) -> Result<(Row, Vec<Row>), tokio_postgres::Error> {
        let after = number(after);
        let parameters: [&(dyn ToSql + Sync); 2] = [&after, &CHUNK];
        let entries = self.client.query(&self.poll, &parameters);
        tokio::try_join!(biased; self.client.query_one(&self.head, &[]), entries)
    }
}
