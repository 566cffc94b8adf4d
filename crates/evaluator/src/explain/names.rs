//! Checks of names against the catalogue: a misspelled name is the most common cause of a denial.

use std::fmt::Write;

use bailiwick_policy_lang::catalogue::{Action, Catalogue, ResourceType, Service};

use super::layout::{Quoted, row};
use super::{Actual, Explanation, Failure};

impl Explanation<'_> {
    /// Adds notes for an unknown action; of a denied request also for a resource that the action does not act on, and for
    /// unknown condition keys of statements.
    ///
    /// The names of a service that the catalogue does not have are not judged, unless it has others of the
    /// deployment's own, beside the built-in ones.
    pub fn check_names(&mut self, catalogue: &Catalogue) {
        let Some((prefix, name)) = self.action.split_once(':') else { return };
        let mut notes = Vec::new();
        match catalogue.service(prefix) {
            None => notes.extend(unknown_service(catalogue, prefix, name, self.decision.is_allowed())),
            Some(service) => match service.action(name) {
                None => {
                    let near = catalogue.nearest_action(self.action);
                    if let Some(near) = &near {
                        self.suggest_for(near);
                    }
                    notes.push(unknown_action(service, self.action, near));
                }
                Some(_) if self.decision.is_allowed() => {}
                Some(action) => {
                    notes.extend(self.resource_note(service, action));
                    for key in self.missing_keys() {
                        notes.extend(key_note(catalogue, service, action, &key));
                    }
                }
            },
        }
        self.notes.extend(notes);
    }

    /// Replaces the action in all suggestions: a statement about an action that does not exist allows nothing.
    fn suggest_for(&mut self, action: &str) {
        let (asked, meant) = (format!("\"Action\": \"{}\"", self.action), format!("\"Action\": \"{action}\""));
        for suggestion in &mut self.suggestions {
            suggestion.statement = suggestion.statement.replace(&asked, &meant);
        }
    }

    /// The keys that near misses asked for and the request does not have, each once, nearest first.
    #[must_use]
    pub fn missing_keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        let failures = self.near_misses.iter().flat_map(|miss| std::iter::once(&miss.failure).chain(&miss.also));
        for failure in failures {
            if let Failure::Condition { key, actual: Actual::Absent, .. } = failure
                && !keys.iter().any(|known| known.eq_ignore_ascii_case(key))
            {
                keys.push(key.to_string());
            }
        }
        keys
    }

    fn resource_note(&self, service: &Service, action: &Action) -> Option<String> {
        let asked = Quoted(self.action);
        let types: Vec<&ResourceType> = action.resources.iter().filter_map(|name| service.resource(name)).collect();
        let arns: Vec<String> = types.iter().flat_map(|one| &one.arns).map(|arn| Quoted(arn).to_string()).collect();
        if arns.is_empty() {
            let is_odd = self.resource != "*" && action.resources.is_empty();
            return is_odd.then(|| format!("{asked} acts on no resource of its own: it is asked for on `*`."));
        }
        if self.resource == "*" {
            let misses = self.near_misses.iter().any(|miss| matches!(miss.failure, Failure::Resource { .. }));
            return misses.then(|| format!("{asked} was asked for on `*`, though it acts on {}.", row(&arns, "or")));
        }
        let fits = types.iter().any(|one| one.fits(self.resource));
        (!fits).then(|| format!("{asked} acts on {}, and the resource is nothing like it.", row(&arns, "or")))
    }
}

fn unknown_service(catalogue: &Catalogue, prefix: &str, name: &str, is_allowed: bool) -> Option<String> {
    let is_own = |service: &Service| Catalogue::builtin().service(&service.prefix).is_none();
    // A service with this action is more likely than a service with a similar name.
    let like = catalogue.nearest_action(&format!("{prefix}:{name}"));
    if like.is_none() && (is_allowed || !catalogue.services().any(is_own)) {
        return None;
    }
    Some(format!("No service with the prefix {} is registered.{}", Quoted(prefix), did_you_mean(like)))
}

fn unknown_action(service: &Service, asked: &str, near: Option<String>) -> String {
    format!("{} is not an action of {}.{}", Quoted(asked), Quoted(&service.prefix), did_you_mean(near))
}

fn key_note(catalogue: &Catalogue, service: &Service, action: &Action, key: &str) -> Option<String> {
    let (prefix, _) = key.split_once(':')?;
    let of_service = prefix.eq_ignore_ascii_case(&service.prefix);
    let Some(known) = catalogue.key(key) else {
        if !of_service && !prefix.eq_ignore_ascii_case("aws") {
            return None;
        }
        let near = catalogue.nearest_key(key);
        return Some(format!("{} is not a known condition key.{}", Quoted(key), did_you_mean(near)));
    };
    let of_resources = action.resources.iter().filter_map(|name| service.resource(name)).flat_map(|one| &one.keys);
    let mut brought = action.keys.iter().chain(of_resources).filter_map(|name| catalogue.key(name));
    let never = of_service && !brought.any(|one| one == known);
    never.then(|| {
        let action = format!("{}:{}", service.prefix, action.name);
        format!("{} does not come with {}.", Quoted(&known.name), Quoted(&action))
    })
}

fn did_you_mean(near: Option<String>) -> String {
    let mut out = String::new();
    if let Some(near) = near {
        let _ = write!(out, " Did you mean {}?", Quoted(&near));
    }
    out
}
