//! The condition keys of a document.

use crate::document::{Document, ValueType};
use crate::template::{Piece, Template};

impl Document {
    /// Returns the condition keys of the conditions and the variables of this document.
    ///
    /// Each once, whatever its case, in the spelling and the order in which they come first.
    ///
    /// ```
    /// # use bailiwick_policy_lang::{PolicyKind, parse};
    /// let text = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*",
    ///     "Resource": "arn:aws:s3:::docs/${aws:username}",
    ///     "Condition": {"StringEquals": {"AWS:UserName": "eva", "s3:prefix": "${aws:PrincipalTag/team, 'all'}"}}}}"#;
    /// let document = parse(text, PolicyKind::Identity)?;
    /// assert_eq!(document.context_keys(), ["aws:username", "s3:prefix", "aws:PrincipalTag/team"]);
    /// # Ok::<(), bailiwick_policy_lang::PolicyError>(())
    /// ```
    #[must_use]
    pub fn context_keys(&self) -> Vec<&str> {
        let mut keys = Keys { has_variables: self.version.has_variables(), seen: Default::default(), keys: Vec::new() };
        for statement in &self.statements {
            for pattern in statement.resource.iter().flat_map(|resource| &resource.patterns) {
                keys.text(pattern);
            }
            for condition in &statement.conditions {
                keys.add(&condition.key);
                if condition.operator.base.takes_variables() {
                    for value in condition.values.iter().filter(|value| value.value_type == ValueType::String) {
                        keys.text(&value.text);
                    }
                }
            }
        }
        keys.keys
    }
}

struct Keys<'d> {
    has_variables: bool,
    /// In lower case.
    seen: std::collections::HashSet<String>,
    keys: Vec<&'d str>,
}

impl<'d> Keys<'d> {
    fn add(&mut self, key: &'d str) {
        if self.seen.insert(key.to_ascii_lowercase()) {
            self.keys.push(key);
        }
    }

    fn text(&mut self, text: &'d str) {
        if !self.has_variables || !Template::is_needed(text) {
            return;
        }
        for piece in Template::new(text) {
            if let Ok(Piece::Variable { key, .. }) = piece {
                self.add(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{PolicyKind, parse};

    #[test]
    fn before_2012_there_are_no_variables() {
        let text = r#"{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:username}",
            "Condition": {"NumericEquals": {"s3:max-keys": "${aws:userid}"}}}}"#;
        let keys = |text: &str| {
            let document = parse(text, PolicyKind::Identity).unwrap();
            document.context_keys().iter().map(|key| key.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(keys(text), ["s3:max-keys"]);
        assert_eq!(keys(&text.replacen('{', r#"{"Version": "2012-10-17", "#, 1)), ["aws:username", "s3:max-keys"]);
    }
}
