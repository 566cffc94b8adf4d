//! The name of a catalogue that a misspelt one was probably meant to be.

use std::collections::BTreeSet;

use super::{Action, Catalogue, Service};
use crate::suggest::nearest;

impl Catalogue {
    /// The action, with its prefix, that an unknown action was probably meant to be: one of the same service with
    /// nearly that name, or one of another service with exactly that name.
    ///
    /// ```
    /// # use bailiwick_policy_lang::Catalogue;
    /// let catalogue = Catalogue::builtin();
    /// assert_eq!(catalogue.nearest_action("iam:CreatUser").as_deref(), Some("iam:CreateUser"));
    /// assert_eq!(catalogue.nearest_action("iam:Lsit*").as_deref(), Some("iam:List*"));
    /// assert_eq!(catalogue.nearest_action("sts:CreateUser").as_deref(), Some("iam:CreateUser"));
    /// assert_eq!(catalogue.nearest_action("ima:CreateUser").as_deref(), Some("iam:CreateUser"));
    /// ```
    #[must_use]
    pub fn nearest_action(&self, action: &str) -> Option<String> {
        let (prefix, name) = action.split_once(':')?;
        let Some(service) = self.service(prefix) else {
            let service = self.service(self.nearest_service(prefix, Some(name))?)?;
            return Some(format!("{}:{}", service.prefix, service.action(name)?.name));
        };
        let own = match name.split_once(['*', '?']) {
            None => nearest(name, service.actions().map(|action| &*action.name)).map(str::to_owned),
            Some((head, "")) => beginning(service, head).map(|begin| format!("{begin}*")),
            Some(_) => None,
        };
        if let Some(near) = own {
            return Some(format!("{}:{near}", service.prefix));
        }
        let elsewhere = self.services().find_map(|other| Some((other, other.action(name)?)));
        elsewhere.map(|(other, Action { name, .. })| format!("{}:{name}", other.prefix))
    }

    /// The prefix that an unknown one was probably meant to be; if an action is given, of the services that have it.
    #[must_use]
    pub fn nearest_service(&self, prefix: &str, action: Option<&str>) -> Option<&str> {
        let fits = |service: &&Service| action.is_none_or(|name| service.action(name).is_some());
        nearest(prefix, self.services().filter(fits).map(|service| &*service.prefix))
    }

    /// The condition key that an unknown one was probably meant to be: of the same service, or a global one; with an
    /// unknown prefix, the one of nearly that prefix.
    ///
    /// ```
    /// # use bailiwick_policy_lang::Catalogue;
    /// let catalogue = Catalogue::builtin();
    /// assert_eq!(catalogue.nearest_key("aws:SourcIp").as_deref(), Some("aws:SourceIp"));
    /// assert_eq!(catalogue.nearest_key("aws:RequestTags/team").as_deref(), Some("aws:RequestTag/team"));
    /// assert_eq!(catalogue.nearest_key("asw:SourceIp").as_deref(), Some("aws:SourceIp"));
    /// ```
    #[must_use]
    pub fn nearest_key(&self, key: &str) -> Option<String> {
        let (own, tag) = key.split_once('/').map_or((key, None), |(own, tag)| (own, Some(tag)));
        let (prefix, name) = key.split_once(':')?;
        let service = self.service(prefix);
        if service.is_none() && !prefix.eq_ignore_ascii_case("aws") {
            // Of another service nothing is known, so all but the prefix has to be right.
            let prefixes = self.services().map(|service| &*service.prefix).chain(["aws"]);
            let meant = format!("{}:{name}", nearest(prefix, prefixes)?);
            return self.key(&meant).map(|_| meant);
        }
        let keys = service.into_iter().flat_map(Service::keys).chain(self.global_keys());
        // Keys with a tag are compared with keys that have one.
        let heads = keys.filter_map(|key| match (key.name.split_once('/'), tag) {
            (Some((head, _)), Some(_)) => Some(head),
            (None, None) => Some(&*key.name),
            _ => None,
        });
        let near = nearest(own, heads)?;
        Some(tag.map_or_else(|| near.to_owned(), |tag| format!("{near}/{tag}")))
    }

    /// How many names are compared at most to find one like this.
    pub(crate) fn names_like(&self, name: &str) -> usize {
        let service = name.split_once(':').and_then(|(prefix, _)| self.service(prefix));
        let own = service.map_or(0, |service| 4 * service.actions.len() + service.keys.len());
        self.global_keys.len() + self.services.len() + own
    }
}

/// The first words of action names that a misspelt beginning was probably meant to be: `List` for `Lsit`.
fn beginning<'a>(service: &'a Service, head: &str) -> Option<&'a str> {
    let words = |name: &'a str| {
        let ends = name.char_indices().skip(1).filter(|(_, c)| c.is_ascii_uppercase()).map(|(at, _)| at);
        ends.map(move |at| &name[..at])
    };
    let beginnings: BTreeSet<&str> = service.actions().flat_map(|action| words(&action.name)).collect();
    nearest(head, beginnings)
}
