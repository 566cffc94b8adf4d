//! Registered services: their names, and the principals that can act as them.

use bailiwick_model::{AccountId, IamError, Result, UniqueId, limits::SERVICES};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind, Kind},
    tx::{Located, Page, Tx},
};

/// A service of the deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The prefix of the actions, in lower case.
    pub prefix: String,
    /// Its entry as a catalogue file.
    pub definition: String,
    /// The names of the service principals, each unique in the deployment.
    pub principals: Vec<String>,
    /// The users and roles that can act as the service.
    pub actors: Vec<ServiceActor>,
    /// When it was registered.
    pub created: Timestamp,
    /// When it was last put.
    pub updated: Timestamp,
}

/// A user or role that can act as a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceActor {
    /// The ARN as the caller sent it.
    pub arn: String,
    /// The unique id that the ARN named at that time. Decisions use the id.
    pub id: UniqueId,
}

impl Tx {
    /// The service of that prefix, if it is registered.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_service(&mut self, prefix: &str) -> Result<Option<Service>> {
        self.read(keys::service(prefix)).await
    }

    /// The service that has this service principal, if one is registered.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_service_by_principal(&mut self, name: &str) -> Result<Option<Service>> {
        let Some(prefix) = self.read_key(keys::service_principal(name)).await? else { return Ok(None) };
        self.read(keys::record(AccountId::NONE, Kind::Service, &prefix)).await
    }

    /// Registers a service, and replaces an existing one with the same prefix.
    ///
    /// # Errors
    /// `EntityAlreadyExists` for a service principal of another service, `LimitExceeded`.
    pub async fn put_service(&mut self, service: &Service) -> Result<()> {
        match self.find_service(&service.prefix).await? {
            Some(old) => self.release_principals(&old, &service.principals),
            None => {
                let count = keys::counter(AccountId::NONE, CounterKind::Services, &[]);
                self.add_within(count, 1, SERVICES, || IamError::quota("Services", SERVICES)).await?;
            }
        }
        for name in &service.principals {
            let key = keys::service_principal(name);
            match self.read_key(key.clone()).await? {
                Some(taken) if *taken != *service.prefix.as_bytes() => {
                    return Err(IamError::already_exists("Service principal", name));
                }
                Some(_) => {}
                None => self.put(key, Bytes::copy_from_slice(service.prefix.as_bytes())),
            }
        }
        self.put_record(keys::service(&service.prefix), service);
        Ok(())
    }

    /// Forgets a service that this transaction has read.
    ///
    /// # Errors
    /// `NoSuchEntity` if it is not registered.
    pub async fn delete_service(&mut self, service: &Service) -> Result<()> {
        let key = keys::service(&service.prefix);
        self.require(key.clone(), || IamError::no_such("service", &service.prefix)).await?;
        self.release_principals(service, &[]);
        self.delete_key(key);
        self.add(keys::counter(AccountId::NONE, CounterKind::Services, &[]), -1);
        Ok(())
    }

    /// The registered services, by prefix.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_services(&self, after: Option<&str>, limit: usize) -> Result<Page<Service>> {
        let prefix = keys::kind(AccountId::NONE, Kind::Service);
        self.page(&prefix, after, limit, |_, _| Located::Here, Some).await
    }

    /// Deletes the index rows of the service principals that are not in `kept`.
    fn release_principals(&mut self, service: &Service, kept: &[String]) {
        for name in service.principals.iter().filter(|name| !kept.contains(name)) {
            self.delete_key(keys::service_principal(name));
        }
    }
}

impl AsMessage for Service {
    type Message = pb::Service;
    const NAME: &'static str = "service";

    fn to_message(&self) -> pb::Service {
        let actors = self.actors.iter();
        pb::Service {
            prefix: self.prefix.clone(),
            definition: self.definition.clone(),
            principals: self.principals.clone(),
            actors: actors.map(|a| pb::ServiceActor { arn: a.arn.clone(), id: a.id.to_string() }).collect(),
            created: self.created.as_microsecond(),
            updated: self.updated.as_microsecond(),
        }
    }

    fn from_message(message: pb::Service) -> Result<Self, Malformed> {
        let actors = message.actors.into_iter();
        let actors = actors.map(|actor| Ok(ServiceActor { id: codec::id(&actor.id)?, arn: actor.arn }));
        Ok(Service {
            prefix: message.prefix,
            definition: message.definition,
            principals: message.principals,
            actors: actors.collect::<Result<_, Malformed>>()?,
            created: codec::time(message.created)?,
            updated: codec::time(message.updated)?,
        })
    }
}
