//! The definition of a service that is registered.

use bailiwick_model::Result;
use bailiwick_policy_lang::{Catalogue, catalogue};

use super::invalid;

/// Parses a definition: a catalogue of this service and nothing else.
pub(super) fn parse_definition(prefix: &str, text: &str) -> Result<catalogue::Service> {
    let refuse = |message: String| Err(invalid("definition", message));
    let builtin = Catalogue::builtin();
    if prefix == "aws" || builtin.service(prefix).is_some() {
        return Err(invalid("servicePrefix", format!("the prefix `{prefix}` is Bailiwick's own")));
    }
    let catalogue = match Catalogue::parse(text) {
        Ok(catalogue) => catalogue,
        Err(error) => return refuse(format!("`definition` is not a catalogue: {error}")),
    };
    if catalogue.complete || catalogue.global_keys().next().is_some() {
        return refuse("`definition` may hold one service, and neither `complete` nor global `keys`".into());
    }
    let mut services = catalogue.services();
    let service = match (services.next(), services.next()) {
        (Some(service), None) if *service.prefix == *prefix => service,
        _ => return refuse(format!("`definition` must hold the service `{prefix}` and no other")),
    };
    if service.actors.is_some() {
        return refuse(
            "the principals that may act as the service belong in `principalArns`, not in `actors` of `definition`"
                .into(),
        );
    }
    for (index, name) in service.principals.iter().enumerate() {
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.' || byte == b'-';
        if name.is_empty() || name.len() > 128 || !name.contains('.') || !name.bytes().all(good) {
            return refuse(format!("`{name}` is not the name of a service principal, such as `photos.example.com`"));
        }
        if service.principals[..index].contains(name) {
            return refuse(format!("the service principal `{name}` occurs twice"));
        }
        if builtin.services().any(|service| service.principals.contains(name)) {
            return refuse(format!("the service principal `{name}` is Bailiwick's own"));
        }
    }
    for name in &service.signing_names {
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(good) {
            return refuse(format!("`{name}` is not a name that requests can be signed for, such as `photos`"));
        }
        if builtin.service(name).is_some() {
            return refuse(format!("requests that are signed for `{name}` are Bailiwick's own"));
        }
    }
    let own = |key: &str| key.split_once(':').is_some_and(|(before, _)| before.eq_ignore_ascii_case(prefix));
    if let Some(key) = service.keys().find(|key| !own(&key.name)) {
        return refuse(format!(
            "the condition key `{}` is not the service's own, whose keys begin with `{prefix}:`",
            key.name
        ));
    }
    let known = |key: &str| catalogue.key(key).is_some() || !own(key) && builtin.key(key).is_some();
    let keys = service.actions().flat_map(|action| &action.keys);
    let mut keys = keys.chain(service.resources().flat_map(|resource| &resource.keys));
    match keys.find(|key| !known(key)) {
        Some(key) => refuse(format!("the condition key `{key}` is named and not defined")),
        None => Ok(service.clone()),
    }
}
