//! Settings of the whole store: its metadata and its wrapped data keys.

use bailiwick_model::{AccountId, IamError, Partition};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, Record, pb},
    error::StoreError,
    keys,
    store::{At, Store},
    tx::Tx,
};

/// The metadata of a store, written at its first use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// The identity of this store.
    pub store_id: [u8; 16],
    /// The number of restores from a backup, which distinguishes revisions before and after a restore.
    pub epoch: u64,
    /// A random number of the restore, which distinguishes it from others of the same backup; 0 if there was none.
    pub restore_id: u64,
    /// When the store was first used.
    pub created: Timestamp,
    /// The management account.
    pub management_account: AccountId,
    /// The partition of every ARN in it.
    pub partition: Partition,
}

impl Meta {
    /// Reads the metadata of a store, before anything else is read; `None` if the store was never used.
    ///
    /// # Errors
    /// [`StoreError::Newer`] if a newer version wrote it, and other errors of the store.
    pub async fn of(store: &dyn Store) -> Result<Option<Meta>, StoreError> {
        let found = store.read(At::Latest).await?.get(&keys::meta()).await?;
        found.map(|found| Meta::decode(&found.value)).transpose()
    }
}

impl Tx {
    /// Returns the metadata; `None` if the store was never used.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails, is damaged, or was written by a newer version.
    pub async fn meta(&mut self) -> Result<Option<Meta>, IamError> {
        self.read(keys::meta()).await
    }

    /// Writes the metadata.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn put_meta(&mut self, meta: &Meta) -> Result<(), IamError> {
        self.guard(keys::meta()).await?;
        self.put_record(keys::meta(), meta);
        Ok(())
    }

    /// The wrapped keys, as they were put.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn keyring(&mut self) -> Result<Option<Bytes>, IamError> {
        self.read_key(keys::keyring()).await
    }

    /// Replaces the wrapped keys. Concurrent replacements conflict.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn put_keyring(&mut self, wrapped: Bytes) -> Result<(), IamError> {
        if wrapped.is_empty() {
            return Err(IamError::internal("an empty keyring"));
        }
        self.guard(keys::keyring()).await?;
        self.put(keys::keyring(), wrapped);
        Ok(())
    }
}

impl AsMessage for Meta {
    type Message = pb::Meta;
    const NAME: &'static str = "meta";

    fn to_message(&self) -> pb::Meta {
        pb::Meta {
            store_id: self.store_id.to_vec(),
            epoch: self.epoch,
            restore_id: self.restore_id,
            created: self.created.as_microsecond(),
            management_account: codec::account_number(self.management_account),
            partition: self.partition.to_string(),
        }
    }

    fn from_message(message: pb::Meta) -> Result<Self, Malformed> {
        Ok(Meta {
            store_id: message.store_id.try_into().map_err(|_| Malformed::new("a store id has 16 bytes"))?,
            epoch: message.epoch,
            restore_id: message.restore_id,
            created: codec::time(message.created)?,
            management_account: codec::account(message.management_account)?,
            partition: Partition::parse(&message.partition)?,
        })
    }
}
