//! SSH public keys of users.

use bailiwick_model::{AccountId, ErrorCode, IamError, Result, UniqueId, limits::SSH_PUBLIC_KEYS_PER_USER};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind, Kind},
    reference::IdentityKind,
    tx::{Located, Page, Tx},
};

/// An SSH public key of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshPublicKey {
    /// The account of the user.
    pub account: AccountId,
    /// The user.
    pub user: UniqueId,
    /// Its id, `APKA…`.
    pub id: UniqueId,
    /// Whether it is active: `Active` or `Inactive`.
    pub active: bool,
    /// When it was uploaded.
    pub uploaded: Timestamp,
    /// The DER of the key.
    pub der: Bytes,
    /// The digest of the key, by which a user has it once.
    pub digest: String,
}

impl SshPublicKey {
    fn key(&self) -> Bytes {
        keys::of_user(self.account, Kind::SshPublicKey, &self.user, self.id.as_str())
    }

    fn digest_key(&self) -> Bytes {
        keys::of_user(self.account, Kind::SshPublicKeyDigest, &self.user, &self.digest)
    }

    fn count_key(&self) -> Bytes {
        keys::counter(self.account, CounterKind::SshPublicKeys, self.user.as_bytes())
    }
}

impl Tx {
    /// Adds a key to a user.
    ///
    /// # Errors
    /// `DuplicateSSHPublicKey` if the user has it; `LimitExceeded` for a sixth key; `NoSuchEntity` for the user.
    pub async fn create_ssh_public_key(&mut self, key: &SshPublicKey) -> Result<()> {
        let user = keys::identity(key.account, IdentityKind::User, &key.user);
        self.require(user, || IamError::no_such("user", key.user)).await?;
        if self.read_key(key.digest_key()).await?.is_some() {
            let message = "Duplicate SSH public key uploaded.";
            return Err(IamError::new(ErrorCode::DuplicateSshPublicKey, message));
        }
        let quota = || IamError::quota("SSHPublicKeysPerUser", SSH_PUBLIC_KEYS_PER_USER);
        self.add_within(key.count_key(), 1, SSH_PUBLIC_KEYS_PER_USER, quota).await?;
        if self.read_key(key.key()).await?.is_some() {
            return Err(IamError::internal("a generated public key id already exists"));
        }
        self.put(key.digest_key(), Bytes::new());
        self.put_record(key.key(), key);
        Ok(())
    }

    /// Returns the key of a user with this id, or `None`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_ssh_public_key(
        &mut self,
        account: AccountId,
        user: &UniqueId,
        id: &UniqueId,
    ) -> Result<Option<SshPublicKey>> {
        self.read(keys::of_user(account, Kind::SshPublicKey, user, id.as_str())).await
    }

    /// Replaces the record of a key that this transaction read: its status.
    pub fn update_ssh_public_key(&mut self, key: &SshPublicKey) {
        self.put_record(key.key(), key);
    }

    /// Deletes a key that this transaction read.
    pub fn delete_ssh_public_key(&mut self, key: &SshPublicKey) {
        self.delete_key(key.key());
        self.delete_key(key.digest_key());
        self.add(key.count_key(), -1);
    }

    /// Lists the keys of a user by id.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_ssh_public_keys(
        &self,
        account: AccountId,
        user: &UniqueId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<SshPublicKey>> {
        let prefix = keys::of_user(account, Kind::SshPublicKey, user, "");
        self.page(&prefix, after, limit, |_, _| Located::Here, Some).await
    }
}

impl AsMessage for SshPublicKey {
    type Message = pb::SshPublicKey;
    const NAME: &'static str = "SSH public key";

    fn to_message(&self) -> pb::SshPublicKey {
        pb::SshPublicKey {
            account: codec::account_number(self.account),
            user: self.user.to_string(),
            id: self.id.to_string(),
            active: self.active,
            uploaded: self.uploaded.as_microsecond(),
            der: self.der.to_vec(),
            digest: self.digest.clone(),
        }
    }

    fn from_message(message: pb::SshPublicKey) -> Result<Self, Malformed> {
        Ok(SshPublicKey {
            account: codec::account(message.account)?,
            user: codec::id(&message.user)?,
            id: codec::id(&message.id)?,
            active: message.active,
            uploaded: codec::time(message.uploaded)?,
            der: message.der.into(),
            digest: message.digest,
        })
    }
}
