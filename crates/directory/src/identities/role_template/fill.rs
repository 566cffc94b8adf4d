//! From a template and the caller's values to the role that they describe.

use std::collections::{BTreeMap, HashMap};

use bailiwick_api::iam as pb;
use bailiwick_model::{ErrorCode, IamError, Path, PolicyName, Result, RoleName, Tags};
use bailiwick_operation::Cx;

use super::facts::{TEMPLATES, Template};

/// A role as a template describes it.
#[derive(Debug)]
pub struct FilledRole {
    pub(super) name: RoleName,
    pub(super) path: Path,
    pub(super) description: String,
    pub(super) trust_policy: String,
    pub(super) inline_policies: Vec<(PolicyName, String)>,
    /// ARNs.
    pub(super) managed_policies: Vec<String>,
    /// Its ARN.
    pub(super) boundary: Option<String>,
    pub(super) tags: Tags,
    pub(super) max_session_seconds: u32,
}

/// Returns a version of a template; the default one without a minor version.
///
/// # Errors
/// `NoSuchEntity`.
pub(super) fn find(cx: &Cx, arn: &str, minor_version: Option<i32>) -> Result<&'static Template> {
    let versions = || TEMPLATES.iter().filter(|template| template_arn(cx, template) == arn);
    let found = match minor_version {
        None => versions().max_by_key(|template| template.minor_version),
        Some(minor) => versions().find(|template| template.minor_version == minor),
    };
    found.ok_or_else(|| {
        let message = match minor_version {
            Some(minor) if versions().next().is_some() => {
                format!("The role template {arn} has no minor version {minor}.")
            }
            _ => format!("The role template {arn} cannot be found."),
        };
        IamError::new(ErrorCode::NoSuchEntity, message)
    })
}

/// The ARN of a template in this partition.
pub(super) fn template_arn(cx: &Cx, template: &Template) -> String {
    format!("arn:{}:iam::aws:role-template/{}", cx.partition().as_str(), template.name)
}

/// The ARN of a policy that comes with Bailiwick.
pub(super) fn policy_arn(cx: &Cx, path_and_name: &str) -> String {
    format!("arn:{}:iam::aws:policy{path_and_name}", cx.partition().as_str())
}

/// Puts the caller's values into a template.
///
/// # Errors
/// `InvalidInput` for a parameter that is unknown or missing, and for a value that is not of its kind.
pub(super) fn fill(
    cx: &Cx,
    template: &Template,
    values: &HashMap<String, pb::ReplacementValueEntry>,
) -> Result<FilledRole> {
    let values = read(template, values)?;
    let put = |text: &str| {
        values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("@{{{name}}}"), value))
    };
    let parsed = |text: &str| RoleName::parse(&put(text));
    let mut inline_policies = Vec::new();
    for (name, document) in template.inline_policies {
        inline_policies.push((PolicyName::parse(name)?, put(document)));
    }
    Ok(FilledRole {
        name: parsed(template.role_name)?,
        path: Path::parse(&put(template.role_path))?,
        description: put(template.role_description),
        trust_policy: put(template.trust_policy),
        inline_policies,
        managed_policies: template.managed_policies.iter().map(|policy| policy_arn(cx, policy)).collect(),
        boundary: template.boundary.map(|policy| policy_arn(cx, policy)),
        tags: Tags::parse(template.tags.iter().map(|(key, value)| (put(key), put(value))))?,
        max_session_seconds: template.max_session_seconds,
    })
}

/// The text that stands for each parameter. Several values stand in a list of JSON strings.
fn read(
    template: &Template,
    values: &HashMap<String, pb::ReplacementValueEntry>,
) -> Result<BTreeMap<&'static str, String>> {
    let refuse = |message: String| Err(IamError::new(ErrorCode::InvalidInput, message));
    if let Some(unknown) = values.keys().find(|name| template.parameters.iter().all(|known| known.name != **name)) {
        return refuse(format!("The role template {} has no parameter {unknown}.", template.name));
    }
    let mut read = BTreeMap::new();
    for parameter in template.parameters {
        let name = parameter.name;
        let given = values.get(name).map_or(&[][..], |entry| &entry.values);
        let text = match (given, parameter.default) {
            ([], None) => return refuse(format!("The parameter {name} is required.")),
            ([], Some(default)) => default.to_owned(),
            ([_, _, ..], _) if !parameter.kind.is_list() => {
                return refuse(format!("The parameter {name} takes one value."));
            }
            (given, _) => match given.iter().find(|value| !parameter.kind.accepts(value)) {
                Some(_) => {
                    let (_, kind) = parameter.kind.types();
                    return refuse(format!("A value of the parameter {name} is not valid: each must be a {kind}."));
                }
                None => given.join("\",\""),
            },
        };
        read.insert(name, text);
    }
    Ok(read)
}
