//! Replacing principals in the text of a document, without any other change.
//!
//! When a document is saved, the users and roles that it names are replaced by their unique ids; when it is shown, the
//! ids are replaced by names. Both replacements work on the text, so that white space and order are preserved.

use std::convert::Infallible;

use crate::document::{Document, Principal, Text};
use crate::error::PolicyError;
use crate::json::{Node, NodeKind};
use crate::kind::PolicyKind;
use crate::parse::{Limits, read_tree};
use crate::principal::PrincipalKind;
use crate::print;

impl Document {
    /// Every value of every `Principal` and `NotPrincipal`, in order.
    pub fn principals(&self) -> impl Iterator<Item = (PrincipalKind, &Text)> {
        let elements = self.statements.iter().filter_map(|statement| statement.principal.as_ref());
        let entries = elements.flat_map(|element| match &element.principal {
            Principal::Everyone => [].iter(),
            Principal::Map(entries) => entries.iter(),
        });
        entries.flat_map(|entry| entry.values.iter().map(|value| (entry.kind, value)))
    }
}

/// Rewrites the principals of a document: `replace` gives the new text for those that it wants replaced.
///
/// ```
/// # use bailiwick_policy_lang::{PolicyKind, rewrite_principals};
/// let text = r#"{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
///   "Principal": {"AWS": ["arn:aws:iam::111122223333:user/Eva", "111122223333"]}}}"#;
/// let bound = rewrite_principals(text, PolicyKind::Trust, |_, name| {
///     name.ends_with(":user/Eva").then(|| "AIDAEXAMPLEEVA000000A".to_owned())
/// })?;
/// assert_eq!(bound, text.replace("arn:aws:iam::111122223333:user/Eva", "AIDAEXAMPLEEVA000000A"));
/// # Ok::<(), bailiwick_policy_lang::PolicyError>(())
/// ```
///
/// # Errors
/// When the text is not JSON, or exceeds the default [`Limits`]; the grammar is not asked again.
pub fn rewrite_principals(
    text: &str,
    kind: PolicyKind,
    mut replace: impl FnMut(PrincipalKind, &str) -> Option<String>,
) -> Result<String, PolicyError> {
    let result = try_rewrite_principals(text, kind, |kind, name| Ok::<_, Infallible>(replace(kind, name)))?;
    Ok(match result {
        Ok(text) => text,
        Err(never) => match never {},
    })
}

/// As [`rewrite_principals`], with a `replace` that may refuse a principal.
///
/// # Errors
/// Outside, when the text is not JSON; within, the first refusal of `replace`.
pub fn try_rewrite_principals<E>(
    text: &str,
    kind: PolicyKind,
    mut replace: impl FnMut(PrincipalKind, &str) -> Result<Option<String>, E>,
) -> Result<Result<String, E>, PolicyError> {
    let tree = read_tree(text, kind, &Limits::default())?;
    let mut output = String::with_capacity(text.len());
    let mut copied = 0;
    for (kind, node) in principal_nodes(tree.root()) {
        let new = match replace(kind, &node.text()) {
            Ok(None) => continue,
            Ok(Some(new)) => new,
            Err(error) => return Ok(Err(error)),
        };
        let span = node.span();
        output.push_str(&text[copied..span.start.offset as usize]);
        print::string(&mut output, &new);
        copied = span.end.offset as usize;
    }
    output.push_str(&text[copied..]);
    Ok(Ok(output))
}

/// The strings under `Principal` and `NotPrincipal`, in the order of the text.
fn principal_nodes<'t, 'a>(root: Node<'t, 'a>) -> impl Iterator<Item = (PrincipalKind, Node<'t, 'a>)> {
    let of_name = |node: Node<'t, 'a>, wanted: fn(&str) -> bool| {
        node.members().filter(move |(key, _)| wanted(&key.text())).map(|(_, value)| value)
    };
    let statements = of_name(root, |name| name == "Statement").flat_map(one_or_many);
    let elements =
        statements.flat_map(move |statement| of_name(statement, |name| matches!(name, "Principal" | "NotPrincipal")));
    let entries = elements.flat_map(|element| element.members());
    entries
        .filter_map(|(key, values)| Some((PrincipalKind::parse(&key.text())?, values)))
        .flat_map(|(kind, values)| one_or_many(values).filter(|node| node.is_string()).map(move |node| (kind, node)))
}

/// The items of an array, or the node itself where it is none.
fn one_or_many<'t, 'a>(node: Node<'t, 'a>) -> impl Iterator<Item = Node<'t, 'a>> {
    let single = (node.kind() != NodeKind::Array).then_some(node);
    single.into_iter().chain(node.items())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let replaced = rewrite_principals(text, PolicyKind::Resource, |kind, name| match (kind, name) {
            (PrincipalKind::Aws, "old") => Some("new".to_owned()),
            (PrincipalKind::Aws, "odd") => Some("a\"\\\n☺".to_owned()),
            (PrincipalKind::Service, "old") => Some("service".to_owned()),
            _ => None,
        });
        assert_eq!(replaced.as_deref(), Ok(expected), "{text}");
    }

    #[test]
    fn only_principals_change() {
        check("{}", "{}");
        check(
            r#"{"Statement": [ {"Principal": {"AWS": "old", "Service" : ["old", "x" ]}, "Resource": "old"} ], "Id": "old"}"#,
            r#"{"Statement": [ {"Principal": {"AWS": "new", "Service" : ["service", "x" ]}, "Resource": "old"} ], "Id": "old"}"#,
        );
        check(
            r#"{"Statement":{"NotPrincipal":{"AWS":["\u006fld","old"],"Other":"old"},"Sid":"old"}}"#,
            r#"{"Statement":{"NotPrincipal":{"AWS":["new","new"],"Other":"old"},"Sid":"old"}}"#,
        );
        check(
            r#"{"Statement":{"Principal":{"AWS":"odd"},"Condition":{"StringEquals":{"AWS":"old"}}}}"#,
            r#"{"Statement":{"Principal":{"AWS":"a\"\\\n\u263a"},"Condition":{"StringEquals":{"AWS":"old"}}}}"#,
        );
        check(r#"{"Statement":{"Principal":"*"}}"#, r#"{"Statement":{"Principal":"*"}}"#);
    }

    #[test]
    fn refusals_and_invalid_texts_are_returned() {
        let text = r#"{"Statement":{"Principal":{"AWS":["a","b"]}}}"#;
        let refused = try_rewrite_principals(text, PolicyKind::Trust, |_, name| match name {
            "b" => Err("no b"),
            _ => Ok(None),
        });
        assert_eq!(refused, Ok(Err("no b")));
        assert!(rewrite_principals("{", PolicyKind::Trust, |_, _| None).is_err());
    }
}
