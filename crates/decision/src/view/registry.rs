//! Look-ups and changes of registered services and their resources.

use std::sync::Arc;

use bailiwick_model::AccountId;
use bailiwick_policy_lang::{Catalogue, PolicyKind};

use super::builder::ViewBuilder;
use super::compile::compile_bound;
use super::services::{Resource, Service};
use super::{View, change};

impl View {
    /// Returns a resource, or `None` if it has neither policy nor tags here. The ARN is case-sensitive.
    pub fn resource(&self, account: AccountId, arn: &str) -> Option<&Resource> {
        if self.resources.len() == 0 {
            return None;
        }
        let is_it = |resource: &Arc<Resource>| resource.account == account && *resource.arn == *arn;
        self.resources.get(self.hash((account, arn)), is_it).map(|resource| &**resource)
    }

    /// Calls `each` with every resource, in no particular order.
    pub fn each_resource<'a>(&'a self, each: &mut impl FnMut(&'a Resource)) {
        self.resources.for_each(&mut |resource: &'a Arc<Resource>| each(resource));
    }

    /// The registered service of that prefix, in any case.
    pub fn service(&self, prefix: &str) -> Option<&Service> {
        self.services.by_prefix.get(&*prefix.to_ascii_lowercase()).map(|service| &**service)
    }

    /// The catalogue of actions, resource types and condition keys: those of registered services and Bailiwick's own.
    pub fn catalogue(&self) -> &Catalogue {
        &self.services.catalogue
    }

    /// Returns the registered service that a service principal belongs to. If a service is unreadable, it owns every
    /// unknown name, and no principal can act as it.
    pub fn service_of_principal(&self, name: &str) -> Option<&Service> {
        let services = &self.services;
        services.by_principal.get(name).or(services.unreadable.as_ref()).map(|service| &**service)
    }
}

impl ViewBuilder {
    /// Inserts or replaces a registered service. If its definition is not a catalogue, its names are left out of the
    /// catalogue.
    pub fn set_service(&mut self, new: change::Service) {
        self.remove_service(&new.prefix);
        let services = Arc::make_mut(&mut self.next.services);
        match Catalogue::parse(&new.definition) {
            Ok(mut defined) => {
                if let Some(service) = defined.remove(&new.prefix) {
                    services.catalogue.insert(service);
                }
            }
            Err(error) => {
                tracing::error!(service = new.prefix, %error, "cannot read the definition of a registered service");
            }
        }
        let service = Arc::new(Service {
            prefix: new.prefix.into(),
            principals: new.principals.into_iter().map(Into::into).collect(),
            actors: new.actors.into(),
        });
        for name in &service.principals {
            services.by_principal.insert(name.clone(), service.clone());
        }
        services.by_prefix.insert(service.prefix.clone(), service);
    }

    /// Removes a registered service.
    pub fn remove_service(&mut self, prefix: &str) {
        let services = Arc::make_mut(&mut self.next.services);
        services.by_prefix.remove(prefix);
        services.by_principal.retain(|_, service| *service.prefix != *prefix);
        services.catalogue.remove(prefix);
    }

    /// Inserts or replaces a resource.
    pub fn set_resource(&mut self, new: change::Resource) {
        let compile =
            |policy: change::Document| compile_bound(&policy.text, &policy.bound, PolicyKind::Resource, &new.arn);
        self.put_resource(Resource {
            account: new.account,
            policy: new.policy.map(compile),
            arn: new.arn.into(),
            tags: new.tags,
        });
    }

    /// Removes a resource.
    pub fn remove_resource(&mut self, account: AccountId, arn: &str) {
        let is_it = |resource: &Arc<Resource>| resource.account == account && *resource.arn == *arn;
        self.next.resources.remove(self.next.hash((account, arn)), is_it);
    }

    pub(super) fn put_resource(&mut self, new: Resource) {
        let new = Arc::new(new);
        let is_it = |old: &Arc<Resource>| old.account == new.account && *old.arn == *new.arn;
        self.next.resources.insert(self.next.hash((new.account, &*new.arn)), new.clone(), is_it);
    }
}
