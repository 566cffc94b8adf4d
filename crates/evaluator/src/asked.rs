//! The context keys that policies use for a request.

use std::collections::HashSet;

use crate::context::ContextKey;
use crate::policies::Policies;
use crate::policy::Policy;
use crate::prepared::PreparedRequest;
use crate::request::Request;
use crate::statement::Statement;

/// Returns the context keys that the statements about a request use, each once, in the order of the policies. For a
/// statement that applies to the caller and the action, these are the variables of its resources; if the resource
/// matches too, also the keys and variables of its conditions. A decision may use fewer keys, since it stops at the
/// first decisive statement.
#[must_use]
pub fn asked_keys<'a>(request: &Request<'_>, policies: &Policies<'a>) -> Vec<&'a ContextKey> {
    let (mut short, mut long) = ([0; 128], Vec::new());
    let subject = PreparedRequest::new(request, policies.boundary.is_some(), &mut short, &mut long);
    let (mut seen, mut keys) = (HashSet::new(), Vec::new());
    for policy in each(policies) {
        for statement in policy.statements() {
            each_key(policy, statement, &subject, &mut |key| {
                if seen.insert(key) {
                    keys.push(key);
                }
            });
        }
    }
    keys
}

fn each<'a>(policies: &Policies<'a>) -> impl Iterator<Item = &'a Policy> {
    let single = |policy: Option<&'a Policy>| policy.map(std::slice::from_ref).unwrap_or_default();
    let many = [policies.session.unwrap_or_default(), policies.scps, policies.rcps];
    let slices = policies.identity_slices().chain(many.into_iter().flatten().copied());
    let singles = [policies.boundary, policies.resource, policies.trust, policies.endpoint].map(single);
    slices.chain(singles).chain([policies.scopes]).flatten()
}

fn each_key<'a>(
    policy: &'a Policy,
    statement: &'a Statement,
    subject: &PreparedRequest<'_>,
    visit: &mut dyn FnMut(&'a ContextKey),
) {
    let steps = &mut 0;
    if !policy.actions(statement).matches(subject, steps) || statement.names(subject, steps).is_empty() {
        return;
    }
    match &statement.resources {
        Some(resources) if !resources.matches(subject, steps) => {
            resources.patterns.iter().for_each(|pattern| pattern.each_key(visit));
        }
        _ => statement.each_key(visit),
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_model::AccountId;
    use bailiwick_policy_lang::{PolicyKind, parse};

    use super::*;
    use crate::{CallerAccount, Context, Entity, Principal, ResourceAccount};

    #[test]
    fn statements_about_the_request_contribute_their_keys() {
        let check = |statements: &str, expected: &[&str]| {
            let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
            let document = parse(&text, PolicyKind::Identity).unwrap();
            let policy = [Policy::compile(&document, PolicyKind::Identity)];
            let account = CallerAccount { id: AccountId::parse("111122223333").unwrap(), is_management: false };
            let request = Request {
                principal: Principal::User {
                    account,
                    user: Entity { arn: "arn:aws:iam::111122223333:user/eva", unique_id: None },
                },
                action: "s3:GetObject",
                resource: "arn:aws:s3:::pond/reed",
                resource_account: ResourceAccount { id: Some(account.id), is_management: false },
                context: Context::new(&[]),
            };
            let policies = Policies { identity: &[&policy], ..Policies::default() };
            let keys: Vec<_> = asked_keys(&request, &policies).into_iter().map(ContextKey::as_written).collect();
            assert_eq!(keys, expected, "{statements}");
        };
        let statement = |effect: &str, action: &str, resource: &str, condition: &str| {
            format!(
                r#"{{"Effect":"{effect}","Action":"{action}","Resource":"arn:aws:s3:::{resource}","Condition":{condition}}}"#
            )
        };
        let both = r#"{"StringEquals":{"s3:Prefix":"${aws:username}"},"Bool":{"aws:SecureTransport":"true"}}"#;
        let all = ["s3:Prefix", "aws:username", "aws:SecureTransport"];
        check(&statement("Allow", "s3:Get*", "pond/*", both), &all);
        check(&statement("Deny", "s3:Get*", "pond/*", both), &all);
        check(&statement("Allow", "s3:Put*", "pond/*", both), &[]);
        check(&statement("Allow", "s3:Get*", "mill/*", both), &[]);
        check(&statement("Allow", "s3:Get*", "${aws:PrincipalTag/Team}/*", both), &["aws:PrincipalTag/Team"]);
        let again = r#"{"Null":{"S3:prefix":"true","s3:x-amz-acl":"true"}}"#;
        let two = [statement("Allow", "s3:*", "*", both), statement("Deny", "s3:*", "*", again)].join(",");
        check(&two, &["s3:Prefix", "aws:username", "aws:SecureTransport", "s3:x-amz-acl"]);
    }
}
