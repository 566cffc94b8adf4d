//! The text of a denial.

use std::fmt::Write as _;

use bailiwick_operation::{ContextText, Evaluation, LayerCheck};

use super::Denial;

/// Headings of AWS's `CheckType`s.
const LAYERS: [(&str, &str); 7] = [
    ("RESOURCE_CONTROL_POLICY", "resource control policies"),
    ("SERVICE_CONTROL_POLICY", "service control policies"),
    ("VPC_ENDPOINT", "endpoint policy"),
    ("RESOURCE", "resource-based policy"),
    ("PRINCIPAL", "identity-based policies"),
    ("PERMISSIONS_BOUNDARY", "permissions boundary"),
    ("SESSION", "session policies"),
];

pub(super) fn of(denial: &Denial) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut out, denial);
    out
}

fn write(out: &mut String, denial: &Denial) -> std::fmt::Result {
    writeln!(out, "Request {} of {}: {}", denial.authorization_id, denial.time, denial.operation)?;
    writeln!(out)?;
    match &denial.details.text {
        Some(text) => writeln!(out, "{}", text.trim_end())?,
        None => verdicts(out, denial)?,
    }
    section(out, "Context of the request", &denial.details.request_context)?;
    if let Some(last) = denial.details.evaluations.last() {
        section(out, "Context of the denied action", &last.context)?;
    }
    let kept: Vec<_> = denial.details.policies.iter().filter(|policy| !policy.sha256.is_empty()).collect();
    if !kept.is_empty() {
        writeln!(out, "\nPolicies that took part, as they were:")?;
        for policy in kept {
            let version = if policy.version.is_empty() { String::new() } else { format!(" {}", policy.version) };
            writeln!(out, "  {}{version}", policy.uri)?;
        }
    }
    if denial.details.truncated {
        writeln!(out, "\nNote: something was left out, because there was too much.")?;
    }
    Ok(())
}

fn verdicts(out: &mut String, denial: &Denial) -> std::fmt::Result {
    let Some(last) = denial.details.evaluations.last() else { return writeln!(out, "Denied: {}", denial.message) };
    writeln!(out, "{}", headline(last))?;
    writeln!(out, "\n  who:      {}", denial.principal_arn)?;
    writeln!(out, "  action:   {}", last.action)?;
    writeln!(out, "  resource: {}\n", last.resource)?;
    for check in &last.checks {
        let name =
            LAYERS.iter().find(|(known, _)| *known == check.check_type).map_or(&*check.check_type, |found| found.1);
        let said = match &*check.evaluated_effect {
            "ALLOW" => "allow",
            "EXPLICIT_DENY" => "deny",
            "IMPLICIT_DENY" => "do not allow",
            _ => "say nothing",
        };
        writeln!(out, "  {name}: {said}{}", statements(check))?;
    }
    Ok(())
}

fn headline(denied: &Evaluation) -> &'static str {
    match &*denied.evaluated_effect {
        "EXPLICIT_DENY" => "Denied by a statement. A deny always wins.",
        _ => "Denied: nothing that must allow it does.",
    }
}

/// The statements that made a layer say what it says.
fn statements(check: &LayerCheck) -> String {
    let effect = if check.evaluated_effect == "EXPLICIT_DENY" { "DENY" } else { "ALLOW" };
    let mut all = Vec::new();
    for policy in &check.matched_policies {
        let decisive = policy.matched_statements.iter().filter(|statement| statement.evaluated_effect == effect);
        all.extend(decisive.map(|statement| format!("{} of {}", statement.sid, policy.uri)));
    }
    if all.is_empty() { String::new() } else { format!(": {}", all.join(", ")) }
}

fn section(
    out: &mut String,
    heading: &str,
    keys: &std::collections::BTreeMap<String, ContextText>,
) -> std::fmt::Result {
    if keys.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{heading}:")?;
    for (key, value) in keys {
        match value {
            ContextText::One(value) => writeln!(out, "  {key} = {value}")?,
            ContextText::Many(values) => writeln!(out, "  {key} = [{}]", values.join(", "))?,
        }
    }
    Ok(())
}
