//! Registered services and their resources.

use std::collections::HashMap;
use std::sync::Arc;

use bailiwick_evaluator::Policy;
use bailiwick_model::{AccountId, Tags, UniqueId};
use bailiwick_policy_lang::Catalogue;

/// A service of the deployment.
#[derive(Clone, Debug)]
pub struct Service {
    /// The prefix of the actions, in lower case.
    pub prefix: Box<str>,
    /// The names of the service principals.
    pub principals: Box<[Box<str>]>,
    /// The users and roles that can act as the service.
    pub actors: Box<[UniqueId]>,
}

/// A resource of another service.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The account that owns it.
    pub account: AccountId,
    /// Its ARN.
    pub arn: Box<str>,
    /// Its policy, compiled.
    pub policy: Option<Policy>,
    /// Its tags.
    pub tags: Tags,
}

/// All registered services. They are few and change rarely: a change copies the maps, but not the services.
#[derive(Clone, Debug)]
pub(super) struct Services {
    pub(super) by_prefix: HashMap<Box<str>, Arc<Service>>,
    pub(super) by_principal: HashMap<Box<str>, Arc<Service>>,
    /// The names of actions, resource types and condition keys of these services and of Bailiwick.
    pub(super) catalogue: Catalogue,
    /// Set when the row of a service is unreadable: every unknown service principal then belongs to this service, since
    /// it may be one of its names.
    pub(super) unreadable: Option<Arc<Service>>,
}

impl Default for Services {
    fn default() -> Self {
        let catalogue = Catalogue::builtin().clone();
        Services { by_prefix: HashMap::new(), by_principal: HashMap::new(), catalogue, unreadable: None }
    }
}
