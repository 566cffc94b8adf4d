//! Conditions: one operator, one key, its values.

use std::sync::Arc;

use bailiwick_policy_lang::value::{self, Base64, Instant, IpRange, Number};
use bailiwick_policy_lang::{self as lang, ConditionOperator, Effect, Family, Operator, Qualifier, Span};

use crate::arn::{self, ArnPattern};
use crate::budget::is_spent;
use crate::compile::Interner;
use crate::context::{Context, ContextKey, ContextValue};
use crate::glob::weight;
use crate::pattern::{Pattern, Syntax};

/// A compiled condition.
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    pub(crate) key: Arc<ContextKey>,
    pub(crate) span: Span,
    values: Values,
}

/// The listed values, compiled. A value that its operator cannot parse matches nothing.
enum Values {
    Text(Box<[Pattern]>),
    Arn(Box<[ArnPattern]>),
    /// Numbers and base64 are parsed at each comparison.
    Plain(Box<[Arc<str>]>),
    Date(Box<[(Option<Instant>, Arc<str>)]>),
    Ip(Box<[(Option<IpRange>, Arc<str>)]>),
}

impl Condition {
    pub(crate) fn compile(condition: &lang::Condition, variables: bool, interner: &mut Interner) -> Self {
        let operator = condition.operator;
        let texts = condition.values.iter().map(|value| &*value.text);
        let values = match operator.base.family() {
            Family::String | Family::Bool => {
                let syntax = if operator.base.takes_wildcards() { Syntax::Like } else { Syntax::Plain };
                Values::Text(texts.map(|text| Pattern::compile(text, syntax, variables, interner)).collect())
            }
            Family::Arn => Values::Arn(texts.map(|text| ArnPattern::compile(text, variables, interner)).collect()),
            Family::Numeric | Family::Binary | Family::Null => {
                Values::Plain(texts.map(|text| interner.text(text)).collect())
            }
            Family::Date => Values::Date(texts.map(|text| (Instant::parse(text), interner.text(text))).collect()),
            Family::Ip => Values::Ip(texts.map(|text| (IpRange::parse(text), interner.text(text))).collect()),
        };
        Self { operator, key: interner.key(&condition.key.value), span: condition.span, values }
    }

    /// Whether the condition holds for a request, in a statement of this effect.
    pub(crate) fn holds(&self, context: &Context<'_>, effect: Effect, steps: &mut u64) -> bool {
        *steps += 1;
        let Operator { base, qualifier, if_exists } = self.operator;
        let value = context.look_up(&self.key, steps);
        if base == ConditionOperator::Null {
            return match qualifier {
                Qualifier::None => self.null_holds(matches!(value, None | Some(ContextValue::Many([])))),
                Qualifier::ForAnyValue => false,
                Qualifier::ForAllValues => true,
            };
        }
        match (qualifier, value) {
            (Qualifier::None, None) => if_exists || base.is_negated(),
            // Several values where one is expected: an Allow does not match and a Deny does.
            (Qualifier::None, Some(ContextValue::Many(_))) => effect == Effect::Deny,
            (Qualifier::None, Some(value)) => self.value_holds(value, context, steps),
            (Qualifier::ForAnyValue, None | Some(ContextValue::Many([]))) => if_exists,
            (Qualifier::ForAllValues, None | Some(ContextValue::Many([]))) => true,
            (Qualifier::ForAnyValue, Some(ContextValue::Many(values))) => values
                .iter()
                .any(|value| is_spent(*steps) || self.value_holds(ContextValue::One(value), context, steps)),
            (Qualifier::ForAllValues, Some(ContextValue::Many(values))) => values
                .iter()
                .all(|value| !is_spent(*steps) && self.value_holds(ContextValue::One(value), context, steps)),
            (_, Some(value)) => self.value_holds(value, context, steps),
        }
    }

    /// Whether one value of the request satisfies the operator. For a negated operator, whether it equals none of the
    /// listed values.
    fn value_holds(&self, value: ContextValue<'_>, context: &Context<'_>, steps: &mut u64) -> bool {
        self.listed(value, context, steps) != self.operator.base.is_negated()
    }

    fn null_holds(&self, absent: bool) -> bool {
        let Values::Plain(values) = &self.values else { return false };
        values.iter().any(|value| value.eq_ignore_ascii_case(if absent { "true" } else { "false" }))
    }

    fn listed(&self, value: ContextValue<'_>, context: &Context<'_>, steps: &mut u64) -> bool {
        match &self.values {
            Values::Text(patterns) => {
                let Some(text) = value.rendered() else { return false };
                let text = text.as_str();
                match self.operator.base {
                    ConditionOperator::StringEqualsIgnoreCase | ConditionOperator::StringNotEqualsIgnoreCase => {
                        patterns.iter().any(|pattern| pattern.equals_fold(text, context, steps))
                    }
                    ConditionOperator::Bool => {
                        let boolean = text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
                        boolean && patterns.iter().any(|pattern| pattern.equals_fold(text, context, steps))
                    }
                    _ => patterns.iter().any(|pattern| pattern.matches(text.as_bytes(), context, steps)),
                }
            }
            Values::Arn(patterns) => {
                let Some(text) = value.rendered() else { return false };
                *steps += weight(text.as_str().len());
                let Some(value) = arn::parts(text.as_str()) else { return false };
                patterns.iter().any(|pattern| pattern.matches(&value, context, steps))
            }
            Values::Plain(listed) => {
                let Some(text) = value.rendered() else { return false };
                *steps += listed.iter().map(|listed| 1 + 2 * weight(listed.len())).sum::<u64>();
                if self.operator.base == ConditionOperator::BinaryEquals {
                    *steps += 4 * weight(text.as_str().len()) * listed.len() as u64;
                    let Some(bytes) = Base64::parse(text.as_str()).filter(|_| !is_spent(*steps)) else { return false };
                    return listed.iter().any(|listed| Base64::parse(listed) == Some(bytes));
                }
                if is_spent(*steps) {
                    return false;
                }
                let Some(number) = Number::parse(text.as_str()) else { return false };
                let ordered = |listed: &Arc<str>| Number::parse(listed).map(|listed| number.cmp(&listed));
                listed.iter().filter_map(ordered).any(|order| meets(self.operator.base, order))
            }
            Values::Date(listed) => {
                *steps += listed.len() as u64;
                let Some(instant) = instant(value) else { return false };
                let mut orders = listed.iter().filter_map(|(listed, _)| Some(instant.cmp(listed.as_ref()?)));
                orders.any(|order| meets(self.operator.base, order))
            }
            Values::Ip(networks) => {
                *steps += networks.len() as u64;
                let address = match value {
                    ContextValue::Ip(address) => Some(address),
                    value => value.rendered().and_then(|text| value::parse_address(text.as_str())),
                };
                let Some(address) = address else { return false };
                networks.iter().any(|(network, _)| network.is_some_and(|network| network.contains(address)))
            }
        }
    }

    /// The listed values as written.
    pub(crate) fn written_values(&self) -> Vec<Arc<str>> {
        match &self.values {
            Values::Text(patterns) => patterns.iter().map(|pattern| pattern.source.clone()).collect(),
            Values::Arn(patterns) => patterns.iter().map(|pattern| pattern.source.clone()).collect(),
            Values::Plain(texts) => texts.to_vec(),
            Values::Date(dates) => dates.iter().map(|(_, text)| text.clone()).collect(),
            Values::Ip(networks) => networks.iter().map(|(_, text)| text.clone()).collect(),
        }
    }

    /// The keys of the variables in its values.
    pub(crate) fn each_variable<'a>(&'a self, visit: &mut dyn FnMut(&'a ContextKey)) {
        match &self.values {
            Values::Text(patterns) => patterns.iter().for_each(|pattern| pattern.each_key(visit)),
            Values::Arn(patterns) => patterns.iter().for_each(|pattern| pattern.each_key(visit)),
            Values::Plain(_) | Values::Date(_) | Values::Ip(_) => {}
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match &self.values {
            Values::Text(patterns) => patterns.iter().map(|pattern| size_of::<Pattern>() + pattern.heap_bytes()).sum(),
            Values::Arn(patterns) => {
                patterns.iter().map(|pattern| size_of::<ArnPattern>() + pattern.heap_bytes()).sum()
            }
            Values::Plain(texts) => size_of_val(&**texts),
            Values::Date(dates) => size_of_val(&**dates),
            Values::Ip(networks) => size_of_val(&**networks),
        }
    }
}

fn instant(value: ContextValue<'_>) -> Option<Instant> {
    match value {
        ContextValue::Time(at) | ContextValue::Epoch(at) => Some(Instant::from_epoch(at.seconds, at.nanos)),
        value => Instant::parse(value.rendered()?.as_str()),
    }
}

/// Whether the operator accepts this order of request value and listed value. For a negated operator, whether its
/// positive form does.
fn meets(operator: ConditionOperator, order: std::cmp::Ordering) -> bool {
    use ConditionOperator as Op;
    match operator {
        Op::NumericLessThan | Op::DateLessThan => order.is_lt(),
        Op::NumericLessThanEquals | Op::DateLessThanEquals => order.is_le(),
        Op::NumericGreaterThan | Op::DateGreaterThan => order.is_gt(),
        Op::NumericGreaterThanEquals | Op::DateGreaterThanEquals => order.is_ge(),
        _ => order.is_eq(),
    }
}
