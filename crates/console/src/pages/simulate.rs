//! The simulator: what policies decide about several actions and resources, by SimulatePrincipalPolicy, and by
//! SimulateCustomPolicy if no principal is named. A form of a POST, since documents are too long for an address.

use bailiwick_api::iam::{
    EvaluationResult, PermissionsBoundaryDecisionDetail, Position, ResourceSpecificResult, SimulateCustomPolicyRequest,
    SimulatePrincipalPolicyRequest, Statement,
};
use bailiwick_api::op;
use http::StatusCode;

use crate::form::Form;
use crate::pages::access::context;
use crate::pages::rows;
use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::view::{Cell, Change, DetailPage, Field, Problem, Section};

/// The line between two policies of a field.
const SEPARATOR: &str = "---";
/// How many results are shown.
const SHOWN: Option<i32> = Some(1000);

/// Answers `/console/simulate`. The address may name the principal.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    let result = match person.asked() {
        "simulate" => Some(simulate(person).await),
        "" if !person.is_post() => None,
        _ => return Err(person.unknown_change()),
    };
    let (results, error) = match result {
        None => (None, None),
        Some(Ok(results)) => (Some(results), None),
        Some(Err(error)) => (None, Some(error)),
    };
    let page = DetailPage {
        chrome: person.chrome("Simulator"),
        back: ("/console", "Home"),
        problem: error.as_ref().map(Problem::new),
        facts: person.facts(Vec::new()),
        changes: vec![form(person)],
        sections: results.map(|results| section(person, results)).into_iter().collect(),
        documents: Vec::new(),
        destroying: Vec::new(),
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

fn form(person: &Person<'_>) -> Change {
    let several = "JSON. Several policies are separated by a line with three hyphens.";
    let fields = vec![
        Field::line("principal", "Principal", 2048)
            .with(person.query().typed("principal"))
            .hint("The ARN of a user, group or role. Empty: the policies below alone."),
        Field::lines("actions", "Actions").required().hint("One in each line, such as s3:GetObject."),
        Field::lines("resources", "Resources").hint("One ARN in each line. Empty: all resources."),
        Field::lines("policies", "Policies that are tried").hint(several),
        Field::lines("boundary", "Permissions boundary that is tried")
            .hint("JSON. With a principal: in place of its own."),
        Field::lines("resource_policy", "Policy of the resource").hint("JSON. The principal is then the caller."),
        Field::line("caller", "Caller", 2048)
            .hint("The ARN of the user that asks the resource, if it is not the principal."),
        Field::line("owner", "Owner of the resource", 2048)
            .hint("The account, such as arn:aws:iam::111122223333:root."),
        Field::lines("context", "Context keys")
            .hint("One KEY=VALUE in each line, such as aws:SourceIp=10.0.0.1,ip. A text if no type follows."),
    ];
    let about = "What policies would decide. Nothing is changed, and no request of the service is made.";
    let mut change = person.change("Simulate", "simulate", fields).about(about);
    change.is_open = true;
    change
}

/// The lines of a field that are not empty.
fn lines(form: &Form, name: &str) -> Vec<String> {
    form.raw(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The policies of a field, with their lines as typed: positions of statements count them.
fn documents(form: &Form, name: &str) -> Vec<String> {
    let text = form.raw(name).replace("\r\n", "\n");
    let parts = text.split_inclusive('\n').fold(vec![String::new()], |mut parts, line| {
        if line.trim() == SEPARATOR {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push_str(line);
        }
        parts
    });
    parts.into_iter().filter(|part| !part.trim().is_empty()).collect()
}

/// What the simulation answered.
struct Results {
    results: Vec<EvaluationResult>,
    is_truncated: bool,
}

async fn simulate(person: &Person<'_>) -> Called<Results> {
    let form = person.form();
    let context_entries = context::simulated(form.raw("context")).map_err(|error| person.failure(error))?;
    let (policy_input_list, action_names) = (documents(form, "policies"), lines(form, "actions"));
    let permissions_boundary_policy_input_list = documents(form, "boundary");
    let (resource_arns, resource_policy) = (lines(form, "resources"), form.text("resource_policy"));
    let (caller_arn, resource_owner) = (form.text("caller"), form.text("owner"));
    match form.text("principal") {
        Some(principal) => {
            let asked = SimulatePrincipalPolicyRequest {
                policy_source_arn: Some(principal),
                policy_input_list,
                permissions_boundary_policy_input_list,
                action_names,
                resource_arns,
                resource_policy,
                resource_owner,
                caller_arn,
                context_entries,
                max_items: SHOWN,
                ..Default::default()
            };
            let answer = person.call::<op::SimulatePrincipalPolicy>(asked).await?;
            let is_truncated = answer.is_truncated.unwrap_or_default();
            Ok(Results { results: answer.evaluation_results, is_truncated })
        }
        None => {
            let asked = SimulateCustomPolicyRequest {
                policy_input_list,
                permissions_boundary_policy_input_list,
                action_names,
                resource_arns,
                resource_policy,
                resource_owner,
                caller_arn,
                context_entries,
                max_items: SHOWN,
                ..Default::default()
            };
            let answer = person.call::<op::SimulateCustomPolicy>(asked).await?;
            let is_truncated = answer.is_truncated.unwrap_or_default();
            Ok(Results { results: answer.evaluation_results, is_truncated })
        }
    }
}

fn section(person: &Person<'_>, results: Results) -> Section {
    let title = if results.is_truncated { "The first 1,000 results" } else { "Results" };
    let columns = ["Action", "Resource", "Decision", "Statements that decided", "Missing context keys", "Limits"];
    let table = person.table(title, &columns, "No result.");
    Section::new(title, rows(table, Ok(results.results.into_iter().flat_map(rows_of).collect())))
}

/// The rows of an action: one for each resource, if several were asked about.
fn rows_of(result: EvaluationResult) -> Vec<Vec<Cell>> {
    let action = result.eval_action_name.unwrap_or_default();
    let organizations = result.organizations_decision_detail.and_then(|own| own.allowed_by_organizations);
    if result.resource_specific_results.is_empty() {
        let own = Decided {
            resource: result.eval_resource_name,
            decision: result.eval_decision,
            statements: result.matched_statements,
            missing: result.missing_context_values,
            boundary: result.permissions_boundary_decision_detail,
        };
        return vec![own.row(&action, organizations)];
    }
    let each = |own: ResourceSpecificResult| Decided {
        resource: own.eval_resource_name,
        decision: own.eval_resource_decision,
        statements: own.matched_statements,
        missing: own.missing_context_values,
        boundary: own.permissions_boundary_decision_detail,
    };
    result.resource_specific_results.into_iter().map(|own| each(own).row(&action, organizations)).collect()
}

/// What was decided about one resource.
struct Decided {
    resource: Option<String>,
    decision: Option<String>,
    statements: Vec<Statement>,
    missing: Vec<String>,
    boundary: Option<PermissionsBoundaryDecisionDetail>,
}

impl Decided {
    fn row(self, action: &str, organizations: Option<bool>) -> Vec<Cell> {
        let decision = match self.decision.as_deref() {
            Some("allowed") => Cell::badge("good", "allowed"),
            Some("explicitDeny") => Cell::badge("bad", "explicit deny"),
            _ => Cell::badge("warn", "implicit deny"),
        };
        let statements: Vec<_> = self.statements.iter().map(statement).collect();
        let mut limits = Vec::new();
        if self.boundary.is_some_and(|own| own.allowed_by_permissions_boundary == Some(false)) {
            limits.push("the permissions boundary does not allow it");
        }
        if organizations == Some(false) {
            limits.push("the organization does not allow it");
        }
        vec![
            Cell::text(action.to_owned()),
            Cell::Code(self.resource.unwrap_or_default()),
            decision,
            Cell::text(statements.join("; ")),
            Cell::text(self.missing.join(", ")),
            Cell::text(limits.join("; ")),
        ]
    }
}

/// A statement by its policy and its lines.
fn statement(statement: &Statement) -> String {
    let line = |position: Option<&Position>| position.and_then(|position| position.line);
    let policy = statement.source_policy_id.as_deref().unwrap_or("policy");
    match (line(statement.start_position.as_ref()), line(statement.end_position.as_ref())) {
        (Some(start), Some(end)) if start != end => format!("{policy}, lines {start} to {end}"),
        (Some(start), _) => format!("{policy}, line {start}"),
        _ => policy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_separated_by_hyphens() {
        let form = |text: &str| {
            let encoded: String = form_urlencoded::Serializer::new(String::new()).append_pair("p", text).finish();
            documents(&Form::parse(encoded.as_bytes()).unwrap(), "p")
        };
        assert_eq!(form(""), Vec::<String>::new());
        assert_eq!(form("{}\r\n---\r\n\n{\n}"), ["{}\n", "\n{\n}"]);
        assert_eq!(form("---\n{\"a\": \"---\"}\n--- \n"), ["{\"a\": \"---\"}\n"]);
    }
}
