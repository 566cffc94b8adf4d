//! Server certificates of an account, with their private keys.

use bailiwick_model::{AccountId, ErrorCode, IamError, KeyCase, Path, Result, ServerCertificateName, Tags, UniqueId};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    keys::{CounterKind, Kind},
    noun::{Noun, NounSpec},
    tx::Tx,
};

/// A server certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerCertificate {
    /// Its account.
    pub account: AccountId,
    /// Its unique id, `ASCA…`.
    pub id: UniqueId,
    /// Its name.
    pub name: ServerCertificateName,
    /// The path.
    pub path: Path,
    /// When it was uploaded.
    pub uploaded: Timestamp,
    /// When it expires.
    pub expires: Timestamp,
    /// Its tags.
    pub tags: Tags,
    /// The certificate in PEM form.
    pub body: String,
    /// The chain in PEM form.
    pub chain: Option<String>,
    /// The private key in PEM form, sealed.
    pub sealed_key: Bytes,
}

impl std::fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerCertificate")
            .field("account", &self.account)
            .field("id", &self.id)
            .field("name", &self.name)
            .field("path", &self.path)
            .field("uploaded", &self.uploaded)
            .field("expires", &self.expires)
            .field("tags", &self.tags)
            .finish_non_exhaustive()
    }
}

impl Tx {
    /// Stores a certificate.
    ///
    /// # Errors
    /// `EntityAlreadyExists`, `LimitExceeded`.
    pub async fn create_server_certificate(&mut self, new: &ServerCertificate) -> Result<()> {
        self.create_noun(new).await
    }

    /// Replaces a certificate that this transaction read: name, path or tags.
    ///
    /// # Errors
    /// `EntityAlreadyExists` if another certificate has the new name.
    pub async fn update_server_certificate(&mut self, old: &ServerCertificate, new: &ServerCertificate) -> Result<()> {
        self.update_noun(old, new).await.map(drop)
    }

    /// Deletes a certificate that this transaction read.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn delete_server_certificate(&mut self, certificate: &ServerCertificate) -> Result<()> {
        self.delete_noun(certificate).await
    }
}

impl Noun for ServerCertificate {
    type Name = ServerCertificateName;
    const SPEC: NounSpec = NounSpec {
        record: Kind::ServerCertificate,
        names: Kind::ServerCertificateName,
        label: "server certificate",
        counter: CounterKind::ServerCertificates,
        quota_name: "ServerCertificatesPerAccount",
        quota: |quotas| quotas.server_certificates,
        already_exists: |name| {
            let message = format!("The Server Certificate with name {name} already exists.");
            IamError::new(ErrorCode::EntityAlreadyExists, message)
        },
    };

    fn account(&self) -> AccountId {
        self.account
    }
    fn id(&self) -> &UniqueId {
        &self.id
    }
    fn name(&self) -> &ServerCertificateName {
        &self.name
    }
    fn path(&self) -> &Path {
        &self.path
    }
}

impl AsMessage for ServerCertificate {
    type Message = pb::ServerCertificate;
    const NAME: &'static str = "server certificate";

    fn to_message(&self) -> pb::ServerCertificate {
        pb::ServerCertificate {
            account: codec::account_number(self.account),
            id: self.id.to_string(),
            name: self.name.to_string(),
            path: self.path.to_string(),
            uploaded: self.uploaded.as_microsecond(),
            expires: self.expires.as_microsecond(),
            tags: codec::tag_messages(&self.tags),
            body: self.body.clone(),
            chain: self.chain.clone(),
            sealed_key: self.sealed_key.to_vec(),
        }
    }

    fn from_message(message: pb::ServerCertificate) -> Result<Self, Malformed> {
        Ok(ServerCertificate {
            account: codec::account(message.account)?,
            id: codec::id(&message.id)?,
            name: ServerCertificateName::parse(&message.name)?,
            path: codec::path(&message.path)?,
            uploaded: codec::time(message.uploaded)?,
            expires: codec::time(message.expires)?,
            tags: codec::tags(KeyCase::Sensitive, &message.tags)?,
            body: message.body,
            chain: message.chain,
            sealed_key: message.sealed_key.into(),
        })
    }
}
