//! The answer as a chain of layers: what the policies of each type say, with the statements that say it.

use bailiwick_api::authz::{
    Decision, ExplainResponse, FailedElement, NearMiss, PolicyType, StatementRef, Suggestion, Verdict,
};

use super::source::Sources;
use crate::view::{name_of, url};

/// How many statements that nearly matched are shown.
const NEAREST: usize = 10;

/// The decision and why.
pub(super) struct Answer {
    pub(super) allowed: bool,
    pub(super) decision: &'static str,
    pub(super) message: String,
    pub(super) layers: Vec<Layer>,
    pub(super) near: Vec<Near>,
    pub(super) suggestions: Vec<SuggestionView>,
    pub(super) missing_keys: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// The policies of one type.
pub(super) struct Layer {
    pub(super) title: String,
    pub(super) kind: &'static str,
    pub(super) verdict: &'static str,
    pub(super) detail: String,
    pub(super) statements: Vec<StatementView>,
}

/// A statement, with its source.
pub(super) struct StatementView {
    pub(super) policy: String,
    pub(super) attached_to: String,
    pub(super) label: String,
    pub(super) denies: bool,
    pub(super) lines: Vec<Line>,
    pub(super) hidden: Option<String>,
}

/// A line of a statement; marked if the condition that failed is on it.
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) text: String,
    pub(super) marked: bool,
}

/// A statement that nearly matched.
pub(super) struct Near {
    pub(super) effect: String,
    pub(super) reasons: Vec<String>,
    pub(super) statement: StatementView,
}

/// A statement that would help.
pub(super) struct SuggestionView {
    pub(super) layer: String,
    /// The address of the editor with the statement, if it can be an inline policy.
    pub(super) editor: Option<String>,
    pub(super) attach_to: String,
    pub(super) statement: String,
}

impl Answer {
    pub(super) async fn new(response: ExplainResponse, sources: &mut Sources<'_>) -> Self {
        let result = response.result.unwrap_or_default();
        let mut layers = Vec::new();
        for verdict in response.verdicts {
            let (kind, word) = word(verdict.verdict());
            let count = match verdict.policy_count {
                0 => "no policy".to_owned(),
                1 => "1 policy".to_owned(),
                count => format!("{count} policies"),
            };
            let needed = if verdict.required { "; must allow" } else { "" };
            let mut statements = Vec::new();
            for statement in &verdict.matched {
                let denies = response.denies.contains(statement);
                statements.push(StatementView::new(statement, denies, None, sources).await);
            }
            let title = layer_title(verdict.policy_type(), verdict.level);
            layers.push(Layer { title, kind, verdict: word, detail: format!("{count}{needed}"), statements });
        }
        let mut near = Vec::new();
        for miss in response.near_misses.into_iter().take(NEAREST) {
            let Some(statement) = &miss.statement else { continue };
            let marked = (miss.line > 0).then_some(miss.line as usize);
            let statement = StatementView::new(statement, miss.effect == "Deny", marked, sources).await;
            near.push(Near { reasons: reasons(&miss), effect: miss.effect, statement });
        }
        let suggestions = response.suggestions.into_iter().map(|suggestion| SuggestionView {
            editor: editor_of(&suggestion),
            layer: layer_title(suggestion.policy_type(), suggestion.level),
            attach_to: suggestion.attach_to,
            statement: suggestion.statement,
        });
        Answer {
            allowed: result.decision() == Decision::Allow,
            decision: match result.decision() {
                Decision::Allow => "Allowed",
                Decision::ExplicitDeny => "Denied by a statement",
                Decision::ImplicitDeny => "Denied: no statement allows it",
                Decision::Unspecified => "Not decided, so denied",
            },
            message: result.message.unwrap_or_default(),
            layers,
            near,
            suggestions: suggestions.collect(),
            missing_keys: response.missing_context_keys,
            notes: response.notes,
        }
    }
}

/// The editor of a new inline policy with a suggested statement.
fn editor_of(suggestion: &Suggestion) -> Option<String> {
    let arn = &suggestion.attach_to;
    let (kind, _) = arn.rsplit(':').next()?.split_once('/')?;
    let is_inline = suggestion.policy_type() == PolicyType::Identity && matches!(kind, "user" | "group" | "role");
    let members = [("kind", kind), ("name", name_of(arn)), ("statement", suggestion.statement.as_str())];
    is_inline.then(|| url("inline", &members))
}

impl StatementView {
    async fn new(of: &StatementRef, denies: bool, marked: Option<usize>, sources: &mut Sources<'_>) -> Self {
        let label = match &of.sid {
            Some(sid) => format!("statement {}, `{sid}`", of.index + 1),
            None => format!("statement {}", of.index + 1),
        };
        let (lines, hidden) = match sources.lines(of).await {
            Ok(lines) => {
                let line = |(number, text)| Line { number, text, marked: marked == Some(number) };
                (lines.into_iter().map(line).collect(), None)
            }
            Err(why) => (Vec::new(), Some(why)),
        };
        let (policy, attached_to) = (of.policy.clone(), of.attached_to.clone());
        StatementView { policy, attached_to, label, denies, lines, hidden }
    }
}

fn layer_title(of: PolicyType, level: u32) -> String {
    let title = match of {
        PolicyType::Identity => "Identity policies",
        PolicyType::Resource => "Resource policy",
        PolicyType::Trust => "Trust policy",
        PolicyType::PermissionsBoundary => "Permissions boundary",
        PolicyType::Session => "Session policies",
        PolicyType::ServiceControl => "Service control policies",
        PolicyType::ResourceControl => "Resource control policies",
        PolicyType::Endpoint => "Endpoint policy",
        PolicyType::Unspecified => "Policies",
    };
    if level == 0 { title.to_owned() } else { format!("{title}, level {level}") }
}

/// The colour and the words of a verdict.
fn word(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Allows => ("good", "allows"),
        Verdict::Denies => ("bad", "denies"),
        Verdict::Silent => ("warn", "no statement matches"),
        Verdict::NotPresent => ("", "none"),
        Verdict::NotBinding => ("", "does not apply here"),
        Verdict::Unspecified => ("", "unknown"),
    }
}

/// Why a statement did not match, one sentence each.
fn reasons(miss: &NearMiss) -> Vec<String> {
    let list = |values: &[String]| match values {
        [] => "nothing".to_owned(),
        values => values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", "),
    };
    let element = match miss.element() {
        FailedElement::Principal => "The principal does not match".to_owned(),
        FailedElement::Action => "The action does not match".to_owned(),
        FailedElement::Resource => "The resource does not match".to_owned(),
        FailedElement::Condition => {
            let text = |of: &Option<String>| of.clone().unwrap_or_default();
            format!("The condition {} on {} does not hold", text(&miss.condition_operator), text(&miss.condition_key))
        }
        FailedElement::Unspecified => "It does not match".to_owned(),
    };
    let actual = match miss.element() {
        FailedElement::Condition if !miss.key_present => ", the request does not have the key".to_owned(),
        // The request has one principal, action and resource, which the page names above.
        _ if miss.actual.is_empty() => String::new(),
        _ => format!(", the request has {}", list(&miss.actual)),
    };
    let first = format!("{element}: the statement has {}{actual}.", list(&miss.expected));
    std::iter::once(first).chain(miss.also.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_say_what_was_expected_and_what_there_is() {
        let miss = NearMiss {
            element: FailedElement::Condition.into(),
            condition_operator: Some("IpAddress".to_owned()),
            condition_key: Some("aws:SourceIp".to_owned()),
            expected: vec!["10.0.0.0/8".to_owned()],
            also: vec!["and more".to_owned()],
            ..NearMiss::default()
        };
        let text = "The condition IpAddress on aws:SourceIp does not hold: the statement has `10.0.0.0/8`, ";
        assert_eq!(reasons(&miss), [format!("{text}the request does not have the key."), "and more".to_owned()]);
        let miss = NearMiss { key_present: true, actual: vec!["192.0.2.1".to_owned()], ..miss };
        assert_eq!(reasons(&miss)[0], format!("{text}the request has `192.0.2.1`."));
        let expected = vec!["iam:Get*".to_owned()];
        let miss = NearMiss { element: FailedElement::Action.into(), expected, ..NearMiss::default() };
        assert_eq!(reasons(&miss), ["The action does not match: the statement has `iam:Get*`."]);
    }
}
