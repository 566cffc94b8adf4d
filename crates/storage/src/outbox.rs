//! The outbox: audit events that were committed with their change and wait to be shipped. Servers that share a store have
//! one each, since each ships the events of its own changes to its own trail.

use bailiwick_model::{AccountId, ErrorCode, IamError, Result};
use bytes::Bytes;

use crate::{
    keys::{self, Kind},
    server_id::ServerId,
    tx::Tx,
};

/// How many events of other servers are moved at once, and their size: stores write a limited amount together.
const MOVED: usize = 256;
const MOVED_BYTES: usize = 512 * 1024;

/// An event that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// The key, which sorts by time.
    pub key: Bytes,
    /// The encoded event.
    pub event: Bytes,
}

impl Tx {
    /// Adds an event. `key` is unique and sorts by time.
    ///
    /// # Errors
    /// `ServiceUnavailable` when `max` events wait already. The key is a new one: the commit fails if it exists.
    pub async fn append_outbox(&mut self, key: &[u8], event: Bytes, max: u64) -> Result<()> {
        let (outbox, count) = (keys::outbox(self.server()), keys::outbox_counter(self.server()));
        self.add_within(count, 1, max, || {
            let message = "the audit log cannot accept further events at the moment";
            IamError::new(ErrorCode::ServiceUnavailable, message)
        })
        .await?;
        let key = Bytes::from([&outbox, key].concat());
        self.expect_absent(key.clone());
        self.put(key, event);
        Ok(())
    }

    /// The oldest events after a key.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_outbox(&self, after: Option<&[u8]>, limit: usize) -> Result<Vec<OutboxRow>> {
        let prefix = keys::outbox(self.server());
        let after = after.map(|after| [&prefix, after].concat());
        let rows = self.scan(&prefix, after.as_deref(), limit).await?;
        Ok(rows.into_iter().map(|(key, event)| OutboxRow { key: key.slice(prefix.len()..), event }).collect())
    }

    /// Deletes events that have been shipped.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn remove_outbox(&mut self, keys: &[Bytes]) -> Result<()> {
        let (outbox, count) = (keys::outbox(self.server()), keys::outbox_counter(self.server()));
        for key in keys {
            let key = Bytes::from([&outbox[..], key].concat());
            if self.read_key(key.clone()).await?.is_some() {
                self.delete_key(key);
                self.add(count.clone(), -1);
            }
        }
        Ok(())
    }

    /// Moves some of the events that wait for other servers into the outbox of this one, which ships them: for a store that was
    /// copied, whose servers do not use the copy. Returns whether there are more of them.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn adopt_outboxes(&mut self) -> Result<bool> {
        let own = keys::outbox(self.server());
        let (mut moved, mut bytes) = (0, 0);
        for (kind, id) in [(Kind::Outbox, 0), (Kind::ServerOutbox, size_of::<ServerId>())] {
            let prefix = keys::kind(AccountId::NONE, kind);
            let mut after: Option<Bytes> = None;
            loop {
                let rows = self.scan(&prefix, after.as_deref(), MOVED).await?;
                let Some((last, _)) = rows.last() else { break };
                after = Some(last.clone());
                for (key, event) in rows {
                    let Some((server, event_key)) = key.get(prefix.len()..).and_then(|rest| rest.split_at_checked(id))
                    else {
                        return Err(IamError::internal("a row of an outbox without a server"));
                    };
                    if key.starts_with(&own) {
                        continue;
                    }
                    bytes += event.len();
                    if moved == MOVED || (moved > 0 && bytes > MOVED_BYTES) {
                        return Ok(true);
                    }
                    let server = <[u8; 16]>::try_from(server).ok().map(ServerId);
                    self.add(keys::outbox_counter(server), -1);
                    self.add(keys::outbox_counter(self.server()), 1);
                    self.put([&own, event_key].concat().into(), event);
                    self.delete_key(key);
                    moved += 1;
                }
            }
        }
        Ok(false)
    }

    /// Returns the checkpoint that [`put_audit_checkpoint`](Self::put_audit_checkpoint) stored: how far events have
    /// been shipped.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn audit_checkpoint(&self) -> Result<Option<Bytes>> {
        self.peek_key(&keys::audit_checkpoint(self.server())).await
    }

    /// Stores how far events have been shipped, in an encoding that only the audit writer knows.
    pub fn put_audit_checkpoint(&mut self, mark: Bytes) {
        self.put(keys::audit_checkpoint(self.server()), mark);
    }

    /// Returns the keys that sign digests of the audit trail, as [`put_audit_keys`](Self::put_audit_keys) stored them.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn audit_keys(&mut self) -> Result<Option<Bytes>> {
        self.read_key(keys::kind(AccountId::NONE, Kind::AuditSigningKeys).into()).await
    }

    /// Stores the keys that sign digests of the audit trail, in an encoding that only the audit trail knows. The private
    /// keys in it are sealed.
    pub fn put_audit_keys(&mut self, keys: Bytes) {
        self.put(keys::kind(AccountId::NONE, Kind::AuditSigningKeys).into(), keys);
    }

    /// How many events wait.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn outbox_len(&self) -> Result<u64> {
        self.peek_count(&keys::outbox_counter(self.server())).await
    }
}
