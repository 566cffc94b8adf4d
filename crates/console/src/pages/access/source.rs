//! The source of statements: the documents of the policies that have them, as far as the person may read them.

use std::collections::HashMap;

use bailiwick_api::authz::{GetResourcePolicyRequest, PolicyType, StatementRef};
use bailiwick_api::iam::{GetGroupPolicyRequest, GetRolePolicyRequest, GetRoleRequest, GetUserPolicyRequest};
use bailiwick_api::op;

use crate::pages::policies;
use crate::person::Person;
use crate::request::Called;
use crate::view::name_of;

/// How many policies a page reads.
const MAX_POLICIES: usize = 20;
/// How many lines of a statement are shown.
const MAX_LINES: usize = 200;

/// The documents that were read for a page.
pub(super) struct Sources<'a> {
    person: &'a Person<'a>,
    read: HashMap<(i32, String, String), Result<String, String>>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(person: &'a Person<'a>) -> Self {
        Sources { person, read: HashMap::new() }
    }

    /// The lines of a statement with their numbers, or why they are not shown.
    pub(super) async fn lines(&mut self, statement: &StatementRef) -> Result<Vec<(usize, String)>, String> {
        let key = (statement.policy_type, statement.policy.clone(), statement.attached_to.clone());
        if !self.read.contains_key(&key) {
            if self.read.len() == MAX_POLICIES {
                return Err(format!("Only the sources of the first {MAX_POLICIES} policies are shown."));
            }
            // Users, groups and roles are read by name, which finds those of the person's own account.
            let document = if is_elsewhere(&statement.attached_to, &self.person.account()) {
                Err("The policy is of another account: only a console of that account shows its source.".to_owned())
            } else {
                match Box::pin(self.document(statement)).await {
                    Ok(Some(document)) => Ok(document),
                    Ok(None) => Err("The source of this policy is not kept here.".to_owned()),
                    Err(error) => Err(error.error.message().to_owned()),
                }
            };
            self.read.insert(key.clone(), document);
        }
        self.read[&key].as_ref().map(|document| cut(document, statement)).map_err(Clone::clone)
    }

    async fn document(&self, statement: &StatementRef) -> Called<Option<String>> {
        let (person, policy, holder) = (self.person, &statement.policy, &statement.attached_to);
        let name = || Some(name_of(holder).to_owned());
        let policy_name = Some(policy.clone());
        match statement.policy_type() {
            PolicyType::Trust => {
                let role = person.call::<op::GetRole>(GetRoleRequest { role_name: name() }).await?.role;
                Ok(role.and_then(|role| role.assume_role_policy_document))
            }
            PolicyType::Resource => {
                let asked = GetResourcePolicyRequest { resource_arn: Some(holder.clone()) };
                Ok(Some(person.call::<op::GetResourcePolicy>(asked).await?.policy))
            }
            _ if policy.starts_with("arn:") => policies::current(person, policy).await.map(Some),
            PolicyType::Identity => match kind_of(holder) {
                "user" => {
                    let asked = GetUserPolicyRequest { user_name: name(), policy_name };
                    Ok(person.call::<op::GetUserPolicy>(asked).await?.policy_document)
                }
                "group" => {
                    let asked = GetGroupPolicyRequest { group_name: name(), policy_name };
                    Ok(person.call::<op::GetGroupPolicy>(asked).await?.policy_document)
                }
                "role" => {
                    let asked = GetRolePolicyRequest { role_name: name(), policy_name };
                    Ok(person.call::<op::GetRolePolicy>(asked).await?.policy_document)
                }
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }
}

/// Whether an ARN names an object of another account than this one.
fn is_elsewhere(arn: &str, account: &str) -> bool {
    arn.split(':').nth(4).is_some_and(|own| !own.is_empty() && own != account)
}

/// `user`, `group` or `role`, by the ARN of an identity.
fn kind_of(arn: &str) -> &str {
    let resource = arn.rsplit(':').next().unwrap_or_default();
    resource.split('/').next().unwrap_or_default()
}

/// The lines of a document from the beginning of a statement to its end.
fn cut(document: &str, statement: &StatementRef) -> Vec<(usize, String)> {
    let first = statement.line.max(1) as usize;
    let last = (statement.end_line as usize).max(first);
    let lines = document.lines().enumerate().skip(first - 1).take((last - first + 1).min(MAX_LINES));
    lines.map(|(index, line)| (index + 1, line.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_of_other_accounts_are_recognized() {
        for (arn, expected) in [
            ("arn:aws:iam::111122223333:role/twin", false),
            ("arn:aws:iam::444455556666:role/twin", true),
            ("arn:aws:s3:::bucket", false),
            ("", false),
        ] {
            assert_eq!(is_elsewhere(arn, "111122223333"), expected, "{arn}");
        }
    }

    #[test]
    fn statements_are_cut_out_by_lines() {
        let of = |line, end_line| {
            let statement = StatementRef { line, end_line, ..StatementRef::default() };
            cut("a\nb\nc", &statement).into_iter().map(|(number, text)| format!("{number}{text}")).collect::<String>()
        };
        assert_eq!(of(2, 3), "2b3c");
        assert_eq!(of(2, 2), "2b");
        assert_eq!(of(0, 0), "1a");
        assert_eq!(of(3, u32::MAX), "3c");
        assert_eq!(of(9, 2), "");
    }
}
