//! Encoded messages about denials: what the administrators of the principal's account may know of a decision.
//!
//! A service that asks for decisions shows the message to the caller, who cannot read it; with
//! `sts:DecodeAuthorizationMessage` the principal's account decodes it. It has the form that AWS documents for
//! DecodeAuthorizationMessage. It never contains what belongs to another account than the principal's: its policies, and
//! the tags of its resources, which do not count in the decision that the message describes.

use bailiwick_decision::{KeySource, ResolvedSubject};
use bailiwick_evaluator::{ContextKey, ContextValue, Decision, Outcome, Policies, Request};
use bailiwick_model::{IamError, Result};
use bailiwick_operation::Cx;
use bailiwick_policy_lang::{Catalogue, PolicyKind};
use bailiwick_snapshot::Holder;
use bailiwick_sts::{AuthorizationMessages, MessageLength};
use serde::Serialize;

use super::disclosure::{Disclosure, Viewer};
use super::given_keys::GivenKeys;
use super::question::{Question, StoredTags};
use crate::Authz;
use crate::work_budget::WorkBudget;

/// The size of the JSON around a value.
const VALUE_SIZE: usize = r#"{"value":""},"#.len();
/// The cost of a message, as a number of bytes read.
const MESSAGE_COST: usize = 2_000;

impl Authz {
    /// Encodes a message about a denied question. None if the principal has no account, or names and ARNs alone are too
    /// large for a message.
    ///
    /// # Errors
    /// Those of [`Question::with`]; `LimitExceeded` if deciding takes too long; `ServiceFailure` if sealing fails.
    pub(super) fn encoded_message(
        &self,
        cx: &Cx,
        question: &Question<'_>,
        subject: &ResolvedSubject<'_>,
        context: &[&GivenKeys<'_>],
        work: &mut WorkBudget,
    ) -> Result<Option<String>> {
        let Some(account) = subject.subject().account() else { return Ok(None) };
        work.add_bytes(MESSAGE_COST);
        let viewer = Viewer::in_account(cx, account);
        let sees_resource = viewer.may_see(question.account(subject));
        let tags = if sees_resource { StoredTags::Shown } else { StoredTags::Hidden };
        let json = question.with(cx, subject, context, tags, |request, policies, _| {
            let decision = work.decide(request, policies)?;
            let is_given = question.has_given_policy();
            let resource = question.account(subject);
            let disclosure = Disclosure::of_principal(viewer, cx.account(), resource, is_given, policies);
            let decision = disclosure.redact(decision);
            let message = Message {
                allowed: false,
                explicit_deny: decision.outcome == Outcome::ExplicitDeny,
                matched_statements: Items::from_iter(deny(&decision, subject, policies)),
                failures: Items::default(),
                context: context_of(request, subject),
            };
            message.with_conditions(request, &keys(subject, context, sees_resource))
        })?;
        let Some(json) = json else { return Ok(None) };
        let is_known = Viewer::of(cx).may_see(Some(account));
        let length = if is_known { MessageLength::Shown } else { MessageLength::Hidden };
        AuthorizationMessages::of(&self.deployment).encode(account, &json, length, cx.now()).map(Some)
    }
}

/// A message, in the words of AWS.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    allowed: bool,
    explicit_deny: bool,
    matched_statements: Items<MatchedStatement>,
    /// Always empty, as in the examples of AWS.
    failures: Items<()>,
    context: RequestContext<'a>,
}

#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Items { items: Vec::new() }
    }
}

impl<T> FromIterator<T> for Items<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Items { items: items.into_iter().collect() }
    }
}

#[derive(Serialize)]
struct Text {
    value: String,
}

fn texts<T: ToString>(values: impl IntoIterator<Item = T>) -> Items<Text> {
    values.into_iter().map(|value| Text { value: value.to_string() }).collect()
}

/// A statement that denies. AWS has no members for `NotAction` and `NotResource`; they are named likewise.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MatchedStatement {
    statement_id: String,
    effect: &'static str,
    principals: Items<Text>,
    principal_groups: Items<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actions: Option<Items<Text>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_actions: Option<Items<Text>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<Items<Text>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_resources: Option<Items<Text>>,
    conditions: Items<Condition>,
}

#[derive(Serialize)]
struct RequestContext<'a> {
    principal: PrincipalText<'a>,
    action: &'a str,
    resource: &'a str,
    conditions: Items<Condition>,
}

#[derive(Serialize)]
struct PrincipalText<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arn: &'a str,
}

#[derive(Serialize)]
struct Condition {
    key: String,
    values: Items<Text>,
}

impl Message<'_> {
    /// Returns the message as JSON, with the condition keys that fit. Without the statement, if it does not fit; none if
    /// even the rest does not.
    fn with_conditions(mut self, request: &Request<'_>, keys: &[String]) -> Result<Option<String>> {
        let mut size = to_json(&self)?.len();
        if size > AuthorizationMessages::MAX_SIZE {
            self.matched_statements = Items::default();
            size = to_json(&self)?.len();
        }
        let Some(mut left) = AuthorizationMessages::MAX_SIZE.checked_sub(size) else { return Ok(None) };
        for name in keys {
            let value = request.context.value(&ContextKey::new(name));
            let Some(values) = value.and_then(|value| texts_within(&value, left)) else { continue };
            let condition = Condition { key: name.clone(), values: texts(values) };
            // With the comma before it.
            let size = to_json(&condition)?.len() + 1;
            if let Some(rest) = left.checked_sub(size) {
                left = rest;
                self.context.conditions.items.push(condition);
            }
        }
        to_json(&self).map(Some)
    }
}

fn to_json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(IamError::internal)
}

/// Returns the values of a key as text; none if they are certainly larger than `limit`. Large values are not copied.
fn texts_within(value: &ContextValue<'_>, limit: usize) -> Option<Vec<String>> {
    let fits = match value {
        ContextValue::One(text) => text.len() <= limit,
        ContextValue::Many(values) => {
            let add = |size: usize, text: &&str| Some(size + text.len() + VALUE_SIZE).filter(|size| *size <= limit);
            values.iter().try_fold(0, add).is_some()
        }
        _ => true,
    };
    fits.then(|| value.texts())
}

fn context_of<'a>(request: &Request<'a>, subject: &'a ResolvedSubject<'_>) -> RequestContext<'a> {
    RequestContext {
        principal: PrincipalText { id: subject.user_id(), name: subject.user_name(), arn: subject.arn() },
        action: request.action,
        resource: request.resource,
        conditions: Items::default(),
    }
}

/// Returns the statement that denied explicitly.
fn deny(decision: &Decision, subject: &ResolvedSubject<'_>, policies: &Policies<'_>) -> Option<MatchedStatement> {
    let at = decision.statement.filter(|_| decision.outcome == Outcome::ExplicitDeny)?;
    let policy = policies.policy(&at)?;
    let info = policy.statement(at.statement as usize)?;
    let elements = policy.elements(at.statement as usize)?;
    let holder = match at.kind {
        PolicyKind::Identity => subject.holder(at.policy as usize),
        PolicyKind::Boundary | PolicyKind::Session => Some(Holder::Own),
        PolicyKind::Resource | PolicyKind::Trust | PolicyKind::Scp | PolicyKind::Rcp | PolicyKind::Endpoint => None,
    };
    let (own, group) = match holder {
        Some(Holder::Own) => (subject.subject().id(), None),
        Some(Holder::Group(group)) => (None, Some(group.id)),
        None => (None, None),
    };
    let (actions, resources) = (texts(elements.actions), texts(elements.resources));
    let (actions, not_actions) = either(actions, elements.not_action);
    let (resources, not_resources) = either(resources, elements.not_resource);
    let conditions = elements.conditions.into_iter();
    Some(MatchedStatement {
        statement_id: info.sid.unwrap_or_default().to_owned(),
        effect: "DENY",
        principals: texts(own),
        principal_groups: texts(group),
        actions,
        not_actions,
        resources,
        not_resources,
        conditions: conditions
            .map(|condition| Condition { key: condition.key, values: texts(condition.values) })
            .collect(),
    })
}

/// The member for an element, and the one for its negation, of which one is there.
fn either(patterns: Items<Text>, negated: bool) -> (Option<Items<Text>>, Option<Items<Text>>) {
    if negated { (None, Some(patterns)) } else { (Some(patterns), None) }
}

/// The names of the context keys that a message may show: those of the principal, its session, the time and the resource's
/// account, and those that the service gave.
fn keys(subject: &ResolvedSubject<'_>, context: &[&GivenKeys<'_>], sees_resource: bool) -> Vec<String> {
    let is_system = |name: &&str| !name.contains('/') && KeySource::of(&ContextKey::new(name)) == KeySource::Bailiwick;
    let mut keys: Vec<String> =
        Catalogue::builtin().global_keys().map(|key| &*key.name).filter(is_system).map(str::to_owned).collect();
    for tag in subject.tags() {
        let name = format!("aws:PrincipalTag/{}", tag.key);
        let key = ContextKey::new(&name);
        // A tag of the session replaces that of the user or role.
        if !keys.iter().any(|other| key.matches(other)) {
            keys.push(name);
        }
    }
    let given = context.iter().flat_map(|keys| keys.names());
    keys.extend(given.filter(|name| sees_resource || !is_resource_tag(name)).map(str::to_owned));
    keys
}

/// Whether a key has a tag of the resource: `aws:ResourceTag/…`, `s3:ExistingObjectTag/…` and the like.
pub(crate) fn is_resource_tag(key: &str) -> bool {
    let name = key.split_once('/').map_or("", |(name, _)| name).to_ascii_lowercase();
    name.ends_with("tag") && !name.ends_with(":requesttag") && !name.ends_with(":principaltag")
}
