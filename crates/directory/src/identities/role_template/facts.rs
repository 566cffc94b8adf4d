//! The role templates that come with Bailiwick: a table of facts.
//!
//! A text in a template contains `@{Parameter}` where a value of the caller stands. A value is plain text, in which nothing
//! can end a JSON string, be a wildcard or a policy variable: so a role is never wider than its template.

use bailiwick_model::{Arn, RoleName};

/// A version of a template.
pub(super) struct Template {
    /// Its name in the ARN: `arn:aws:iam::aws:role-template/NAME`.
    pub(super) name: &'static str,
    /// The unique id of this version.
    pub(super) version_id: &'static str,
    pub(super) major_version: i32,
    pub(super) minor_version: i32,
    pub(super) description: &'static str,
    pub(super) role_name: &'static str,
    pub(super) role_path: &'static str,
    pub(super) role_description: &'static str,
    pub(super) trust_policy: &'static str,
    /// Names and documents.
    pub(super) inline_policies: &'static [(&'static str, &'static str)],
    /// Paths and names of policies that come with Bailiwick, as in `/service-role/AWSLambdaBasicExecutionRole`.
    pub(super) managed_policies: &'static [&'static str],
    /// The boundary, as [`Self::managed_policies`].
    pub(super) boundary: Option<&'static str>,
    pub(super) tags: &'static [(&'static str, &'static str)],
    pub(super) max_session_seconds: u32,
    pub(super) parameters: &'static [Parameter],
}

/// A parameter of a template.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) description: &'static str,
    /// The value of a parameter that is left out; without one it is required.
    pub(super) default: Option<&'static str>,
}

/// What the values of a parameter are.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// The name of the role.
    RoleName,
    /// ARNs of users, roles and root users.
    PrincipalArns,
    /// The prefix of a registered service.
    ServicePrefix,
}

impl Kind {
    /// `Type` and `SubType` of the parameter's definition.
    pub(super) fn types(self) -> (&'static str, &'static str) {
        match self {
            Kind::RoleName => ("String", "RoleName"),
            Kind::PrincipalArns => ("ArnList", "PrincipalArn"),
            Kind::ServicePrefix => ("String", "ServicePrefix"),
        }
    }

    /// Whether a parameter may have more than one value.
    pub(super) fn is_list(self) -> bool {
        matches!(self, Kind::PrincipalArns)
    }

    /// Whether a text is a value.
    pub(super) fn accepts(self, value: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_:/-".contains(&byte);
        value.bytes().all(plain)
            && match self {
                Kind::RoleName => RoleName::parse(value).is_ok(),
                Kind::PrincipalArns => is_principal(value),
                Kind::ServicePrefix => {
                    !value.is_empty()
                        && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                }
            }
    }
}

/// Whether a text is the ARN of a user, role or root user.
fn is_principal(value: &str) -> bool {
    Arn::parse(value).is_ok_and(|arn| {
        let kind = arn.typed_resource().map_or(arn.resource(), |(kind, ..)| kind);
        arn.service() == "iam" && arn.account_id().is_some() && ["user", "role", "root"].contains(&kind)
    })
}

const PRINCIPALS: Parameter = Parameter {
    name: "TrustedArns",
    kind: Kind::PrincipalArns,
    description: "The users and roles that may assume the role, or the root user of an account for all of them.",
    default: None,
};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":["@{TrustedArns}"]},"Action":"sts:AssumeRole"}}"#;

/// The templates, each version a row.
pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "DecisionService",
        version_id: "RTVDECISIONSERVICE0101",
        major_version: 1,
        minor_version: 1,
        description: "A service that asks Bailiwick who signed a request, and whether they may.",
        role_name: "@{RoleName}",
        role_path: "/decisions/",
        role_description: "Asks for decisions of the service @{ServicePrefix}.",
        trust_policy: TRUST,
        inline_policies: &[(
            "decisions",
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["bailiwick:Authenticate","bailiwick:Authorize","bailiwick:Explain"],"Resource":"arn:*:bailiwick::*:service/@{ServicePrefix}"}}"#,
        )],
        managed_policies: &[],
        boundary: None,
        tags: &[("service", "@{ServicePrefix}")],
        max_session_seconds: 3_600,
        parameters: &[
            Parameter { name: "RoleName", kind: Kind::RoleName, description: "The name of the role.", default: None },
            PRINCIPALS,
            Parameter {
                name: "ServicePrefix",
                kind: Kind::ServicePrefix,
                description: "The prefix of the service's actions.",
                default: None,
            },
        ],
    },
    Template {
        name: "IdentityAuditor",
        version_id: "RTVIDENTITYAUDITOR0101",
        major_version: 1,
        minor_version: 1,
        description: "An auditor who reads identities and policies, and can never do more.",
        role_name: "@{RoleName}",
        role_path: "/audit/",
        role_description: "Reads identities and policies.",
        trust_policy: TRUST,
        inline_policies: &[],
        managed_policies: &["/IAMReadOnlyAccess"],
        boundary: Some("/IAMReadOnlyAccess"),
        tags: &[],
        max_session_seconds: 3_600,
        parameters: &[
            Parameter {
                name: "RoleName",
                kind: Kind::RoleName,
                description: "The name of the role.",
                default: Some("IdentityAuditor"),
            },
            PRINCIPALS,
        ],
    },
    Template {
        name: "FunctionExecution",
        version_id: "RTVFUNCTIONEXECUTION01",
        major_version: 1,
        minor_version: 1,
        description: "A function that writes its logs and nothing else.",
        role_name: "@{RoleName}",
        role_path: "/service-role/",
        role_description: "Runs a function that writes its logs.",
        trust_policy: r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}"#,
        inline_policies: &[],
        managed_policies: &["/service-role/AWSLambdaBasicExecutionRole"],
        boundary: None,
        tags: &[],
        max_session_seconds: 3_600,
        parameters: &[Parameter {
            name: "RoleName",
            kind: Kind::RoleName,
            description: "The name of the role.",
            default: None,
        }],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_plain_text_of_their_kind() {
        let check = |kind: Kind, value: &str, expected: bool| assert_eq!(kind.accepts(value), expected, "{value}");
        check(Kind::RoleName, "photos-1", true);
        for value in ["", "a b", "a*", "${aws:username}", "a\"b", "@{RoleName}", "a/b"] {
            check(Kind::RoleName, value, false);
        }
        check(Kind::PrincipalArns, "arn:aws:iam::111122223333:user/x/Bob", true);
        check(Kind::PrincipalArns, "arn:aws:iam::111122223333:root", true);
        for value in [
            "*",
            "arn:aws:iam::*:root",
            "arn:aws:iam::111122223333:user/*",
            "arn:aws:iam::111122223333:group/A",
            "111122223333",
        ] {
            check(Kind::PrincipalArns, value, false);
        }
        check(Kind::ServicePrefix, "photos", true);
        for value in ["", "*", "Photos", "a/b", "a?"] {
            check(Kind::ServicePrefix, value, false);
        }
    }
}
