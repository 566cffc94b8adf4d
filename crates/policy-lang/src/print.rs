//! From [`Document`] to text.
//!
//! Elements come in AWS's usual order, lists in the order of the document; a string stays a string, an array an array,
//! a number a number. So reading what was printed gives the same document but for the places.

mod writer;

use crate::document::{
    ActionElement, Condition, ConditionValue, Document, Principal, PrincipalElement, ResourceElement, Statement, Text,
    ValueType,
};
pub(crate) use writer::{Writer, string};

/// The document on one line, without white space.
#[must_use]
pub fn to_json(document: &Document) -> String {
    print(document, Writer::compact())
}

/// The document with one element a line, indented by four spaces, with a line break at the end.
#[must_use]
pub fn to_pretty_json(document: &Document) -> String {
    let mut text = print(document, Writer::pretty());
    text.push('\n');
    text
}

/// One statement on one line.
pub(crate) fn statement_to_json(each: &Statement) -> String {
    let mut out = Writer::compact();
    statement(&mut out, each);
    out.finish()
}

fn print(document: &Document, mut out: Writer) -> String {
    out.object(|out| {
        if document.version_span.is_some() {
            out.member("Version", |out| out.string(document.version.as_str()));
        }
        if let Some(id) = &document.id {
            out.member("Id", |out| out.string(id));
        }
        out.member("Statement", |out| match &*document.statements {
            [single] if document.single_statement => statement(out, single),
            many => out.array(many, statement),
        });
    });
    out.finish()
}

fn statement(out: &mut Writer, statement: &Statement) {
    out.object(|out| {
        if let Some(sid) = &statement.sid {
            out.member("Sid", |out| out.string(sid));
        }
        out.member("Effect", |out| out.string(statement.effect.as_str()));
        if let Some(PrincipalElement { negated, principal: named, .. }) = &statement.principal {
            out.member(if *negated { "NotPrincipal" } else { "Principal" }, |out| principal(out, named));
        }
        let ActionElement { negated, patterns, array, .. } = &statement.action;
        out.member(if *negated { "NotAction" } else { "Action" }, |out| texts(out, patterns, *array));
        if let Some(ResourceElement { negated, patterns, array, .. }) = &statement.resource {
            out.member(if *negated { "NotResource" } else { "Resource" }, |out| texts(out, patterns, *array));
        }
        if !statement.conditions.is_empty() {
            out.member("Condition", |out| conditions(out, &statement.conditions));
        }
    });
}

fn principal(out: &mut Writer, principal: &Principal) {
    match principal {
        Principal::Everyone => out.string("*"),
        Principal::Map(entries) => out.object(|out| {
            for entry in entries {
                out.member(entry.kind.name(), |out| texts(out, &entry.values, entry.array));
            }
        }),
    }
}

/// Conditions under their operators: one block each, where the operator came first.
fn conditions(out: &mut Writer, conditions: &[Condition]) {
    out.object(|out| {
        for (at, first) in conditions.iter().enumerate() {
            let operator = first.operator;
            if conditions[..at].iter().any(|earlier| earlier.operator == operator) {
                continue;
            }
            out.member(&operator.to_string(), |out| {
                out.object(|out| {
                    for condition in conditions[at..].iter().filter(|other| other.operator == operator) {
                        out.member(&condition.key, |out| values(out, condition));
                    }
                });
            });
        }
    });
}

fn values(out: &mut Writer, condition: &Condition) {
    let value = |out: &mut Writer, value: &ConditionValue| match value.value_type {
        ValueType::String => out.string(&value.text),
        ValueType::Number | ValueType::Bool => out.raw(&value.text),
    };
    match &*condition.values {
        [single] if !condition.array => value(out, single),
        many => out.array(many, value),
    }
}

fn texts(out: &mut Writer, texts: &[Text], array: bool) {
    match texts {
        [single] if !array => out.string(single),
        many => out.array(many, |out, text| out.string(text)),
    }
}
