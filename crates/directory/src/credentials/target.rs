//! A credential that a request names together with its owner, or the caller's.

use std::fmt::Display;

use bailiwick_model::{AccessKeyId, AccountId, ErrorCode, IamError, Result, UniqueId};
use bailiwick_operation::{Cx, Planned};
use bailiwick_storage::{AccessKey, KeyOwner, ServiceSpecificCredential, SigningCertificate, SshPublicKey, Tx, User};

use crate::request::required;
use crate::user_or_root::{UserOrCaller, UserOrRoot};

/// A credential that belongs to a user or to root.
pub trait Credential: Sized + Send {
    /// Its id.
    type Id: Display + Send;
    /// The request member that names it.
    const MEMBER: &'static str;

    /// Parses its id.
    ///
    /// # Errors
    /// `ValidationError` for a text that AWS refuses before it looks for the owner.
    fn parse_id(text: &str) -> Result<Self::Id>;

    /// The credential of this id, if the owner has it.
    fn find(
        tx: &mut Tx,
        account: AccountId,
        owner: &KeyOwner,
        id: &Self::Id,
    ) -> impl Future<Output = Result<Option<Self>>> + Send;

    /// AWS's message for an id that the owner does not have.
    fn missing(id: &Self::Id) -> String;

    /// The condition key that checks of actions on it have, beside those of its owner.
    fn condition_key(&self) -> Option<(&'static str, &str)> {
        None
    }
}

/// A credential that a request names, and its owner.
pub struct CredentialTarget<C: Credential> {
    owner: UserOrCaller,
    /// The id of the credential.
    pub(crate) id: C::Id,
    /// The credential, if the owner has it.
    stored: Option<C>,
}

impl<C: Credential> CredentialTarget<C> {
    /// Looks up the owner and the credential, and names the check of an action on the owner.
    ///
    /// # Errors
    /// Those of [`UserOrCaller::look_up`], and of the id.
    pub(crate) async fn plan(
        cx: &Cx,
        tx: &mut Tx,
        user: &Option<String>,
        id: &Option<String>,
        action: &'static str,
    ) -> Result<Planned<Self>> {
        let id = C::parse_id(required(id, C::MEMBER)?)?;
        let owner = UserOrCaller::look_up(cx, tx, user).await?;
        let stored = match owner.key_owner() {
            Some(key_owner) => C::find(tx, cx.account(), &key_owner, &id).await?,
            None => None,
        };
        let mut check = owner.check(cx, action);
        if let Some((key, value)) = stored.as_ref().and_then(C::condition_key) {
            check = check.key(key, value);
        }
        Ok(Planned::new(CredentialTarget { owner, id, stored }).check(check))
    }

    /// The owner and the credential.
    ///
    /// # Errors
    /// `NoSuchEntity` for the owner, or if the owner has no such credential.
    pub(crate) fn get(self) -> Result<(UserOrRoot, C)> {
        let owner = self.owner.get()?;
        match self.stored {
            Some(credential) => Ok((owner, credential)),
            None => Err(IamError::new(ErrorCode::NoSuchEntity, C::missing(&self.id))),
        }
    }

    /// The same of a credential that only users have.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub(crate) fn get_of_user(self) -> Result<(User, C)> {
        match self.get()? {
            (UserOrRoot::User(user), credential) => Ok((*user, credential)),
            (UserOrRoot::Root, _) => Err(IamError::internal("root has a credential that only users have")),
        }
    }
}

impl Credential for AccessKey {
    type Id = AccessKeyId;
    const MEMBER: &'static str = "accessKeyId";

    fn parse_id(text: &str) -> Result<AccessKeyId> {
        Ok(AccessKeyId::parse(text)?)
    }

    async fn find(tx: &mut Tx, account: AccountId, owner: &KeyOwner, id: &AccessKeyId) -> Result<Option<Self>> {
        Ok(tx.find_access_key(account, id).await?.filter(|key| key.owner == *owner))
    }

    fn missing(id: &AccessKeyId) -> String {
        format!("The Access Key with id {id} cannot be found.")
    }
}

impl Credential for SigningCertificate {
    type Id = String;
    const MEMBER: &'static str = "certificateId";

    fn parse_id(text: &str) -> Result<String> {
        Ok(text.to_owned())
    }

    async fn find(tx: &mut Tx, account: AccountId, owner: &KeyOwner, id: &String) -> Result<Option<Self>> {
        tx.find_signing_certificate(account, owner, id).await
    }

    fn missing(id: &String) -> String {
        format!("The Certificate with id {id} cannot be found.")
    }
}

impl Credential for SshPublicKey {
    type Id = String;
    const MEMBER: &'static str = "sSHPublicKeyId";

    fn parse_id(text: &str) -> Result<String> {
        Ok(text.to_owned())
    }

    async fn find(tx: &mut Tx, account: AccountId, owner: &KeyOwner, id: &String) -> Result<Option<Self>> {
        match (owner, UniqueId::parse(id)) {
            (KeyOwner::User(user), Ok(id)) => tx.find_ssh_public_key(account, user, &id).await,
            _ => Ok(None),
        }
    }

    fn missing(id: &String) -> String {
        format!("The Public Key with id {id} cannot be found.")
    }
}

impl Credential for ServiceSpecificCredential {
    type Id = String;
    const MEMBER: &'static str = "serviceSpecificCredentialId";

    fn parse_id(text: &str) -> Result<String> {
        Ok(text.to_owned())
    }

    async fn find(tx: &mut Tx, account: AccountId, owner: &KeyOwner, id: &String) -> Result<Option<Self>> {
        match (owner, UniqueId::parse(id)) {
            (KeyOwner::User(user), Ok(id)) => tx.find_service_specific_credential(account, user, &id).await,
            _ => Ok(None),
        }
    }

    fn missing(id: &String) -> String {
        format!("No such credential {id} exists")
    }

    fn condition_key(&self) -> Option<(&'static str, &str)> {
        Some(("iam:ServiceSpecificCredentialServiceName", &self.service))
    }
}
