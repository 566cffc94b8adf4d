//! Catalogues of services: their actions, resource types and condition keys.
//!
//! Checks of names use a catalogue. The built-in catalogue has `iam`, `sts`, `bailiwick` and the global `aws:` keys;
//! merge the catalogues of your own services into it. [`SERVICE_RULES`] has the rules of single services that decisions
//! depend on.
//!
//! # The file format
//! A catalogue is a JSON file. All members but `catalogue` may be left out; unknown ones are refused.
//! ```
//! # let text = r#"
//! {
//!   "catalogue": 1,
//!   "services": {
//!     "photos": {
//!       "principals": ["photos.example.com"],
//!       "actors": ["arn:aws:iam::111122223333:role/photos"],
//!       "keys": {"photos:Size": "Numeric", "photos:Labels": "ArrayOfString"},
//!       "resources": {
//!         "album": {
//!           "arns": ["arn:${Partition}:photos:${Region}:${Account}:album/${AlbumId}"],
//!           "keys": ["aws:ResourceTag/${TagKey}"]
//!         }
//!       },
//!       "actions": {
//!         "GetAlbum": {"access": "Read", "resources": ["album"], "keys": ["photos:Size"]},
//!         "ListAlbums": {"access": "List"}
//!       }
//!     }
//!   }
//! }
//! # "#;
//! # let catalogue = bailiwick_policy_lang::Catalogue::parse(text).unwrap();
//! # assert_eq!(bailiwick_policy_lang::Catalogue::parse(&catalogue.to_json()).unwrap(), catalogue);
//! ```
//! | member | holds |
//! | --- | --- |
//! | `catalogue` | the format: `1` |
//! | `complete` | whether these are all services that there are, so that another one's name is an error |
//! | `keys` | the condition keys of no service, such as `aws:SourceIp`, each with its type |
//! | `services` | the services, each under the prefix of its actions |
//!
//! | member of a service | holds |
//! | --- | --- |
//! | `principals` | the names of its service principals, which policies name and `iam:PassedToService` holds |
//! | `signingNames` | for which services else requests may be signed that are decided as its actions |
//! | `actors` | the ARNs of the users and roles that may act as its service principals; left out where that is not said |
//! | `keys` | its own condition keys, each with its type |
//! | `resources` | its resource types: `arns`, with `${Placeholders}` for what differs, and the `keys` that they bring |
//! | `actions` | its actions: `access`, the `resources` that they act on (with none it is `*`), the `keys` that they bring |
//!
//! A type is `String`, `ARN`, `Bool`, `Date`, `Numeric`, `IPAddress` or `Binary`, or one of these after `ArrayOf` where
//! a request may bring several values. A key that ends in `/${TagKey}` stands for one of each tag. `access` is `List`,
//! `Read`, `Write`, `Tagging` or `Permissions management`.

mod nearest;
mod read;
mod rules;
mod write;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, LazyLock};

use crate::glob::{self, Steps};
use crate::operator::Family;
pub use read::CatalogueError;
pub use rules::{SERVICE_RULES, ServiceRules};

/// Services and the global condition keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// Whether the catalogue has every existing service, so that an unknown service is an error.
    pub complete: bool,
    /// The services by prefix; shared, since many catalogues hold the same ones.
    services: BTreeMap<Box<str>, Arc<Service>>,
    /// Keys of no service, by name in lower case.
    global_keys: BTreeMap<Box<str>, ConditionKey>,
}

/// A service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// The prefix of its actions, in lower case.
    pub prefix: Box<str>,
    /// The service principals that act for it.
    pub principals: Vec<Box<str>>,
    /// The other services for which requests may be signed that are decided as actions of this one.
    pub signing_names: Vec<Box<str>>,
    /// The ARNs of the users and roles that may act as its service principals, where that is said.
    pub actors: Option<Vec<Box<str>>>,
    actions: BTreeMap<Box<str>, Action>,
    resources: BTreeMap<Box<str>, ResourceType>,
    keys: BTreeMap<Box<str>, ConditionKey>,
}

/// An action of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// Its name without prefix, as the service spells it.
    pub name: Box<str>,
    /// The access level, if it is known.
    pub access: Option<AccessLevel>,
    /// The resource types that it acts on; with none, its resource is `*`.
    pub resources: Vec<Box<str>>,
    /// The condition keys that it brings, beside those of its resources.
    pub keys: Vec<Box<str>>,
}

/// The access level of an action. Each action has one level: the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessLevel {
    /// Lists resources, without their content.
    List,
    /// Reads the content of resources.
    Read,
    /// Creates, changes or deletes resources.
    Write,
    /// Changes tags only.
    Tagging,
    /// Changes permissions.
    PermissionsManagement,
}

impl AccessLevel {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::List, Self::Read, Self::Write, Self::Tagging, Self::PermissionsManagement];

    /// `List`, `Read`, `Write`, `Tagging`, `Permissions management`: as AWS's service authorization reference has them.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "List",
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Tagging => "Tagging",
            Self::PermissionsManagement => "Permissions management",
        }
    }

    /// The level of that name; case counts.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }
}

/// A type of resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceType {
    /// Its name within the service.
    pub name: Box<str>,
    /// Its ARNs, with placeholders: `arn:${Partition}:iam::${Account}:user/${UserNameWithPath}`.
    pub arns: Vec<Box<str>>,
    /// The condition keys that every action on it brings.
    pub keys: Vec<Box<str>>,
}

/// A condition key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionKey {
    /// Its name; a tag key ends in `/${TagKey}`.
    pub name: Box<str>,
    /// The type of its values.
    pub family: Family,
    /// Whether a request may bring several values at once.
    pub multivalued: bool,
}

static BUILTIN: LazyLock<Catalogue> = LazyLock::new(|| {
    // The text is part of the crate, and the tests parse it.
    match Catalogue::parse(include_str!("../data/catalogue.json")) {
        Ok(catalogue) => catalogue,
        Err(error) => panic!("the built-in catalogue is invalid: {error}"),
    }
});

impl Catalogue {
    /// Returns the built-in catalogue: `iam`, `sts`, `bailiwick` and the global keys.
    #[must_use]
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// The services, by prefix.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.values().map(|service| &**service)
    }

    /// The service of that prefix, in any case.
    #[must_use]
    pub fn service(&self, prefix: &str) -> Option<&Service> {
        self.services.get(&*prefix.to_ascii_lowercase()).map(|service| &**service)
    }

    /// Adds a service, or replaces the one of its prefix.
    pub fn insert(&mut self, mut service: Service) {
        service.prefix = service.prefix.to_ascii_lowercase().into();
        self.services.insert(service.prefix.clone(), Arc::new(service));
    }

    /// Removes a service.
    pub fn remove(&mut self, prefix: &str) -> Option<Service> {
        self.services.remove(&*prefix.to_ascii_lowercase()).map(Arc::unwrap_or_clone)
    }

    /// Adds the entries of another catalogue. For entries in both, the other catalogue's replace ours.
    pub fn merge(&mut self, other: Self) {
        self.complete |= other.complete;
        self.services.extend(other.services);
        self.global_keys.extend(other.global_keys);
    }

    /// The keys of no service.
    pub fn global_keys(&self) -> impl Iterator<Item = &ConditionKey> {
        self.global_keys.values()
    }

    /// The condition key of that name, in any case: `aws:PrincipalTag/team` finds `aws:PrincipalTag/${TagKey}`.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&ConditionKey> {
        let name = key_id(name);
        let own = name.split_once(':').and_then(|(prefix, _)| self.services.get(prefix)?.keys.get(&*name));
        own.or_else(|| self.global_keys.get(&*name))
            .or_else(|| self.services.values().find_map(|service| service.keys.get(&*name)))
    }
}

impl Service {
    /// A service without actions.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_ascii_lowercase().into(), ..Self::default() }
    }

    /// Its actions, by name.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.actions.values()
    }

    /// The action of that name, in any case.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&Action> {
        self.actions.get(&*name.to_ascii_lowercase())
    }

    /// Adds an action, or replaces the one of its name.
    pub fn insert_action(&mut self, action: Action) {
        self.actions.insert(action.name.to_ascii_lowercase().into(), action);
    }

    /// Its resource types, by name.
    pub fn resources(&self) -> impl Iterator<Item = &ResourceType> {
        self.resources.values()
    }

    /// The resource type of that name.
    #[must_use]
    pub fn resource(&self, name: &str) -> Option<&ResourceType> {
        self.resources.get(name)
    }

    /// Adds a resource type, or replaces the one of its name.
    pub fn insert_resource(&mut self, resource: ResourceType) {
        self.resources.insert(resource.name.clone(), resource);
    }

    /// Its own condition keys, by name.
    pub fn keys(&self) -> impl Iterator<Item = &ConditionKey> {
        self.keys.values()
    }

    /// Adds a condition key, or replaces the one of its name.
    pub fn insert_key(&mut self, key: ConditionKey) {
        self.keys.insert(key_id(&key.name).into(), key);
    }

    /// Returns whether the pattern (without prefix) matches any of the actions.
    pub(crate) fn has_action(&self, pattern: &str, steps: &Steps) -> bool {
        let pattern = pattern.to_ascii_lowercase();
        // Only names with the literal prefix of the pattern are compared.
        let literal = pattern.find(['*', '?']).map_or(&*pattern, |at| &pattern[..at]);
        let from = self.actions.range::<str, _>((Bound::Included(literal), Bound::Unbounded));
        let mut names = from.map(|(name, _)| name).take_while(|name| name.starts_with(literal));
        names.any(|name| steps.matches(&pattern, name))
    }

    /// Whether a request for this action may bring this key.
    pub(crate) fn brings(&self, action: &Action, key: &str) -> bool {
        let wanted = key_id(key);
        let of_resources = action.resources.iter().filter_map(|name| self.resources.get(name));
        let keys = action.keys.iter().chain(of_resources.flat_map(|resource| &resource.keys));
        keys.into_iter().any(|name| key_id(name) == wanted)
    }
}

impl ResourceType {
    /// Returns whether an ARN, without wildcards, is of this resource type. Placeholders match non-empty text.
    #[must_use]
    pub fn fits(&self, arn: &str) -> bool {
        let parts = |text: &str| -> Option<[String; 6]> {
            let parts: Vec<String> = text.splitn(6, ':').map(str::to_owned).collect();
            parts.try_into().ok()
        };
        let Some(wanted) = parts(arn) else { return false };
        self.arns.iter().any(|format| {
            let pattern = placeholders_to(format, "?*");
            parts(&pattern).is_some_and(|parts| parts.iter().zip(&wanted).all(|(part, text)| glob::matches(part, text)))
        })
    }

    /// Its ARNs as patterns.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = String> {
        self.arns.iter().map(|arn| placeholders_to_stars(arn))
    }
}

/// A key's name in lower case, with what follows the first slash put as `${tagkey}`, unless the key is of the web
/// identity kind, where the slash belongs to the provider's host and path.
fn key_id(name: &str) -> String {
    let mut name = name.to_ascii_lowercase();
    let (colon, slash) = (name.find(':'), name.find('/'));
    if let (Some(colon), Some(slash)) = (colon, slash)
        && colon < slash
    {
        name.truncate(slash);
        name.push_str("/${tagkey}");
    }
    name
}

/// `${Anything}` becomes `*`.
pub(crate) fn placeholders_to_stars(text: &str) -> String {
    placeholders_to(text, "*")
}

fn placeholders_to(text: &str, wildcard: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        pattern.push_str(before);
        pattern.push_str(wildcard);
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    pattern.push_str(rest);
    pattern
}

#[cfg(test)]
mod tests;
