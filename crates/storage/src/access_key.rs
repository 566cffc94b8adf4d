//! Access keys of users and of root.

use bailiwick_model::{AccessKeyId, AccountId, IamError, Result, UniqueId, limits::ACCESS_KEYS_PER_USER};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind, Kind},
    reference::IdentityKind,
    tx::{Located, Page, Tx},
};

/// Whose access key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyOwner {
    /// The account's root user.
    Root,
    /// A user.
    User(UniqueId),
}

impl KeyOwner {
    /// The user, or none for root.
    pub fn user(&self) -> Option<&UniqueId> {
        match self {
            KeyOwner::Root => None,
            KeyOwner::User(id) => Some(id),
        }
    }

    /// A counter of what the owner has.
    pub(crate) fn counter(&self, account: AccountId, of: CounterKind) -> Bytes {
        keys::counter(account, of, self.user().map_or(&[], |id| id.as_bytes()))
    }

    /// The owner as a record has it: none for root.
    pub(crate) fn from_record(user: Option<String>) -> Result<Self, Malformed> {
        Ok(match user {
            Some(user) => KeyOwner::User(codec::id(&user)?),
            None => KeyOwner::Root,
        })
    }
}

/// An access key.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Its account.
    pub account: AccountId,
    /// The access key id, `AKIA…`.
    pub id: AccessKeyId,
    /// Whose it is.
    pub owner: KeyOwner,
    /// Whether the key is active: `Active` or `Inactive`.
    pub active: bool,
    /// When the key was created.
    pub created: Timestamp,
    /// The secret access key, sealed.
    pub sealed_secret: Bytes,
    /// When an inactive key was last activated.
    pub activated: Option<Timestamp>,
    /// The end of the key that was warned of last.
    pub warned_of: Option<Timestamp>,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey")
            .field("account", &self.account)
            .field("id", &self.id)
            .field("owner", &self.owner)
            .field("active", &self.active)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}

/// When and for which service an access key was last used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKeyLastUsed {
    /// The moment.
    pub time: Timestamp,
    /// The service that was called.
    pub service: String,
    /// The region that the signature names.
    pub region: String,
}

impl Tx {
    /// Makes an access key.
    ///
    /// # Errors
    /// `LimitExceeded` when the owner already has two keys.
    pub async fn create_access_key(&mut self, key: &AccessKey) -> Result<()> {
        self.require_owner(key.account, &key.owner).await?;
        let count = self.key_counter(key.account, &key.owner);
        self.add_within(count, 1, ACCESS_KEYS_PER_USER, || IamError::quota("AccessKeysPerUser", ACCESS_KEYS_PER_USER))
            .await?;
        let index = keys::access_key_account(&key.id);
        if self.read_key(index.clone()).await?.is_some() {
            return Err(IamError::internal("a generated access key id already exists"));
        }
        self.put(index, Bytes::copy_from_slice(&keys::account_bytes(key.account)));
        self.put(keys::owner_keys(key.account, key.owner.user(), key.id.as_str()), Bytes::new());
        self.put_record(keys::access_key(key.account, &key.id), key);
        Ok(())
    }

    /// Replaces an access key's record, such as its status.
    ///
    /// # Errors
    /// `NoSuchEntity` if the key does not exist.
    pub async fn update_access_key(&mut self, key: &AccessKey) -> Result<()> {
        self.get_access_key(key.account, &key.id).await?;
        self.put_record(keys::access_key(key.account, &key.id), key);
        Ok(())
    }

    /// Deletes an access key.
    ///
    /// # Errors
    /// `NoSuchEntity` if the key does not exist.
    pub async fn delete_access_key(&mut self, account: AccountId, id: &AccessKeyId) -> Result<()> {
        let key = self.get_access_key(account, id).await?;
        self.delete_key(keys::access_key_account(id));
        self.delete_key(keys::owner_keys(account, key.owner.user(), id.as_str()));
        self.delete_key(keys::access_key(account, id));
        self.delete_key(keys::access_key_last_used(account, id));
        let count = self.key_counter(account, &key.owner);
        self.add(count, -1);
        Ok(())
    }

    /// The account that an access key id belongs to, if there is such a key.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn access_key_account(&mut self, id: &AccessKeyId) -> Result<Option<AccountId>> {
        let found = self.read_key(keys::access_key_account(id)).await?;
        Ok(found.and_then(|value| Some(keys::take_account(&value)?.0)))
    }

    /// Returns the access key with this id, or `None`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_access_key(&mut self, account: AccountId, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        self.read(keys::access_key(account, id)).await
    }

    /// The access key of that id in an account.
    ///
    /// # Errors
    /// `NoSuchEntity` if there is none.
    pub async fn get_access_key(&mut self, account: AccountId, id: &AccessKeyId) -> Result<AccessKey> {
        let found = self.find_access_key(account, id).await?;
        found.ok_or_else(|| {
            let message = format!("The Access Key with id {id} cannot be found.");
            IamError::new(bailiwick_model::ErrorCode::NoSuchEntity, message)
        })
    }

    /// Lists the access keys of an owner, ordered by id.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_access_keys(
        &self,
        account: AccountId,
        owner: &KeyOwner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<AccessKey>> {
        let prefix = keys::owner_keys(account, owner.user(), "");
        let locate = |id: &[u8], _: &[u8]| Located::At(keys::record(account, Kind::AccessKey, id));
        self.page(&prefix, after, limit, locate, Some).await
    }

    /// When an access key was last used, if it was; no reason for a conflict.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn access_key_last_used(
        &self,
        account: AccountId,
        id: &AccessKeyId,
    ) -> Result<Option<AccessKeyLastUsed>> {
        self.peek(&keys::access_key_last_used(account, id)).await
    }

    /// Records a use of an access key, unless the key was deleted.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn put_access_key_last_used(
        &mut self,
        account: AccountId,
        id: &AccessKeyId,
        used: &AccessKeyLastUsed,
    ) -> Result<()> {
        if self.find_access_key(account, id).await?.is_some() {
            self.put_record(keys::access_key_last_used(account, id), used);
        }
        Ok(())
    }

    fn key_counter(&self, account: AccountId, owner: &KeyOwner) -> Bytes {
        owner.counter(account, CounterKind::AccessKeys)
    }

    pub(crate) async fn require_owner(&mut self, account: AccountId, owner: &KeyOwner) -> Result<()> {
        match owner {
            KeyOwner::Root => self.require(keys::account(account), || IamError::no_such("account", account)).await,
            KeyOwner::User(id) => {
                self.require(keys::identity(account, IdentityKind::User, id), || IamError::no_such("user", id)).await
            }
        }
    }
}

impl AsMessage for AccessKey {
    type Message = pb::AccessKey;
    const NAME: &'static str = "access key";

    fn to_message(&self) -> pb::AccessKey {
        pb::AccessKey {
            account: codec::account_number(self.account),
            id: self.id.to_string(),
            user: self.owner.user().map(UniqueId::to_string),
            active: self.active,
            created: self.created.as_microsecond(),
            sealed_secret: self.sealed_secret.to_vec(),
            activated: self.activated.map(Timestamp::as_microsecond),
            warned_of: self.warned_of.map(Timestamp::as_microsecond),
        }
    }

    fn from_message(message: pb::AccessKey) -> Result<Self, Malformed> {
        Ok(AccessKey {
            account: codec::account(message.account)?,
            id: AccessKeyId::parse(&message.id)?,
            owner: KeyOwner::from_record(message.user)?,
            active: message.active,
            created: codec::time(message.created)?,
            sealed_secret: message.sealed_secret.into(),
            activated: codec::maybe_time(message.activated)?,
            warned_of: codec::maybe_time(message.warned_of)?,
        })
    }
}

impl AsMessage for AccessKeyLastUsed {
    type Message = pb::AccessKeyLastUsed;
    const NAME: &'static str = "access key last used";

    fn to_message(&self) -> pb::AccessKeyLastUsed {
        let time = self.time.as_microsecond();
        pb::AccessKeyLastUsed { time, service: self.service.clone(), region: self.region.clone() }
    }

    fn from_message(message: pb::AccessKeyLastUsed) -> Result<Self, Malformed> {
        let time = codec::time(message.time)?;
        Ok(AccessKeyLastUsed { time, service: message.service, region: message.region })
    }
}
