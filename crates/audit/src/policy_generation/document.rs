//! Writes policies: the actions with the same resources and the same condition in one statement.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_model::limits::MANAGED_POLICY_SIZE;
use bailiwick_model::{IamError, Result};
use bailiwick_policy_lang::{PolicyKind, Version};
use bailiwick_policy_lang::{SaveRules, parse_strict};

use super::found::{ANY, Found};

/// The members around the statements, without whitespace.
const FRAME: usize = r#"{"Version":"2012-10-17","Statement":[]}"#.len();

/// A statement: actions, resources, and the values of each condition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Statement {
    actions: BTreeSet<String>,
    resources: BTreeSet<String>,
    condition: Condition,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Condition {
    passed_to: BTreeSet<String>,
    addresses: BTreeSet<String>,
}

/// Writes the policies that allow what was found, in a fixed order. Each document fits into a managed policy.
///
/// # Errors
/// `ServiceFailure` if a document is not valid.
pub(super) fn write(found: &Found, with_addresses: bool) -> Result<Vec<String>> {
    let (mut documents, mut open, mut size): (Vec<Vec<String>>, Vec<String>, usize) = (Vec::new(), Vec::new(), FRAME);
    for statement in statements(found, with_addresses).into_iter().flat_map(split) {
        let text = statement.text();
        let length = length(&text) + 1;
        if size + length > MANAGED_POLICY_SIZE && !open.is_empty() {
            documents.push(std::mem::take(&mut open));
            size = FRAME;
        }
        size += length;
        open.push(text);
    }
    if !open.is_empty() {
        documents.push(open);
    }
    documents.into_iter().map(|statements| checked(&statements)).collect()
}

fn checked(statements: &[String]) -> Result<String> {
    let text = format!("{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n{}\n  ]\n}}", statements.join(",\n"));
    let rules = SaveRules { min_version: Version::V2012, ..SaveRules::default() };
    parse_strict(&text, PolicyKind::Identity, &rules).map_err(IamError::internal)?;
    Ok(text)
}

fn statements(found: &Found, with_addresses: bool) -> BTreeSet<Statement> {
    // The resources of each action under each condition, then the actions of each set of resources.
    let mut uses: BTreeMap<(&str, Condition), BTreeSet<String>> = BTreeMap::new();
    for (action, resources) in &found.actions {
        for (resource, used) in resources {
            let condition = Condition {
                passed_to: used.passed_to.clone().unwrap_or_default(),
                addresses: if with_addresses { used.addresses.clone() } else { BTreeSet::new() },
            };
            uses.entry((action, condition)).or_default().insert(pattern(resource));
        }
    }
    let mut merged: BTreeMap<(BTreeSet<String>, Condition), BTreeSet<String>> = BTreeMap::new();
    for ((action, condition), resources) in uses {
        merged.entry((resources, condition)).or_default().insert(action.to_owned());
    }
    let statement = |((resources, condition), actions)| Statement { actions, resources, condition };
    merged.into_iter().map(statement).collect()
}

/// A resource as a pattern that matches only it.
fn pattern(resource: &str) -> String {
    if resource == "*" {
        return resource.to_owned();
    }
    let mut text = String::with_capacity(resource.len());
    for c in resource.chars() {
        match c {
            ANY => text.push('*'),
            '*' | '?' | '$' => text.extend(['$', '{', c, '}']),
            c => text.push(c),
        }
    }
    text
}

/// Splits a statement that fits into no policy.
fn split(statement: Statement) -> Vec<Statement> {
    if FRAME + length(&statement.text()) < MANAGED_POLICY_SIZE {
        return vec![statement];
    }
    let Statement { actions, resources, condition } = statement;
    let (left, right) = if resources.len() > 1 {
        let (low, high) = halves(&resources);
        let of = |resources| Statement { actions: actions.clone(), resources, condition: condition.clone() };
        (of(low), of(high))
    } else if condition.addresses.len() > 1 {
        let (low, high) = halves(&condition.addresses);
        let of = |addresses| Statement {
            actions: actions.clone(),
            resources: resources.clone(),
            condition: Condition { addresses, ..condition.clone() },
        };
        (of(low), of(high))
    } else if actions.len() > 1 {
        let (low, high) = halves(&actions);
        let of = |actions| Statement { actions, resources: resources.clone(), condition: condition.clone() };
        (of(low), of(high))
    } else {
        return vec![Statement { actions, resources, condition }];
    };
    [left, right].into_iter().flat_map(split).collect()
}

fn halves(set: &BTreeSet<String>) -> (BTreeSet<String>, BTreeSet<String>) {
    let middle = set.len() / 2;
    (set.iter().take(middle).cloned().collect(), set.iter().skip(middle).cloned().collect())
}

/// The length that counts: without whitespace.
fn length(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

impl Statement {
    fn text(&self) -> String {
        let mut members = vec![
            r#"      "Effect": "Allow""#.to_owned(),
            format!(r#"      "Action": {}"#, list(&self.actions, 6)),
            format!(r#"      "Resource": {}"#, list(&self.resources, 6)),
        ];
        let mut conditions = Vec::new();
        if !self.condition.addresses.is_empty() {
            conditions.push(condition("IpAddress", "aws:SourceIp", &self.condition.addresses));
        }
        if !self.condition.passed_to.is_empty() {
            conditions.push(condition("StringEquals", "iam:PassedToService", &self.condition.passed_to));
        }
        if !conditions.is_empty() {
            members.push(format!("      \"Condition\": {{\n{}\n      }}", conditions.join(",\n")));
        }
        format!("    {{\n{}\n    }}", members.join(",\n"))
    }
}

fn condition(operator: &str, key: &str, values: &BTreeSet<String>) -> String {
    format!("        \"{operator}\": {{\n          \"{key}\": {}\n        }}", list(values, 10))
}

/// One text, or a list of them.
fn list(values: &BTreeSet<String>, indent: usize) -> String {
    let quoted: Vec<String> = values.iter().map(|value| serde_json::Value::from(value.as_str()).to_string()).collect();
    match quoted.as_slice() {
        [one] => one.clone(),
        several => {
            let (inner, outer) = (" ".repeat(indent + 2), " ".repeat(indent));
            format!("[\n{inner}{}\n{outer}]", several.join(&format!(",\n{inner}")))
        }
    }
}
