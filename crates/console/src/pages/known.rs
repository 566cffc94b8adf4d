//! The services whose actions are known: those that are built in, and those that are registered.

use std::sync::Arc;

use bailiwick_api::authz::{GetServiceRequest, ListServicesRequest};
use bailiwick_api::op;
use bailiwick_policy_lang::Catalogue;
use bailiwick_policy_lang::catalogue::Service;

use crate::person::Person;

/// The prefixes of the built-in and the registered services.
pub(super) async fn prefixes(person: &Person<'_>) -> Vec<String> {
    let asked = ListServicesRequest { max_items: Some(1000), ..Default::default() };
    let registered = person.call::<op::ListServices>(asked).await.map(|listed| listed.services).unwrap_or_default();
    let built_in = Catalogue::builtin().services().map(|service| service.prefix.to_string());
    let mut found: Vec<_> = built_in.chain(registered.into_iter().map(|service| service.service_prefix)).collect();
    found.sort();
    found.dedup();
    found
}

/// The service of that prefix: built in, or registered, as far as the person may see its definition.
pub(super) async fn service(person: &Person<'_>, prefix: &str) -> Option<Arc<Service>> {
    if let Some(service) = Catalogue::builtin().service(prefix) {
        return Some(Arc::new(service.clone()));
    }
    let asked = GetServiceRequest { service_prefix: Some(prefix.to_ascii_lowercase()) };
    let found = person.call::<op::GetService>(asked).await.ok()?.service?;
    let catalogue = Catalogue::parse(found.definition.as_deref()?).ok()?;
    catalogue.service(prefix).cloned().map(Arc::new)
}
