//! The services that policies allow, and their actions.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_model::{IamError, Result};
use bailiwick_policy_lang::{Catalogue, Document, Effect};
use bailiwick_storage::Tx;

use crate::policies::granting_access::grants;

/// The services that there are: the built-in and the registered ones, by prefix.
pub(super) async fn known_services(tx: &Tx) -> Result<BTreeSet<String>> {
    let mut known: BTreeSet<String> =
        Catalogue::builtin().services().map(|service| service.prefix.to_string()).collect();
    known.extend(tx.list_services(None, usize::MAX).await?.items.into_iter().map(|service| service.prefix));
    Ok(known)
}

/// The services of which the documents allow an action, by prefix: those that there are, and others that a document names.
pub(super) async fn allowed_services(tx: &Tx, documents: &[Document]) -> Result<Vec<String>> {
    let mut services = known_services(tx).await?;
    for statement in documents.iter().flat_map(|document| &document.statements) {
        if !statement.action.negated {
            let named = statement.action.patterns.iter().filter_map(|pattern| pattern.value.split_once(':'));
            services.extend(named.map(|(prefix, _)| prefix.to_ascii_lowercase()));
        }
    }
    services.retain(|service| {
        documents.iter().any(|document| document.statements.iter().any(|statement| grants(statement, service)))
    });
    Ok(services.into_iter().collect())
}

/// The actions of each service that there is and that the documents allow, by the prefix of the service.
pub(super) async fn allowed_actions(tx: &Tx, documents: &[Document]) -> Result<BTreeMap<String, Vec<String>>> {
    let mut catalogues = vec![Catalogue::builtin().clone()];
    for service in tx.list_services(None, usize::MAX).await?.items {
        catalogues.push(Catalogue::parse(&service.definition).map_err(IamError::internal)?);
    }
    let allowed = |action: &str| {
        let statements = documents.iter().flat_map(|document| &document.statements);
        statements
            .filter(|statement| statement.effect == Effect::Allow)
            .any(|statement| statement.action.covers(action))
    };
    let services = catalogues.iter().flat_map(Catalogue::services);
    Ok(services
        .map(|service| {
            let names = service.actions().map(|action| action.name.to_string());
            let names = names.filter(|name| allowed(&format!("{}:{name}", service.prefix)));
            (service.prefix.to_string(), names.collect())
        })
        .collect())
}
