//! What says the same as something else.

use std::collections::{BTreeMap, HashMap};

use super::Cx;
use super::code::*;
use crate::document::{Statement, Text};
use crate::glob;
use crate::json::quoted;
use crate::print;

pub(super) fn check(cx: &mut Cx<'_>) {
    let mut steps = MOST;
    for statement in &cx.document().statements {
        let actions: Vec<_> = statement.action.patterns.iter().map(|action| action.to_ascii_lowercase()).collect();
        covered(cx, REDUNDANT_ACTION, &statement.action.patterns, &actions, &mut steps);
        if let Some(resource) = &statement.resource {
            let patterns: Vec<_> = resource.patterns.iter().map(|pattern| pattern.to_string()).collect();
            covered(cx, REDUNDANT_RESOURCE, &resource.patterns, &patterns, &mut steps);
        }
    }
    statements(cx);
}

/// The most steps of comparing in one document, so that none takes long: enough for five hundred wildcards of twenty
/// characters among themselves.
const MOST: usize = 5_000_000;

/// Reports the texts whose patterns another one of the list covers, those of one cover together.
fn covered(cx: &mut Cx<'_>, code: IssueCode, texts: &[Text], patterns: &[String], steps: &mut usize) {
    let mut first = HashMap::with_capacity(patterns.len());
    let wild: Vec<_> = (0..patterns.len()).filter(|&at| patterns[at].contains(['*', '?'])).collect();
    let mut by_cover: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, pattern) in patterns.iter().enumerate() {
        let same = *first.entry(pattern.as_str()).or_insert(at);
        let by = if same != at {
            Some(same)
        } else {
            // Without steps, no comparison is begun.
            let wild = if *steps == 0 { &[] } else { &wild[..] };
            let mut others = wild.iter().copied().filter(|&other| patterns[other] != *pattern);
            others.find(|&other| glob::includes(&patterns[other], pattern, steps))
        };
        if let Some(by) = by {
            by_cover.entry(by).or_default().push(at);
        }
    }
    for (by, covered) in by_cover {
        let first = quoted(&texts[covered[0]]);
        let cover = quoted(&texts[by]);
        let details = match covered.len() {
            1 => format!("remove {first}: {cover} covers it"),
            2 => format!("remove {first} and one more that {cover} covers"),
            count => format!("remove {first} and {} more that {cover} covers", count - 1),
        };
        let spans: Vec<_> = covered.iter().chain([&by]).map(|&at| texts[at].span).collect();
        cx.report_at(code, &spans, details);
    }
}

fn statements(cx: &mut Cx<'_>) {
    let mut first: HashMap<String, &Statement> = HashMap::new();
    for (statement, _) in cx.effective() {
        let earlier = *first.entry(meaning(statement)).or_insert(statement);
        if earlier.span != statement.span {
            let details = "remove one of two statements that say the same";
            cx.report_at(REDUNDANT_STATEMENT, &[statement.span, earlier.span], details);
        }
    }
}

/// A text that two statements share when they say the same in another order.
fn meaning(statement: &Statement) -> String {
    let mut statement = statement.clone();
    statement.sid = None;
    let sort = |texts: &mut Vec<Text>, array: &mut bool| {
        texts.sort_by(|a, b| a.value.cmp(&b.value));
        texts.dedup_by(|a, b| a.value == b.value);
        *array = true;
    };
    for action in &mut statement.action.patterns {
        action.value = action.value.to_ascii_lowercase().into();
    }
    sort(&mut statement.action.patterns, &mut statement.action.array);
    if let Some(resource) = &mut statement.resource {
        sort(&mut resource.patterns, &mut resource.array);
    }
    for condition in &mut statement.conditions {
        condition.key.value = condition.key.value.to_ascii_lowercase().into();
        condition.values.sort_by(|a, b| a.text.cmp(&b.text));
        condition.array = true;
    }
    statement.conditions.sort_by_key(|condition| (condition.operator.to_string(), condition.key.value.clone()));
    print::statement_to_json(&statement)
}
