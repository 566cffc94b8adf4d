//! The elements of a compiled statement, as text.

use std::sync::Arc;

use super::Policy;

/// Actions, resources and conditions of a statement, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementElements {
    /// Whether the actions are those of `NotAction`.
    pub not_action: bool,
    /// The patterns of actions.
    pub actions: Vec<Arc<str>>,
    /// Whether the resources are those of `NotResource`.
    pub not_resource: bool,
    /// The patterns of resources; none in a policy that applies to its resource.
    pub resources: Vec<Arc<str>>,
    /// The conditions.
    pub conditions: Vec<StatementCondition>,
}

/// One condition, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementCondition {
    /// The operator, with its qualifier.
    pub operator: String,
    /// The context key.
    pub key: String,
    /// The listed values.
    pub values: Vec<Arc<str>>,
}

impl Policy {
    /// Returns the elements of a statement.
    #[must_use]
    pub fn elements(&self, index: usize) -> Option<StatementElements> {
        let statement = self.statements().get(index)?;
        let actions = self.actions(statement);
        let resources = statement.resources.as_ref();
        let conditions = statement.conditions.iter().map(|condition| StatementCondition {
            operator: condition.operator.to_string(),
            key: condition.key.as_written().to_owned(),
            values: condition.written_values(),
        });
        Some(StatementElements {
            not_action: actions.negated,
            actions: actions.sources.to_vec(),
            not_resource: resources.is_some_and(|set| set.negated),
            resources: resources.iter().flat_map(|set| &set.patterns).map(|pattern| pattern.source.clone()).collect(),
            conditions: conditions.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_policy_lang::{PolicyKind, parse};

    use super::*;

    #[test]
    fn elements_are_as_written() {
        let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotAction":["S3:Get*","s3:PutObject"],
            "NotResource":"arn:aws:s3:::Pond/*","Condition":{"ForAnyValue:StringLike":{"aws:PrincipalTag/Team":["a*","b"]}}}}"#;
        let policy = Policy::compile(&parse(text, PolicyKind::Identity).unwrap(), PolicyKind::Identity);
        let condition = StatementCondition {
            operator: "ForAnyValue:StringLike".into(),
            key: "aws:PrincipalTag/Team".into(),
            values: vec!["a*".into(), "b".into()],
        };
        let expected = StatementElements {
            not_action: true,
            actions: vec!["S3:Get*".into(), "s3:PutObject".into()],
            not_resource: true,
            resources: vec!["arn:aws:s3:::Pond/*".into()],
            conditions: vec![condition],
        };
        assert_eq!(policy.elements(0), Some(expected));
        assert_eq!(policy.elements(1), None);
    }
}
