//! The list of policies.

use bailiwick_api::iam::{ListPoliciesRequest, Policy};
use bailiwick_api::op;

use crate::lists::Listed;
use crate::pages::list::{By, Listing, Noun, Part, compact, seconds};
use crate::pages::policies::is_built_in;
use crate::person::Person;
use crate::view::Cell;

/// The managed policies of the account. The built-in ones are many, and would come first: only a search finds them too.
pub(in crate::pages) struct Policies;

impl Noun for Policies {
    const TITLE: &'static str = "Policies";
    const PATH: &'static str = "policies";
    const ABOUT: &'static str =
        "Managed policies of this account. A search finds the built-in ones as well: / finds all.";
    const EMPTY: &'static str = "No policy of this account. A search also finds the built-in ones.";
    const CREATE: (&'static str, &'static str) = ("/console/policies/create", "Create a policy");
    const COLUMNS: &'static [(&'static str, Option<By>)] =
        &[("Policy", Some(By::Name)), ("Owner", None), ("Attached", Some(By::Count)), ("Changed", Some(By::Created))];

    fn kept_as(is_search: bool) -> &'static str {
        if is_search { "all policies" } else { "policies" }
    }

    fn read<'a>(person: &'a Person<'a>, Part { path_prefix, marker, max_items, is_search }: Part) -> Listing<'a> {
        let item = |policy: Policy| Listed {
            name: compact(policy.policy_name),
            path: compact(policy.path),
            about: compact(policy.arn),
            created: seconds(policy.update_date.as_ref()).unwrap_or_default(),
            count: policy.attachment_count.unwrap_or_default(),
            ..Listed::default()
        };
        let scope = (!is_search).then(|| "Local".to_owned());
        let asked = ListPoliciesRequest { scope, path_prefix, marker, max_items, ..Default::default() };
        let listed = person.call::<op::ListPolicies>(asked);
        Box::pin(
            async move { listed.await.map(|listed| (listed.policies.into_iter().map(item).collect(), listed.marker)) },
        )
    }

    fn cells(person: &Person<'_>, item: &Listed) -> Vec<Cell> {
        let owner = if is_built_in(&item.about) { "built in" } else { "this account" };
        vec![
            Cell::link("policies/policy", "arn", &item.about, &*item.name),
            Cell::text(owner.to_owned()),
            Cell::text(item.count.to_string()),
            person.time_cell(Some(item.created)),
        ]
    }
}
