//! Look-ups and changes of registered services and their resources.

use std::sync::Arc;

use bailiwick_model::{AccountId, Tags};
use bailiwick_policy_lang::{Catalogue, PolicyKind};
use bailiwick_storage::{Resource as StoredResource, Service as StoredService};

use super::Snapshot;
use crate::compile::{compile_bound, deny_all};
use crate::services::{Resource, Service};

impl Snapshot {
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

    pub(crate) fn put_service(&mut self, prefix: &str, new: Option<StoredService>) {
        let services = Arc::make_mut(&mut self.services);
        services.by_prefix.remove(prefix);
        services.by_principal.retain(|_, service| *service.prefix != *prefix);
        services.catalogue.remove(prefix);
        let Some(new) = new else { return };
        match Catalogue::parse(&new.definition) {
            Ok(mut defined) => {
                if let Some(service) = defined.remove(prefix) {
                    services.catalogue.insert(service);
                }
            }
            Err(error) => {
                tracing::error!(service = prefix, %error, "cannot read the definition of a registered service");
            }
        }
        let service = Arc::new(Service {
            prefix: prefix.into(),
            principals: new.principals.iter().map(|name| name.as_str().into()).collect(),
            actors: new.actors.iter().map(|actor| actor.id).collect(),
        });
        for name in &service.principals {
            services.by_principal.insert(name.clone(), service.clone());
        }
        services.by_prefix.insert(prefix.into(), service);
    }

    /// Marks a service as unreadable: no principal can act as it.
    pub(crate) fn deny_service(&mut self, prefix: &str) {
        self.put_service(prefix, None);
        let services = Arc::make_mut(&mut self.services);
        let nobody = Arc::new(Service { prefix: prefix.into(), principals: Box::default(), actors: Box::default() });
        services.by_prefix.insert(prefix.into(), nobody.clone());
        services.unreadable = Some(nobody);
    }

    /// Marks a resource as unreadable: everything on it is denied to all principals.
    pub(crate) fn deny_resource(&mut self, account: AccountId, arn: &str) {
        let policy = Some(deny_all(PolicyKind::Resource, arn));
        let resource = Arc::new(Resource { account, arn: arn.into(), policy, tags: Tags::new() });
        let is_it = |resource: &Arc<Resource>| resource.account == account && *resource.arn == *arn;
        self.resources.insert(self.hash((account, arn)), resource, is_it);
    }

    pub(crate) fn put_resource(&mut self, account: AccountId, arn: &str, new: Option<StoredResource>) {
        let hash = self.hash((account, arn));
        let is_it = |resource: &Arc<Resource>| resource.account == account && *resource.arn == *arn;
        let Some(new) = new else {
            self.resources.remove(hash, is_it);
            return;
        };
        let resource = Resource {
            account,
            arn: arn.into(),
            policy: new.policy.map(|policy| compile_bound(&policy.text, &policy.bound, PolicyKind::Resource, arn)),
            tags: new.tags,
        };
        self.resources.insert(hash, Arc::new(resource), is_it);
    }
}
