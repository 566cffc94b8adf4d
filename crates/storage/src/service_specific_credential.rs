//! Service-specific credentials of users: a name and a secret for one service.

use bailiwick_model::{AccountId, IamError, Result, UniqueId, limits::CREDENTIALS_PER_SERVICE};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind, Kind},
    reference::IdentityKind,
    tx::{Located, Page, Tx},
};

/// A service-specific credential.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceSpecificCredential {
    /// The account of the user.
    pub account: AccountId,
    /// The user.
    pub user: UniqueId,
    /// Its id, `ACCA…`.
    pub id: UniqueId,
    /// The service, such as `codecommit.amazonaws.com`.
    pub service: String,
    /// The name that the service knows it by, unique per service in the account without regard to case.
    pub name: String,
    /// Whether it is active: `Active` or `Inactive`.
    pub active: bool,
    /// When it was created.
    pub created: Timestamp,
    /// When it expires, if it does.
    pub expires: Option<Timestamp>,
    /// The password or API key, sealed.
    pub sealed_secret: Bytes,
}

impl std::fmt::Debug for ServiceSpecificCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceSpecificCredential")
            .field("account", &self.account)
            .field("user", &self.user)
            .field("id", &self.id)
            .field("service", &self.service)
            .field("name", &self.name)
            .field("active", &self.active)
            .field("created", &self.created)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl ServiceSpecificCredential {
    fn key(&self) -> Bytes {
        keys::of_user(self.account, Kind::ServiceSpecificCredential, &self.user, self.id.as_str())
    }

    fn name_key(&self) -> Bytes {
        keys::service_credential_name(self.account, &self.service, &self.name)
    }

    fn count_key(&self) -> Bytes {
        keys::counter(self.account, CounterKind::ServiceSpecificCredentials, self.user.as_bytes())
    }

    fn count_key_for_service(&self) -> Bytes {
        let of = [self.user.as_bytes(), self.service.as_bytes()].concat();
        keys::counter(self.account, CounterKind::CredentialsForService, &of)
    }
}

impl Tx {
    /// Returns whether a service-specific credential of the account has this name at the service.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn has_service_credential_name(&mut self, account: AccountId, service: &str, name: &str) -> Result<bool> {
        Ok(self.read_key(keys::service_credential_name(account, service, name)).await?.is_some())
    }

    /// Adds a credential to a user. This transaction has found its name to be free.
    ///
    /// # Errors
    /// `LimitExceeded` for a third credential for the service; `NoSuchEntity` for the user.
    pub async fn create_service_specific_credential(&mut self, new: &ServiceSpecificCredential) -> Result<()> {
        let user = keys::identity(new.account, IdentityKind::User, &new.user);
        self.require(user, || IamError::no_such("user", new.user)).await?;
        let quota = || IamError::quota("ContextSpecificCredentialsPerUserPerContext", CREDENTIALS_PER_SERVICE);
        self.add_within(new.count_key_for_service(), 1, CREDENTIALS_PER_SERVICE, quota).await?;
        self.add(new.count_key(), 1);
        for key in [new.key(), new.name_key()] {
            if self.read_key(key).await?.is_some() {
                return Err(IamError::internal("a generated id or name of a credential already exists"));
            }
        }
        let ids = [new.user.as_bytes().as_slice(), new.id.as_bytes()].concat();
        self.put(new.name_key(), ids.into());
        self.put_record(new.key(), new);
        Ok(())
    }

    /// Returns the credential of a user with this id, or `None`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_service_specific_credential(
        &mut self,
        account: AccountId,
        user: &UniqueId,
        id: &UniqueId,
    ) -> Result<Option<ServiceSpecificCredential>> {
        self.read(keys::of_user(account, Kind::ServiceSpecificCredential, user, id.as_str())).await
    }

    /// Replaces the record of a credential that this transaction read: its status or its secret.
    pub fn update_service_specific_credential(&mut self, new: &ServiceSpecificCredential) {
        self.put_record(new.key(), new);
    }

    /// Deletes a credential that this transaction read.
    pub fn delete_service_specific_credential(&mut self, old: &ServiceSpecificCredential) {
        self.delete_key(old.key());
        self.delete_key(old.name_key());
        self.add(old.count_key(), -1);
        self.add(old.count_key_for_service(), -1);
    }

    /// Lists the credentials of a user, or of all users of the account, for one service or for all, by user and id.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_service_specific_credentials(
        &self,
        account: AccountId,
        user: Option<&UniqueId>,
        service: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ServiceSpecificCredential>> {
        let prefix = match user {
            Some(user) => keys::of_user(account, Kind::ServiceSpecificCredential, user, "").to_vec(),
            None => keys::kind(account, Kind::ServiceSpecificCredential),
        };
        let is_listed = |credential: &ServiceSpecificCredential| service.is_none_or(|name| credential.service == name);
        self.page(&prefix, after, limit, |_, _| Located::Here, |row| Some(row).filter(&is_listed)).await
    }
}

impl AsMessage for ServiceSpecificCredential {
    type Message = pb::ServiceSpecificCredential;
    const NAME: &'static str = "service-specific credential";

    fn to_message(&self) -> pb::ServiceSpecificCredential {
        pb::ServiceSpecificCredential {
            account: codec::account_number(self.account),
            user: self.user.to_string(),
            id: self.id.to_string(),
            service: self.service.clone(),
            name: self.name.clone(),
            active: self.active,
            created: self.created.as_microsecond(),
            expires: self.expires.map(Timestamp::as_microsecond),
            sealed_secret: self.sealed_secret.to_vec(),
        }
    }

    fn from_message(message: pb::ServiceSpecificCredential) -> Result<Self, Malformed> {
        Ok(ServiceSpecificCredential {
            account: codec::account(message.account)?,
            user: codec::id(&message.user)?,
            id: codec::id(&message.id)?,
            service: message.service,
            name: message.name,
            active: message.active,
            created: codec::time(message.created)?,
            expires: codec::maybe_time(message.expires)?,
            sealed_secret: message.sealed_secret.into(),
        })
    }
}
