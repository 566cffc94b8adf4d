//! A user, group or role as what policies are attached to. The same pages serve all three.

use bailiwick_api::iam::{
    AttachGroupPolicyRequest, AttachRolePolicyRequest, AttachUserPolicyRequest, AttachedPolicy,
    DeleteGroupPolicyRequest, DeleteRolePolicyRequest, DeleteUserPolicyRequest, DetachGroupPolicyRequest,
    DetachRolePolicyRequest, DetachUserPolicyRequest, GetGroupPolicyRequest, GetGroupRequest, GetRolePolicyRequest,
    GetRoleRequest, GetUserPolicyRequest, GetUserRequest, ListAttachedGroupPoliciesRequest,
    ListAttachedRolePoliciesRequest, ListAttachedUserPoliciesRequest, ListGroupPoliciesRequest,
    ListRolePoliciesRequest, ListUserPoliciesRequest, PutGroupPolicyRequest, PutRolePolicyRequest,
    PutUserPolicyRequest,
};
use bailiwick_api::op;

use crate::pages::{choices, policies};
use crate::person::Person;
use crate::request::Called;
use crate::view::url;

/// More policies than an identity can have.
const ALL: Option<i32> = Some(1000);

/// The kind of an identity.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    User,
    Group,
    Role,
}

impl Kind {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Group => "group",
            Kind::Role => "role",
        }
    }
}

/// A user, group or role by its name.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) kind: Kind,
    pub(crate) name: String,
}

impl Identity {
    pub(crate) fn new(kind: Kind, name: &str) -> Self {
        Identity { kind, name: name.to_owned() }
    }

    /// The address of its page.
    pub(crate) fn url(&self) -> String {
        let word = self.kind.word();
        url(&format!("{word}s/{word}"), &[("name", &self.name)])
    }

    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }

    /// The ARN.
    pub(crate) async fn arn(&self, person: &Person<'_>) -> Called<String> {
        let arn = match self.kind {
            Kind::User => {
                let found = person.call::<op::GetUser>(GetUserRequest { user_name: self.name() }).await?;
                found.user.and_then(|user| user.arn)
            }
            Kind::Group => {
                let asked = GetGroupRequest { group_name: self.name(), max_items: Some(1), ..Default::default() };
                person.call::<op::GetGroup>(asked).await?.group.and_then(|group| group.arn)
            }
            Kind::Role => {
                let found = person.call::<op::GetRole>(GetRoleRequest { role_name: self.name() }).await?;
                found.role.and_then(|role| role.arn)
            }
        };
        Ok(arn.unwrap_or_default())
    }

    /// The attached policies.
    pub(crate) async fn attached(&self, person: &Person<'_>) -> Called<Vec<AttachedPolicy>> {
        match self.kind {
            Kind::User => {
                let asked =
                    ListAttachedUserPoliciesRequest { user_name: self.name(), max_items: ALL, ..Default::default() };
                person.call::<op::ListAttachedUserPolicies>(asked).await.map(|listed| listed.attached_policies)
            }
            Kind::Group => {
                let asked =
                    ListAttachedGroupPoliciesRequest { group_name: self.name(), max_items: ALL, ..Default::default() };
                person.call::<op::ListAttachedGroupPolicies>(asked).await.map(|listed| listed.attached_policies)
            }
            Kind::Role => {
                let asked =
                    ListAttachedRolePoliciesRequest { role_name: self.name(), max_items: ALL, ..Default::default() };
                person.call::<op::ListAttachedRolePolicies>(asked).await.map(|listed| listed.attached_policies)
            }
        }
    }

    /// The names of the inline policies.
    pub(crate) async fn inline(&self, person: &Person<'_>) -> Called<Vec<String>> {
        match self.kind {
            Kind::User => {
                let asked = ListUserPoliciesRequest { user_name: self.name(), max_items: ALL, ..Default::default() };
                person.call::<op::ListUserPolicies>(asked).await.map(|listed| listed.policy_names)
            }
            Kind::Group => {
                let asked = ListGroupPoliciesRequest { group_name: self.name(), max_items: ALL, ..Default::default() };
                person.call::<op::ListGroupPolicies>(asked).await.map(|listed| listed.policy_names)
            }
            Kind::Role => {
                let asked = ListRolePoliciesRequest { role_name: self.name(), max_items: ALL, ..Default::default() };
                person.call::<op::ListRolePolicies>(asked).await.map(|listed| listed.policy_names)
            }
        }
    }

    /// Attaches a managed policy.
    pub(crate) async fn attach(&self, person: &Person<'_>, arn: String) -> Called<()> {
        let policy_arn = Some(arn);
        match self.kind {
            Kind::User => {
                let asked = AttachUserPolicyRequest { user_name: self.name(), policy_arn };
                person.call::<op::AttachUserPolicy>(asked).await.map(drop)
            }
            Kind::Group => {
                let asked = AttachGroupPolicyRequest { group_name: self.name(), policy_arn };
                person.call::<op::AttachGroupPolicy>(asked).await.map(drop)
            }
            Kind::Role => {
                let asked = AttachRolePolicyRequest { role_name: self.name(), policy_arn };
                person.call::<op::AttachRolePolicy>(asked).await.map(drop)
            }
        }
    }

    /// Detaches a managed policy.
    pub(crate) async fn detach(&self, person: &Person<'_>, policy_arn: Option<String>) -> Called<()> {
        match self.kind {
            Kind::User => {
                let asked = DetachUserPolicyRequest { user_name: self.name(), policy_arn };
                person.call::<op::DetachUserPolicy>(asked).await.map(drop)
            }
            Kind::Group => {
                let asked = DetachGroupPolicyRequest { group_name: self.name(), policy_arn };
                person.call::<op::DetachGroupPolicy>(asked).await.map(drop)
            }
            Kind::Role => {
                let asked = DetachRolePolicyRequest { role_name: self.name(), policy_arn };
                person.call::<op::DetachRolePolicy>(asked).await.map(drop)
            }
        }
    }

    /// The document of an inline policy.
    pub(crate) async fn read(&self, person: &Person<'_>, policy: &str) -> Called<String> {
        let policy_name = Some(policy.to_owned());
        let document = match self.kind {
            Kind::User => {
                let asked = GetUserPolicyRequest { user_name: self.name(), policy_name };
                person.call::<op::GetUserPolicy>(asked).await?.policy_document
            }
            Kind::Group => {
                let asked = GetGroupPolicyRequest { group_name: self.name(), policy_name };
                person.call::<op::GetGroupPolicy>(asked).await?.policy_document
            }
            Kind::Role => {
                let asked = GetRolePolicyRequest { role_name: self.name(), policy_name };
                person.call::<op::GetRolePolicy>(asked).await?.policy_document
            }
        };
        Ok(document.unwrap_or_default())
    }

    /// Creates or replaces an inline policy.
    pub(crate) async fn put(&self, person: &Person<'_>, policy: &str, document: String) -> Called<()> {
        let (policy_name, policy_document) = (Some(policy.to_owned()), Some(document));
        match self.kind {
            Kind::User => {
                let asked = PutUserPolicyRequest { user_name: self.name(), policy_name, policy_document };
                person.call::<op::PutUserPolicy>(asked).await.map(drop)
            }
            Kind::Group => {
                let asked = PutGroupPolicyRequest { group_name: self.name(), policy_name, policy_document };
                person.call::<op::PutGroupPolicy>(asked).await.map(drop)
            }
            Kind::Role => {
                let asked = PutRolePolicyRequest { role_name: self.name(), policy_name, policy_document };
                person.call::<op::PutRolePolicy>(asked).await.map(drop)
            }
        }
    }

    /// Deletes an inline policy.
    pub(crate) async fn remove(&self, person: &Person<'_>, policy: String) -> Called<()> {
        let policy_name = Some(policy);
        match self.kind {
            Kind::User => {
                let asked = DeleteUserPolicyRequest { user_name: self.name(), policy_name };
                person.call::<op::DeleteUserPolicy>(asked).await.map(drop)
            }
            Kind::Group => {
                let asked = DeleteGroupPolicyRequest { group_name: self.name(), policy_name };
                person.call::<op::DeleteGroupPolicy>(asked).await.map(drop)
            }
            Kind::Role => {
                let asked = DeleteRolePolicyRequest { role_name: self.name(), policy_name };
                person.call::<op::DeleteRolePolicy>(asked).await.map(drop)
            }
        }
    }

    /// Attaches the policies that a form chose.
    pub(crate) async fn attach_chosen(&self, person: &Person<'_>) -> Called<()> {
        for arn in choices::chosen_policies(person) {
            self.attach(person, arn).await?;
        }
        Ok(())
    }

    /// Makes the changes that are the same for all identities, and says what was done; none for another change.
    pub(crate) async fn change(&self, person: &Person<'_>) -> Called<Option<String>> {
        match person.asked() {
            "attach-policies" => {
                self.attach_chosen(person).await?;
                Ok(Some("The policies were attached.".to_owned()))
            }
            "detach-policy" => {
                self.detach(person, person.form().text("arn")).await?;
                Ok(Some(format!("{} was detached.", person.form().typed("arn"))))
            }
            _ => Ok(None),
        }
    }

    /// Removes all policies, as the deletion of the identity needs. Those that deny something go last, so that an
    /// interrupted deletion never leaves more permissions than before.
    pub(crate) async fn release(&self, person: &Person<'_>) -> Called<()> {
        let [allowing, others] = self.held(person).await?;
        self.remove_all(person, allowing).await?;
        self.remove_all(person, others).await
    }

    /// The policies that only allow, and those that may deny.
    pub(crate) async fn held(&self, person: &Person<'_>) -> Called<[Vec<Held>; 2]> {
        let (attached, inline) = (self.attached(person).await?, self.inline(person).await?);
        let mut held = [Vec::new(), Vec::new()];
        for name in inline {
            let may_deny = self.read(person, &name).await.map_or(true, |document| denies(&document));
            held[usize::from(may_deny)].push(Held::Inline(name));
        }
        for arn in attached.into_iter().filter_map(|policy| policy.policy_arn) {
            let may_deny = policies::current(person, &arn).await.map_or(true, |document| denies(&document));
            held[usize::from(may_deny)].push(Held::Attached(arn));
        }
        Ok(held)
    }

    /// Removes these policies.
    pub(crate) async fn remove_all(&self, person: &Person<'_>, held: Vec<Held>) -> Called<()> {
        for policy in held {
            match policy {
                Held::Attached(arn) => self.detach(person, Some(arn)).await?,
                Held::Inline(name) => self.remove(person, name).await?,
            }
        }
        Ok(())
    }
}

/// A policy of an identity.
pub(crate) enum Held {
    /// A managed policy, by its ARN.
    Attached(String),
    /// An inline policy, by its name.
    Inline(String),
}

/// Whether a document has a statement that denies; also if it cannot be parsed.
fn denies(document: &str) -> bool {
    let Ok(parsed) = serde_json::from_str::<serde_json::Value>(document) else { return true };
    let statements = match &parsed["Statement"] {
        serde_json::Value::Array(statements) => statements.as_slice(),
        one => std::slice::from_ref(one),
    };
    !statements.iter().all(|statement| statement["Effect"] == "Allow")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_that_may_deny_are_known() {
        for (document, expected) in [
            (r#"{"Statement":{"Effect":"Allow"}}"#, false),
            (r#"{"Statement":[{"Effect":"Allow"},{"Effect":"Allow"}]}"#, false),
            (r#"{"Statement":[{"Effect":"Allow"},{"Effect":"\u0044eny"}]}"#, true),
            (r#"{"Statement":{"Effect":"Deny"}}"#, true),
            (r#"{"Statement":{}}"#, true),
            ("[]", true),
            ("", true),
        ] {
            assert_eq!(denies(document), expected, "{document}");
        }
    }
}
