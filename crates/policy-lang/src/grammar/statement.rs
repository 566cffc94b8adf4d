//! Statements: their elements, and which of them go together.

use super::{Grammar, Parts};
use crate::document::{ActionElement, Document, Effect, ResourceElement, Statement};
use crate::error::ErrorKind;
use crate::json::{Node, NodeKind, quoted};
use crate::kind::PolicyKind;
use crate::suggest::nearest;

const ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// The elements of one statement as they stand in the text, each with its key.
#[derive(Default)]
struct Elements<'t, 'a> {
    sid: Option<Node<'t, 'a>>,
    effect: Option<Node<'t, 'a>>,
    principal: Option<Element<'t, 'a>>,
    action: Option<Element<'t, 'a>>,
    resource: Option<Element<'t, 'a>>,
    condition: Option<Node<'t, 'a>>,
    /// The names of elements that are none.
    unknown: Vec<String>,
}

impl Elements<'_, '_> {
    /// What was found where an element is missing, and the name of the element if a misspelt one stands there.
    fn missing(&self, names: &[&'static str]) -> (String, Option<&'static str>) {
        let misspelt = self.unknown.iter().find_map(|found| Some((found, nearest(found, names.iter().copied())?)));
        match misspelt {
            Some((found, meant)) => (format!("{} instead of `{}`", quoted(found), names[0]), Some(meant)),
            None => (format!("no `{}`", names[0]), None),
        }
    }
}

/// An element that has a `Not…` form.
#[derive(Clone, Copy)]
pub(super) struct Element<'t, 'a> {
    pub(super) negated: bool,
    pub(super) key: Node<'t, 'a>,
    pub(super) value: Node<'t, 'a>,
}

impl Grammar {
    pub(super) fn statement(&mut self, node: Node<'_, '_>, document: &mut Document, parts: &mut Vec<Parts>) {
        if node.kind() != NodeKind::Object {
            self.wrong_type(node, "a statement, which is an object");
            return;
        }
        let elements = self.elements(node);
        let effect = self.effect(node, &elements);
        let missing = elements.missing(&["Principal", "NotPrincipal"]);
        let principal = self.principal(node, elements.principal, effect, missing);
        let action = self.action(node, &elements);
        let resource = self.resource(node, &elements);
        let conditions = elements.condition.map(|condition| self.conditions(condition)).unwrap_or_default();
        let sid = elements.sid.and_then(|sid| self.sid(sid));
        parts.push(Parts { effect: effect.is_some(), action: action.is_some() });
        document.statements.push(Statement {
            sid,
            effect: effect.unwrap_or(Effect::Deny),
            effect_span: elements.effect.unwrap_or(node).span(),
            principal,
            action: action.unwrap_or_else(|| ActionElement {
                negated: false,
                patterns: Vec::new(),
                array: true,
                span: node.span(),
            }),
            resource,
            conditions,
            span: node.span(),
            simulator_start: node.simulator_start(),
        });
    }

    fn elements<'t, 'a>(&mut self, node: Node<'t, 'a>) -> Elements<'t, 'a> {
        let mut elements = Elements::default();
        for (key, value) in node.members() {
            let plain = Element { negated: false, key, value };
            let negated = Element { negated: true, key, value };
            match &*key.text() {
                "Sid" => elements.sid = Some(value),
                "Effect" => elements.effect = Some(value),
                "Principal" => self.either(&mut elements.principal, plain),
                "NotPrincipal" => self.either(&mut elements.principal, negated),
                "Action" => self.either(&mut elements.action, plain),
                "NotAction" => self.either(&mut elements.action, negated),
                "Resource" => self.either(&mut elements.resource, plain),
                "NotResource" => self.either(&mut elements.resource, negated),
                "Condition" => elements.condition = Some(value),
                other => {
                    let expected = "one of `Sid`, `Effect`, `Principal`, `NotPrincipal`, `Action`, `NotAction`, `Resource`, \
                                    `NotResource` and `Condition`";
                    self.misspelt(ErrorKind::UnknownElement, key.span(), other, expected, nearest(other, ELEMENTS));
                    elements.unknown.push(other.to_owned());
                }
            }
        }
        elements
    }

    /// Keeps the first of the two forms of an element; the second is an error.
    fn either<'t, 'a>(&mut self, slot: &mut Option<Element<'t, 'a>>, element: Element<'t, 'a>) {
        match slot {
            None => *slot = Some(element),
            // The same key twice is the reader's error.
            Some(first) if first.negated == element.negated => {}
            Some(first) => {
                let expected = format!("only one of {} and {}", quoted(&first.key.text()), quoted(&element.key.text()));
                self.problem(ErrorKind::BothForms, element.key.span(), quoted(&element.key.text()), expected);
            }
        }
    }

    fn effect(&mut self, statement: Node<'_, '_>, elements: &Elements<'_, '_>) -> Option<Effect> {
        let Some(node) = elements.effect else {
            let missing = elements.missing(&["Effect"]);
            self.missing(ErrorKind::MissingEffect, statement, missing, "`Allow` or `Deny`");
            return None;
        };
        let text = self.string(node)?;
        match &*text.value {
            "Allow" => Some(Effect::Allow),
            "Deny" => Some(Effect::Deny),
            other => {
                let meant = nearest(other, ["Allow", "Deny"]);
                self.misspelt(ErrorKind::Effect, text.span, other, "`Allow` or `Deny`", meant);
                None
            }
        }
    }

    fn sid(&mut self, node: Node<'_, '_>) -> Option<crate::Text> {
        let sid = self.string(node)?;
        if self.kind.has_plain_sids() && !sid.value.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            self.problem(ErrorKind::Sid, sid.span, quoted(&sid.value), "letters and digits only");
        }
        Some(sid)
    }

    fn action(&mut self, statement: Node<'_, '_>, elements: &Elements<'_, '_>) -> Option<ActionElement> {
        let Some(Element { negated, value, .. }) = elements.action else {
            let missing = elements.missing(&["Action", "NotAction"]);
            self.missing(ErrorKind::MissingAction, statement, missing, "`Action` or `NotAction`");
            return None;
        };
        let (patterns, array) = self.strings(value, ErrorKind::EmptyAction);
        for pattern in &patterns {
            self.action_pattern(pattern);
        }
        Some(ActionElement { negated, patterns, array, span: value.span() })
    }

    fn resource(&mut self, statement: Node<'_, '_>, elements: &Elements<'_, '_>) -> Option<ResourceElement> {
        let Some(Element { negated, key, value }) = elements.resource else {
            if self.kind.has_resource() {
                let missing = elements.missing(&["Resource", "NotResource"]);
                self.missing(ErrorKind::MissingResource, statement, missing, "`Resource` or `NotResource`");
            }
            return None;
        };
        if self.kind == PolicyKind::Trust {
            let expected = "no resource: a trust policy is about its own role";
            self.problem(ErrorKind::ForbiddenResource, key.span(), quoted(&key.text()), expected);
        }
        let (patterns, array) = self.strings(value, ErrorKind::EmptyResource);
        for pattern in &patterns {
            self.resource_pattern(pattern);
        }
        Some(ResourceElement { negated, patterns, array, span: value.span() })
    }
}
