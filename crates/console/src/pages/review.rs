//! Access reviews: who may perform an action, and what a principal may do. Their addresses can be shared.

pub(super) mod what_can;
pub(super) mod who_can;

use bailiwick_api::authz::{Grant, PartialGrant, StatementRef, Step};

use crate::view::{Cell, link_of_arn};

/// The columns about a statement.
const POLICY: &str = "Policy";
const STATEMENT: &str = "Statement";
const HOLDER: &str = "Of";
/// The columns about what a decision depends on.
const DEPENDS: &str = "Depends on";
const RESOURCES: &str = "Resources";

/// The cells of a grant: policy, statement, holder, keys.
fn grant_cells(grant: Option<Grant>) -> [Cell; 4] {
    let grant = grant.unwrap_or_default();
    let without = match grant.step() {
        Step::Root => "root user",
        Step::Exception => "needs no permission",
        _ => "not shown",
    };
    let [policy, statement, holder] = statement_cells(grant.statement.as_ref(), without);
    [policy, statement, holder, Cell::text(grant.context_keys.join(", "))]
}

/// The cells of a partial grant: policy, statement, holder, resources, keys.
fn partial_cells(grant: Option<PartialGrant>) -> [Cell; 5] {
    let grant = grant.unwrap_or_default();
    let [policy, statement, holder] = statement_cells(grant.statement.as_ref(), "not shown");
    let resources = grant.resources.join(", ");
    let resources = if grant.not_resource { format!("all but {resources}") } else { resources };
    [policy, statement, holder, Cell::text(resources), Cell::text(grant.context_keys.join(", "))]
}

fn statement_cells(statement: Option<&StatementRef>, without: &str) -> [Cell; 3] {
    let Some(at) = statement else { return [Cell::text(without.to_owned()), Cell::text(None), Cell::text(None)] };
    let policy = match at.policy.as_str() {
        "" => Cell::text("policy of the resource".to_owned()),
        arn if arn.contains(":policy/") => link_of_arn(arn),
        own if own == at.attached_to => Cell::text("own policy".to_owned()),
        name => Cell::text(name.to_owned()),
    };
    let number = at.index.saturating_add(1);
    let label = match &at.sid {
        Some(sid) => format!("{number}, {sid}"),
        None => number.to_string(),
    };
    [policy, Cell::Text(label), link_of_arn(&at.attached_to)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(cells: &[Cell]) -> Vec<String> {
        let shown = |cell: &Cell| match cell {
            Cell::Text(text) | Cell::Code(text) => text.clone(),
            Cell::Link { url, text } => format!("{text} {url}"),
            _ => String::new(),
        };
        cells.iter().map(shown).collect()
    }

    #[test]
    fn grants_become_cells() {
        let statement = |policy: &str, attached_to: &str| {
            let (policy, attached_to) = (policy.to_owned(), attached_to.to_owned());
            Some(StatementRef { policy, attached_to, index: 1, sid: Some("Read".into()), ..StatementRef::default() })
        };
        let of = |statement| {
            shown(&grant_cells(Some(Grant { statement, context_keys: vec!["a".into()], ..Grant::default() })))
        };
        let ana = "arn:aws:iam::111122223333:user/ana";
        assert_eq!(of(statement("inline", ana)), ["inline", "2, Read", "ana /console/users/user?name=ana", "a"]);
        let managed = of(statement("arn:aws:iam::aws:policy/Reader", ana));
        assert_eq!(managed[0], "Reader /console/policies/policy?arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReader");
        let role = "arn:aws:iam::111122223333:role/ci";
        assert_eq!(of(statement(role, role))[..2], ["own policy", "2, Read"]);
        let root = Grant { step: Step::Root.into(), ..Grant::default() };
        assert_eq!(shown(&grant_cells(Some(root))), ["root user", "–", "–", "–"]);
        let partial = PartialGrant {
            statement: statement("inline", ana),
            resources: vec!["x".into(), "y".into()],
            not_resource: true,
            context_keys: Vec::new(),
        };
        assert_eq!(shown(&partial_cells(Some(partial)))[3..], ["all but x, y", "–"]);
    }
}
