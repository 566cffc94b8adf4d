//! X.509 signing certificates of users and of root.

use bailiwick_model::{AccountId, ErrorCode, IamError, Result, UniqueId, limits::SIGNING_CERTIFICATES_PER_USER};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    access_key::KeyOwner,
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind, Kind},
    tx::{Located, Page, Tx},
};

/// A signing certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningCertificate {
    /// Its account.
    pub account: AccountId,
    /// Whose it is.
    pub owner: KeyOwner,
    /// Its id: 32 letters and digits.
    pub id: String,
    /// Whether it is active: `Active` or `Inactive`.
    pub active: bool,
    /// When it was uploaded.
    pub uploaded: Timestamp,
    /// The certificate in PEM form, as it was uploaded.
    pub body: String,
    /// The SHA-256 digest of its DER, by which a second upload is found.
    pub digest: [u8; 32],
}

impl SigningCertificate {
    fn key(&self) -> Bytes {
        keys::owned(self.account, Kind::SigningCertificate, self.owner.user(), &self.id)
    }

    fn digest_key(&self) -> Bytes {
        keys::record(self.account, Kind::SigningCertificateDigest, &self.digest)
    }

    fn counter(&self) -> Bytes {
        self.owner.counter(self.account, CounterKind::SigningCertificates)
    }
}

impl Tx {
    /// Stores a certificate.
    ///
    /// # Errors
    /// `DuplicateCertificate` if a user of the account, or root, has it, or the owner has another one with its id;
    /// `LimitExceeded` when the owner has two.
    pub async fn create_signing_certificate(&mut self, new: &SigningCertificate) -> Result<()> {
        self.require_owner(new.account, &new.owner).await?;
        if self.read_key(new.digest_key()).await?.is_some() || self.read_key(new.key()).await?.is_some() {
            let message = "Duplicate certificate uploaded.";
            return Err(IamError::new(ErrorCode::DuplicateCertificate, message));
        }
        let max = SIGNING_CERTIFICATES_PER_USER;
        self.add_within(new.counter(), 1, max, || IamError::quota("CertificatesPerUser", max)).await?;
        self.put(new.digest_key(), Bytes::new());
        self.put_record(new.key(), new);
        Ok(())
    }

    /// Returns the certificate of an owner with this id, or `None`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_signing_certificate(
        &mut self,
        account: AccountId,
        owner: &KeyOwner,
        id: &str,
    ) -> Result<Option<SigningCertificate>> {
        self.read(keys::owned(account, Kind::SigningCertificate, owner.user(), id)).await
    }

    /// Replaces a certificate that this transaction read, such as its status.
    pub fn update_signing_certificate(&mut self, new: &SigningCertificate) {
        self.put_record(new.key(), new);
    }

    /// Deletes a certificate that this transaction read.
    pub fn delete_signing_certificate(&mut self, certificate: &SigningCertificate) {
        self.delete_key(certificate.key());
        self.delete_key(certificate.digest_key());
        self.add(certificate.counter(), -1);
    }

    /// How many certificates an owner has.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn signing_certificate_count(&self, account: AccountId, owner: &KeyOwner) -> Result<u64> {
        self.peek_count(&owner.counter(account, CounterKind::SigningCertificates)).await
    }

    /// Lists the certificates of an owner, ordered by id.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_signing_certificates(
        &self,
        account: AccountId,
        owner: &KeyOwner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<SigningCertificate>> {
        let prefix = keys::owned(account, Kind::SigningCertificate, owner.user(), "");
        self.page(&prefix, after, limit, |_, _| Located::Here, Some).await
    }
}

impl AsMessage for SigningCertificate {
    type Message = pb::SigningCertificate;
    const NAME: &'static str = "signing certificate";

    fn to_message(&self) -> pb::SigningCertificate {
        pb::SigningCertificate {
            account: codec::account_number(self.account),
            user: self.owner.user().map(UniqueId::to_string),
            id: self.id.clone(),
            active: self.active,
            uploaded: self.uploaded.as_microsecond(),
            body: self.body.clone(),
            digest: self.digest.to_vec(),
        }
    }

    fn from_message(message: pb::SigningCertificate) -> Result<Self, Malformed> {
        let digest = message.digest.try_into().map_err(|_| Malformed::new("a digest has another length"))?;
        Ok(SigningCertificate {
            account: codec::account(message.account)?,
            owner: KeyOwner::from_record(message.user)?,
            id: message.id,
            active: message.active,
            uploaded: codec::time(message.uploaded)?,
            body: message.body,
            digest,
        })
    }
}
