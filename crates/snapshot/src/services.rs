//! Services that were registered, and what is kept of their resources.

use std::collections::HashMap;
use std::sync::Arc;

use bailiwick_evaluator::Policy;
use bailiwick_model::{AccountId, Tags, UniqueId};
use bailiwick_policy_lang::Catalogue;

/// A service of the deployment.
#[derive(Clone, Debug)]
pub struct Service {
    /// The prefix of its actions, in lower case.
    pub prefix: Box<str>,
    /// The names of its service principals.
    pub principals: Box<[Box<str>]>,
    /// The users and roles that may act as them.
    pub actors: Box<[UniqueId]>,
}

/// What is kept of a resource of another service.
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

/// Few, and changed seldom: a change copies the maps and none of what they point at.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    pub(crate) by_prefix: HashMap<Box<str>, Arc<Service>>,
    pub(crate) by_principal: HashMap<Box<str>, Arc<Service>>,
    /// What they and Bailiwick itself call things.
    pub(crate) catalogue: Catalogue,
    /// Stands for every name of a service principal that is not known, once a service can't be read: the name may be
    /// one of that service's.
    pub(crate) unreadable: Option<Arc<Service>>,
}

impl Default for Services {
    fn default() -> Self {
        let catalogue = Catalogue::builtin().clone();
        Services { by_prefix: HashMap::new(), by_principal: HashMap::new(), catalogue, unreadable: None }
    }
}
