//! Passkeys and security keys of users and of root.
//!
//! They are MFA devices that exist only while they are enabled. A credential belongs to one user: no other one, of any
//! account, can register it.

use bailiwick_model::limits::MFA_DEVICES_PER_USER;
use bailiwick_model::{AccountId, ErrorCode, IamError, MfaDeviceName, Result, UniqueId};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    access_key::KeyOwner,
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind, Kind},
    tx::{Located, Tx},
};

/// The number of bytes of a digest.
const DIGEST: usize = 32;

/// A passkey or security key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Its account.
    pub account: AccountId,
    /// Whose it is.
    pub owner: KeyOwner,
    /// Its id: 26 letters and digits.
    pub id: String,
    /// The name that its owner gave it.
    pub label: MfaDeviceName,
    /// When it was registered.
    pub enabled: Timestamp,
    /// The id of the relying party that it was registered for.
    pub relying_party: String,
    /// The id of the credential, which the authenticator chose.
    pub credential_id: Bytes,
    /// The public key: a COSE key in canonical form.
    pub public_key: Bytes,
    /// The signature counter of the last ceremony.
    pub counter: u32,
    /// Whether the authenticator verified its user at the registration.
    pub user_verified: bool,
    /// Whether the credential may be copied to other devices of its user.
    pub backup_eligible: bool,
    /// The model of the authenticator, which nothing proves; zeros if it does not say.
    pub aaguid: [u8; 16],
}

impl Passkey {
    fn key(&self) -> Bytes {
        keys::owned(self.account, Kind::Passkey, self.owner.user(), &self.id)
    }
}

impl Tx {
    /// Stores a new passkey. `digest` is the SHA-256 of its credential id.
    ///
    /// # Errors
    /// `EntityAlreadyExists` if a user of any account, or root, has a passkey with this credential; `LimitExceeded` for a
    /// ninth device; `NoSuchEntity` for the user.
    pub async fn create_passkey(&mut self, new: &Passkey, digest: &[u8; DIGEST]) -> Result<()> {
        self.require_owner(new.account, &new.owner).await?;
        let credential = credential_key(digest);
        if self.read_key(credential.clone()).await?.is_some() || self.read_key(new.key()).await?.is_some() {
            let message = "the passkey is already registered";
            return Err(IamError::new(ErrorCode::EntityAlreadyExists, message));
        }
        let count = new.owner.counter(new.account, CounterKind::MfaDevicesOfOwner);
        self.add_within(count, 1, MFA_DEVICES_PER_USER, || IamError::quota("MFADevicesPerUser", MFA_DEVICES_PER_USER))
            .await?;
        self.add(keys::counter(new.account, CounterKind::Passkeys, &[]), 1);
        self.put(credential, Bytes::new());
        self.put_record(new.key(), new);
        Ok(())
    }

    /// Whether a passkey with this credential is registered. `digest` is the SHA-256 of its credential id.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn is_passkey_registered(&mut self, digest: &[u8; DIGEST]) -> Result<bool> {
        Ok(self.read_key(credential_key(digest)).await?.is_some())
    }

    /// The passkey of an owner with this id, or `None`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_passkey(&mut self, account: AccountId, owner: &KeyOwner, id: &str) -> Result<Option<Passkey>> {
        self.read(keys::owned(account, Kind::Passkey, owner.user(), id)).await
    }

    /// Replaces the record of a passkey that this transaction read: its signature counter.
    pub fn update_passkey(&mut self, passkey: &Passkey) {
        self.put_record(passkey.key(), passkey);
    }

    /// Deletes a passkey that this transaction read. `digest` is the SHA-256 of its credential id.
    pub fn delete_passkey(&mut self, passkey: &Passkey, digest: &[u8; DIGEST]) {
        self.delete_key(passkey.key());
        self.delete_key(credential_key(digest));
        self.add(passkey.owner.counter(passkey.account, CounterKind::MfaDevicesOfOwner), -1);
        self.add(keys::counter(passkey.account, CounterKind::Passkeys, &[]), -1);
    }

    /// The passkeys of a user or root, by id. There are few.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_passkeys(&self, account: AccountId, owner: &KeyOwner) -> Result<Vec<Passkey>> {
        let prefix = keys::owned(account, Kind::Passkey, owner.user(), "");
        let all = MFA_DEVICES_PER_USER as usize;
        Ok(self.page(&prefix, None, all, |_, _| Located::Here, Some).await?.items)
    }

    /// How many passkeys the users of an account and root have.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn passkey_count(&self, account: AccountId) -> Result<u64> {
        self.peek_count(&keys::counter(account, CounterKind::Passkeys, &[])).await
    }

    /// Records that the challenge of a passkey is used. Returns false if it was used before.
    ///
    /// `digest` identifies the challenge, which expires at `expires`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn use_passkey_challenge(
        &mut self,
        digest: &[u8; DIGEST],
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        self.use_once(Kind::PasskeyChallengeUse, digest, expires, now).await
    }
}

fn credential_key(digest: &[u8; DIGEST]) -> Bytes {
    keys::record(AccountId::NONE, Kind::PasskeyCredential, digest)
}

impl AsMessage for Passkey {
    type Message = pb::Passkey;
    const NAME: &'static str = "passkey";

    fn to_message(&self) -> pb::Passkey {
        pb::Passkey {
            account: codec::account_number(self.account),
            user: self.owner.user().map(UniqueId::to_string),
            id: self.id.clone(),
            label: self.label.to_string(),
            enabled: self.enabled.as_microsecond(),
            relying_party: self.relying_party.clone(),
            credential_id: self.credential_id.to_vec(),
            public_key: self.public_key.to_vec(),
            counter: self.counter,
            user_verified: self.user_verified,
            backup_eligible: self.backup_eligible,
            aaguid: self.aaguid.to_vec(),
        }
    }

    fn from_message(message: pb::Passkey) -> Result<Self, Malformed> {
        Ok(Passkey {
            account: codec::account(message.account)?,
            owner: KeyOwner::from_record(message.user)?,
            id: message.id,
            label: MfaDeviceName::parse(&message.label)?,
            enabled: codec::time(message.enabled)?,
            relying_party: message.relying_party,
            credential_id: message.credential_id.into(),
            public_key: message.public_key.into(),
            counter: message.counter,
            user_verified: message.user_verified,
            backup_eligible: message.backup_eligible,
            aaguid: message.aaguid.try_into().map_err(|_| Malformed::new("a model has another length"))?,
        })
    }
}
