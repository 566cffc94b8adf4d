//! The policy templates of delegation requests: a table of facts, and the policy that a template and parameters make.
//!
//! A document contains `@{Parameter}` where values stand. Values are plain text, in which nothing can end a JSON string or be
//! a policy variable; only resources may have a `*`.

use bailiwick_api::iam as pb;
use bailiwick_model::{Arn, Result};
use bailiwick_operation::Cx;
use bailiwick_storage::DelegationParameter;

use super::invalid;
use crate::document;

/// A policy template.
struct Template {
    /// Its name in the ARN: `arn:aws:iam:::delegation-template/NAME`.
    name: &'static str,
    document: &'static str,
    parameters: &'static [Parameter],
    /// The parameter with the boundary of roles that the policy lets create.
    boundary: Option<&'static str>,
}

struct Parameter {
    name: &'static str,
    kind: Kind,
}

/// What the values of a parameter are.
#[derive(Clone, Copy)]
enum Kind {
    /// The prefix of a service's actions.
    ServicePrefix,
    /// Some ARNs of resources, which may contain `*`.
    Resources,
    /// A path of roles, as in `/photos/`.
    RolePath,
    /// The ARN of a managed policy.
    PolicyArn,
}

const TEMPLATES: &[Template] = &[
    Template {
        name: "IdentityReview",
        document: r#"{"Version":"2012-10-17","Statement":{"Sid":"ReadIdentities","Effect":"Allow","Action":["iam:Get*","iam:List*","iam:GenerateCredentialReport"],"Resource":"*"}}"#,
        parameters: &[],
        boundary: None,
    },
    Template {
        name: "ServiceReview",
        document: r#"{"Version":"2012-10-17","Statement":{"Sid":"ReadService","Effect":"Allow","Action":["@{ServicePrefix}:Describe*","@{ServicePrefix}:Get*","@{ServicePrefix}:List*"],"Resource":["@{ResourceArns}"]}}"#,
        parameters: &[
            Parameter { name: "ServicePrefix", kind: Kind::ServicePrefix },
            Parameter { name: "ResourceArns", kind: Kind::Resources },
        ],
        boundary: None,
    },
    Template {
        name: "RoleSetup",
        document: r#"{"Version":"2012-10-17","Statement":{"Sid":"CreateBoundedRoles","Effect":"Allow","Action":["iam:AttachRolePolicy","iam:CreateRole","iam:PutRolePolicy"],"Resource":"arn:*:iam::*:role@{RolePath}*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"@{BoundaryArn}"}}}}"#,
        parameters: &[
            Parameter { name: "RolePath", kind: Kind::RolePath },
            Parameter { name: "BoundaryArn", kind: Kind::PolicyArn },
        ],
        boundary: Some("BoundaryArn"),
    },
];

/// What a template and the parameters of a request make.
pub struct FilledPolicy {
    pub(super) template_arn: String,
    pub(super) parameters: Vec<DelegationParameter>,
    pub(super) policy: String,
    pub(super) restriction_arns: Vec<String>,
}

/// Puts the parameters into the template that a request names.
///
/// # Errors
/// `InvalidInput` for a template or parameter that does not exist, a parameter that is missing or given twice, a value or
/// type that does not fit.
pub(super) fn fill(cx: &Cx, permissions: &pb::DelegationPermission) -> Result<FilledPolicy> {
    let arn = permissions.policy_template_arn.as_deref().unwrap_or_default();
    let start = format!("arn:{}:iam:::delegation-template/", cx.partition().as_str());
    let named = arn.strip_prefix(&start).and_then(|name| TEMPLATES.iter().find(|template| template.name == name));
    let template = named.ok_or_else(|| invalid(format!("The policy template {arn} does not exist.")))?;
    let mut given: Vec<DelegationParameter> = Vec::new();
    for parameter in &permissions.parameters {
        let name = parameter.name.clone().unwrap_or_default();
        if given.iter().any(|known| known.name == name) || template.parameters.iter().all(|known| known.name != name) {
            return Err(invalid(format!("The parameter {name} is unknown to the policy template or given twice.")));
        }
        let is_list = parameter.r#type.as_deref() == Some("stringList");
        given.push(DelegationParameter { name, values: parameter.values.clone(), is_list });
    }
    let mut policy = template.document.to_owned();
    for Parameter { name, kind } in template.parameters {
        let values = given.iter().find(|parameter| parameter.name == *name);
        let values = values.ok_or_else(|| invalid(format!("The parameter {name} is missing.")))?;
        let fits = values.is_list == kind.is_list()
            && !values.values.is_empty()
            && (kind.is_list() || values.values.len() == 1)
            && values.values.iter().all(|value| kind.accepts(value));
        if !fits {
            return Err(invalid(format!("The parameter {name} must be {}.", kind.described())));
        }
        policy = policy.replace(&format!("@{{{name}}}"), &values.values.join("\",\""));
    }
    document::inline(cx, &policy)?;
    let boundary = |parameter: &&DelegationParameter| Some(parameter.name.as_str()) == template.boundary;
    let restriction_arns = given.iter().find(boundary).map_or_else(Vec::new, |parameter| parameter.values.clone());
    Ok(FilledPolicy { template_arn: arn.to_owned(), parameters: given, policy, restriction_arns })
}

impl Kind {
    fn is_list(self) -> bool {
        matches!(self, Kind::Resources)
    }

    fn described(self) -> &'static str {
        match self {
            Kind::ServicePrefix => "the prefix of a service, of type string",
            Kind::Resources => "ARNs of resources, of type stringList",
            Kind::RolePath => "a path that begins and ends with a slash, of type string",
            Kind::PolicyArn => "the ARN of a managed policy, of type string",
        }
    }

    fn accepts(self, value: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_:/-".contains(&byte);
        match self {
            Kind::Resources => {
                value.bytes().all(|byte| plain(byte) || byte == b'*')
                    && value.splitn(6, ':').count() == 6
                    && value.starts_with("arn:")
            }
            Kind::ServicePrefix => {
                let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
                !value.is_empty() && value.bytes().all(is_part)
            }
            Kind::RolePath => {
                value.bytes().all(plain) && value.len() > 1 && bailiwick_model::Path::parse(value).is_ok()
            }
            Kind::PolicyArn => {
                let is_policy =
                    |arn: Arn| arn.service() == "iam" && matches!(arn.typed_resource(), Some(("policy", ..)));
                value.bytes().all(plain) && Arn::parse(value).is_ok_and(is_policy)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_plain_text_of_their_kind() {
        let check = |kind: Kind, value: &str, expected: bool| assert_eq!(kind.accepts(value), expected, "{value}");
        check(Kind::Resources, "arn:aws:s3:::photos/*", true);
        for value in ["", "*", "arn:aws:s3", "arn:aws:s3:::${aws:username}", "arn:aws:s3:::a\",\"*", "arn:aws:s3:::a?"]
        {
            check(Kind::Resources, value, false);
        }
        check(Kind::ServicePrefix, "photos", true);
        for value in ["", "*", "s3:*\",\"iam", "S3"] {
            check(Kind::ServicePrefix, value, false);
        }
        check(Kind::RolePath, "/photos/", true);
        for value in ["/", "photos", "/*/", "/a\"/"] {
            check(Kind::RolePath, value, false);
        }
        check(Kind::PolicyArn, "arn:aws:iam::111122223333:policy/Bound", true);
        for value in ["arn:aws:iam::111122223333:policy/*", "arn:aws:iam::111122223333:role/R", "*"] {
            check(Kind::PolicyArn, value, false);
        }
    }
}
