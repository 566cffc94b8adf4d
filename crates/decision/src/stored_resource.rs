//! The policy and tags that a view has of a resource.

use bailiwick_evaluator::{ContextKey, ContextSource, ContextValue, GlobalKey, Policy};
use bailiwick_model::{AccountId, Arn, Tags};
use bailiwick_policy_lang::Catalogue;

use crate::{ManagedPolicy, Resource, View};

/// What a view has of a resource. As a source of context keys, it has the resource's tags.
pub enum StoredResource<'s> {
    /// Nothing: only the service of the resource knows its tags.
    Unknown,
    /// The policy, the tags or both, of a resource of another service.
    OfService(&'s Resource),
    /// A resource of Bailiwick's own services, such as a user, with its tags if it exists and can have any.
    Builtin(Option<&'s Tags>),
}

impl<'s> StoredResource<'s> {
    /// Looks up a resource by its account and ARN. The ARN is compared with case.
    pub fn find(view: &'s View, account: Option<AccountId>, resource: &str) -> Self {
        let service = resource.split(':').nth(2).unwrap_or_default();
        if Catalogue::builtin().service(service).is_some() {
            let Ok(arn) = Arn::parse(resource) else { return StoredResource::Builtin(None) };
            let tags = match view.entity_by_arn(&arn) {
                Some(entity) => Some(entity.tags()),
                None => view.managed_policy(&arn).map(ManagedPolicy::tags),
            };
            return StoredResource::Builtin(tags);
        }
        let resource = account.and_then(|account| view.resource(account, resource));
        resource.map_or(StoredResource::Unknown, StoredResource::OfService)
    }

    /// Returns whether the resource's tags are the stored ones and no others.
    pub fn has_tags(&self) -> bool {
        !matches!(self, StoredResource::Unknown)
    }

    /// The stored policy of the resource.
    pub fn policy(&self) -> Option<&'s Policy> {
        match self {
            StoredResource::OfService(resource) => resource.policy.as_ref(),
            StoredResource::Unknown | StoredResource::Builtin(_) => None,
        }
    }
}

impl ContextSource for StoredResource<'_> {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        let tags = match (self, key.global()?) {
            (StoredResource::OfService(resource), GlobalKey::ResourceTag) => &resource.tags,
            (StoredResource::Builtin(tags), GlobalKey::ResourceTag | GlobalKey::IamResourceTag) => (*tags)?,
            _ => return None,
        };
        tags.iter().find(|tag| key.tag_matches(&tag.key)).map(|tag| ContextValue::One(&tag.value))
    }
}
