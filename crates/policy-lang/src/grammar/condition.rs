//! `Condition`: operator → key → value or values.

use super::{Grammar, text};
use crate::document::{Condition, ConditionValue, ValueType};
use crate::error::ErrorKind;
use crate::json::{Node, NodeKind, quoted};
use crate::operator::Operator;

impl Grammar {
    pub(super) fn conditions(&mut self, node: Node<'_, '_>) -> Vec<Condition> {
        let mut conditions = Vec::new();
        if node.kind() != NodeKind::Object {
            self.wrong_type(node, "an object of condition operators");
            return conditions;
        }
        for (name, block) in node.members() {
            // Without keys there is nothing to test, and AWS takes any name.
            let is_empty = block.kind() == NodeKind::Object && block.members().next().is_none();
            let operator = if is_empty { None } else { self.operator(name) };
            if block.kind() != NodeKind::Object {
                self.wrong_type(block, "an object of condition keys");
                continue;
            }
            for (key, value) in block.members() {
                if key.text().is_empty() {
                    self.problem(ErrorKind::ConditionKey, key.span(), "an empty key", "a condition key");
                }
                let (values, array) = self.condition_values(value);
                let Some(operator) = operator else { continue };
                if operator.base.takes_variables() {
                    for value in values.iter().filter(|value| value.value_type == ValueType::String) {
                        self.variables(&value.text, value.span);
                    }
                }
                let (operator_span, span) = (name.span(), value.span());
                conditions.push(Condition { operator, operator_span, key: text(key), values, array, span });
            }
        }
        conditions
    }

    fn operator(&mut self, name: Node<'_, '_>) -> Option<Operator> {
        let text = name.text();
        let operator = Operator::parse(&text);
        if operator.is_none() {
            if text.rsplit(':').next() == Some("NullIfExists") {
                let expected = "`Null`, which itself tests whether the key exists";
                self.problem(ErrorKind::NullIfExists, name.span(), quoted(&text), expected);
            } else {
                let expected = "a condition operator such as `StringEquals`";
                self.misspelt(ErrorKind::Operator, name.span(), &text, expected, Operator::nearest(&text));
            }
        }
        operator
    }

    fn condition_values(&mut self, node: Node<'_, '_>) -> (Vec<ConditionValue>, bool) {
        if node.kind() != NodeKind::Array {
            return (self.condition_value(node).into_iter().collect(), false);
        }
        let mut values = Vec::with_capacity(node.items().count());
        for item in node.items() {
            values.extend(self.condition_value(item));
        }
        (values, true)
    }

    fn condition_value(&mut self, node: Node<'_, '_>) -> Option<ConditionValue> {
        let value_type = match node.kind() {
            NodeKind::PlainString | NodeKind::EscapedString => ValueType::String,
            NodeKind::Number => ValueType::Number,
            NodeKind::Bool => ValueType::Bool,
            NodeKind::Object | NodeKind::Array | NodeKind::Null => {
                self.wrong_type(node, "a string, a number or a boolean");
                return None;
            }
        };
        Some(ConditionValue { text: node.text().into(), value_type, span: node.span() })
    }
}
