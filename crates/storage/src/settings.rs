//! What the store as a whole is: its identity, and the keys that its secrets are sealed with.

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

/// What is decided once, when a store is first used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Tells this store from every other.
    pub store_id: [u8; 16],
    /// Grows with every restore from a backup, so that revisions from before it are told apart.
    pub epoch: u64,
    /// When the store was first used.
    pub created: Timestamp,
    /// The account that manages the others.
    pub management_account: AccountId,
    /// The partition of every ARN in it.
    pub partition: Partition,
}

impl Meta {
    /// Reads what a store is before anything else of it is read; none if it was never used.
    ///
    /// # Errors
    /// [`StoreError::Newer`] if a newer version has written it, and whatever else keeps it from being used.
    pub async fn of(store: &dyn Store) -> Result<Option<Meta>, StoreError> {
        let found = store.read(At::Latest).await?.get(&keys::meta()).await?;
        found.map(|found| Meta::decode(&found.value)).transpose()
    }
}

impl Tx {
    /// What the store is; none if it was never used.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails, is damaged, or was written by a newer version.
    pub async fn meta(&mut self) -> Result<Option<Meta>, IamError> {
        self.read(keys::meta()).await
    }

    /// Says what the store is from now on.
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

    /// Replaces the wrapped keys; of two who do so at the same time one has to begin anew.
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
            created: self.created.as_microsecond(),
            management_account: codec::account_number(self.management_account),
            partition: self.partition.to_string(),
        }
    }

    fn from_message(message: pb::Meta) -> Result<Self, Malformed> {
        Ok(Meta {
            store_id: message.store_id.try_into().map_err(|_| Malformed::new("a store id has 16 bytes"))?,
            epoch: message.epoch,
            created: codec::time(message.created)?,
            management_account: codec::account(message.management_account)?,
            partition: Partition::parse(&message.partition)?,
        })
    }
}
