//! What Bailiwick itself knows of a resource that it is asked about: the policy and the tags that are stored here.

use bailiwick_evaluator::{ContextKey, ContextSource, ContextValue, GlobalKey, Policy};
use bailiwick_model::{AccountId, Arn, Tags};
use bailiwick_policy_lang::Catalogue;
use bailiwick_snapshot::{ManagedPolicy, Resource, Snapshot};

use super::given_keys::GivenKeys;
use crate::context::{KeySource, key_source};

/// What Bailiwick has of the resource that is asked about.
pub(crate) enum StoredResource<'s> {
    /// Nothing: its tags are the asking service's to say.
    Unknown,
    /// The policy or the tags, of a resource of another service.
    OfService(&'s Resource),
    /// It is one of Bailiwick's own; with its tags, if it is there and can have any.
    Builtin(Option<&'s Tags>),
}

impl<'s> StoredResource<'s> {
    pub(crate) fn of(snapshot: &'s Snapshot, account: Option<AccountId>, resource: &str) -> Self {
        let service = resource.split(':').nth(2).unwrap_or_default();
        if Catalogue::builtin().service(service).is_some() {
            let Ok(arn) = Arn::parse(resource) else { return StoredResource::Builtin(None) };
            let tags = match snapshot.entity_by_arn(&arn) {
                Some(entity) => Some(&entity.tags),
                None => snapshot.managed_policy(&arn).map(ManagedPolicy::tags),
            };
            return StoredResource::Builtin(tags);
        }
        account
            .and_then(|account| snapshot.resource(account, resource))
            .map_or(StoredResource::Unknown, StoredResource::OfService)
    }

    /// Whether its tags are what is stored here, and nothing else.
    pub(crate) fn has_tags(&self) -> bool {
        !matches!(self, StoredResource::Unknown)
    }

    /// The policy that is kept of it.
    pub(crate) fn policy(&self) -> Option<&'s Policy> {
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

/// What a question brings, perhaps without what it says of the resource's tags.
pub(crate) struct QuestionKeys<'k, 'a> {
    pub(crate) keys: &'k GivenKeys<'a>,
    pub(crate) hides_tags: bool,
}

impl ContextSource for QuestionKeys<'_, '_> {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        if self.hides_tags && key_source(key) == KeySource::StoredResource {
            return None;
        }
        self.keys.value(key)
    }
}
