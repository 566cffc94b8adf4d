//! Access reviews: who may perform an action, and what a principal may do.
//!
//! `principals` lists the principals of an account as subjects of decisions, `examine` decides about one of them and says
//! what the decision depends on, and `page` bounds the work of an answer.

mod examine;
mod page;
mod principals;
#[cfg(test)]
mod tests;
mod what_can;
mod who_can;

use bailiwick_policy_lang::Catalogue;

/// Whether an action may act on resources. That of an unknown action may.
fn has_resources(catalogue: &Catalogue, action: &str) -> bool {
    let (prefix, name) = action.split_once(':').unwrap_or((action, ""));
    let known = catalogue.service(prefix).and_then(|service| service.action(name));
    known.is_none_or(|action| !action.resources.is_empty())
}
