//! A store in etcd before its rows are authenticated, since it contains the sealed key that authenticates them.

use std::sync::Arc;

use bailiwick_storage::{Authenticator, Revision, ServerId, StoreError, StoreState, StoredRow, keys};
use bailiwick_storage_remote::{BootInstant, Generations, RemoteStore, Writer, WriterOptions};
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{
    Address, EtcdStore, OpenError, Options, Reader, Shared,
    api::RangeRequest,
    claim::Claim,
    client::Client,
    follower::Follower,
    head::{self, Seen},
    layout::LAYOUT,
    limits::LIMITS,
    presence::Presence,
    restore,
    writer::Session,
};

/// The oldest version of etcd that is supported.
const OLDEST: [u64; 2] = [3, 4];

/// The keys of a store in etcd, whose content is not trusted yet.
///
/// While the store is unused, other servers that open it wait until this one has committed, or is dropped: of servers that
/// start at the same time, one makes the deployment, and the others join it.
#[derive(Debug)]
pub struct Database {
    address: Address,
    options: Options,
    reader: Reader,
    seen: Seen,
    opened: BootInstant,
    keyring: Option<Bytes>,
    /// It has rows of a backup that was not restored completely.
    is_incomplete: bool,
    /// Keeps others waiting.
    claim: Option<Claim>,
}

impl Database {
    /// Connects. Waits while another server starts the store for the first time.
    ///
    /// # Errors
    /// One variant, with a one-line message, per reason: [`OpenError`].
    pub async fn open(address: Address, options: Options) -> Result<Self, OpenError> {
        let reader = connect(&address, options.server).await?;
        let claim = Claim::begin(&reader.client, &reader.layout, options.server).await?;
        let mut database = Self::read(reader, address, options).await?;
        if database.is_unused() {
            database.claim = claim;
        }
        Ok(database)
    }

    /// As [`Database::open`], of a store that exists; none if there is no store, or its first start has not been completed.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open_existing(address: Address, options: Options) -> Result<Option<Self>, OpenError> {
        let reader = connect(&address, options.server).await?;
        let database = Self::read(reader, address, options).await?;
        if database.is_unused() {
            database.leave().await;
            return Ok(None);
        }
        Ok(Some(database))
    }

    /// Reads the head and the keyring.
    async fn read(reader: Reader, address: Address, options: Options) -> Result<Self, OpenError> {
        // What is read after it was current then.
        let opened = BootInstant::now();
        let (head, mut rows) = head::with_rows(&reader.client, &reader.layout, &[keys::keyring()]).await?;
        let seen = Seen::read(head)?;
        let keyring = rows.remove(&keys::keyring());
        let keyring = keyring.map(|stored| stored.slice(Authenticator::ROW_HEADER.min(stored.len())..));
        let (key, range_end) = (reader.layout.row(&[]), reader.layout.rows_end());
        let any = RangeRequest { key, range_end, limit: 1, ..RangeRequest::default() };
        let is_incomplete = seen.revision == Revision::ZERO && !reader.client.range(&any).await?.kvs.is_empty();
        Ok(Database { address, options, reader, seen, opened, keyring, is_incomplete, claim: None })
    }

    /// Returns whether nothing was ever committed.
    pub fn is_unused(&self) -> bool {
        self.seen.revision == Revision::ZERO
    }

    /// Returns whether other servers use the store, which takes seconds to find out.
    ///
    /// # Errors
    /// [`OpenError::Database`].
    pub async fn has_other_servers(&self) -> Result<bool, OpenError> {
        Ok(self.reader.presence.has_others().await?)
    }

    /// Ends the use of the store, which is not started.
    pub async fn leave(self) {
        self.reader.presence.leave().await;
    }

    /// Returns the wrapped keyring in the store.
    pub fn keyring(&self) -> Option<Bytes> {
        self.keyring.clone()
    }

    /// The layout of keys and values.
    pub fn layout(&self) -> u32 {
        LAYOUT
    }

    /// Where the store is, for messages.
    pub fn describe(&self) -> String {
        self.address.describe()
    }

    /// Fills an unused store with the rows of a copy. It stays unused until all rows are written. Revisions after the copy's are
    /// left out, since the store that it was made of may have used them. `epoch` is a random number: servers that use another
    /// store at this address stop when they see it.
    ///
    /// # Errors
    /// [`OpenError::Corrupt`] if the rows are not those of the sealed state, or if the store is in use.
    pub async fn restore(
        mut self,
        authenticator: &Authenticator,
        sealed_state: &[u8],
        epoch: i64,
        rows: impl Iterator<Item = Result<StoredRow, StoreError>>,
    ) -> Result<(), OpenError> {
        let claim = self.claim.take().ok_or_else(|| OpenError::Corrupt("it is in use".into()))?;
        let expected = StoreState::open(authenticator, sealed_state)?;
        let filled = restore::fill(&self.reader, &claim, authenticator, &expected, epoch, rows).await;
        // The same process opens the store next.
        self.reader.presence.leave().await;
        filled
    }

    /// Starts the store; the authenticator checks every row.
    ///
    /// # Errors
    /// [`OpenError::Corrupt`] if the state in the store is not authentic, or if a backup was not restored completely.
    pub fn start(self, authenticator: Authenticator) -> Result<EtcdStore, OpenError> {
        if self.is_incomplete {
            return Err(OpenError::Corrupt("it has rows of a backup that was not restored completely".into()));
        }
        let state = self.seen.state(&authenticator)?;
        let Database { options, reader, seen, opened, claim, .. } = self;
        let generations = Generations::new(state.head, options.recent, options.recent_bytes);
        let shared = Shared::new(reader, authenticator, options.server, seen.epoch, generations);
        let (queue, jobs) = mpsc::channel(options.queue.max(1));
        let Options { log_retention, retry, .. } = options;
        let session = Session::new(shared.clone(), claim);
        let writer = Writer::new(shared.clone(), session, WriterOptions { log_retention, limits: LIMITS, retry });
        tokio::spawn(writer.run(jobs));
        let follower = Follower::new(shared.clone(), options, opened);
        let trusted = follower.trusted();
        Ok(RemoteStore::start(shared, queue, trusted, follower.run()))
    }
}

async fn connect(address: &Address, server: ServerId) -> Result<Reader, OpenError> {
    let (client, layout) = (Arc::new(Client::new(address)?), address.layout());
    check_version(&client.status().await?.version)?;
    let presence = Arc::new(Presence::begin(&client, &layout, server).await?);
    Ok(Reader { client, layout, presence, look_ups: Arc::default(), checked: Arc::default() })
}

fn check_version(version: &str) -> Result<(), OpenError> {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let found = [numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)];
    if found < OLDEST {
        return Err(OpenError::Database(format!(
            "version {version} of etcd is too old; 3.4 or a later one is required"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_etcd_are_compared() {
        for (version, expected) in
            [("3.4.23", true), ("3.6.0-rc.1", true), ("3.10.0", true), ("4.0.0", true), ("3.3.27", false), ("", false)]
        {
            assert_eq!(check_version(version).is_ok(), expected, "{version}");
        }
    }
}
