//! What a record keeps of the checks of a call: enough to decide them again.

use bailiwick_decision::{KeySource, ResolvedSubject};
use bailiwick_evaluator::{ContextKey, ContextSource as _, ContextValue as Given};
use bailiwick_model::mask::masked;
use bailiwick_model::{AccountId, Arn};
use bailiwick_operation::{Check, CheckRecord, ContextRecord, ContextValue, SessionRecord};

use super::given_keys::GivenKeys;
use super::question::Question;

/// The checks that a record keeps.
pub(super) const MAX_CHECKS: usize = 16;
/// The bytes of context keys that a record keeps of a check.
const MAX_CONTEXT: usize = 1_024;
/// The bytes of a resource that a record keeps of a check.
const MAX_RESOURCE: usize = 1_024;

/// The record of a check of an operation. `is_first`: the record of the call has the resource.
pub(super) fn of_check(check: &Check, resolved: &ResolvedSubject<'_>, is_first: bool) -> CheckRecord {
    let is_own = check.resource_account.is_none_or(|owner| resolved.subject().account() == Some(owner));
    let mut record = new(check.action, &check.resource, check.resource_account, is_first);
    record.own_password = check.own_password;
    record.second_factor = check.second_factor;
    let mut left = MAX_CONTEXT;
    for (name, value) in &check.context {
        if !is_own && KeySource::of(&ContextKey::new(name)) == KeySource::StoredResource {
            record.incomplete = true;
            continue;
        }
        let (values, is_list) = match value {
            ContextValue::One(value) => (std::slice::from_ref(value), false),
            ContextValue::Many(values) => (&values[..], true),
        };
        add(&mut record, name, values.iter().map(String::as_str), is_list, &mut left);
    }
    record
}

/// The record of a question of another service.
pub(super) fn of_question(
    question: &Question<'_>,
    resolved: &ResolvedSubject<'_>,
    context: &[&GivenKeys<'_>],
) -> CheckRecord {
    let mut record = new(question.action, question.resource, question.account(resolved), true);
    record.incomplete |= question.has_given_policy();
    let mut left = MAX_CONTEXT;
    for keys in context {
        for name in keys.names() {
            match keys.value(&ContextKey::new(name)) {
                Some(Given::Many(values)) => add(&mut record, name, values.iter().copied(), true, &mut left),
                Some(Given::One(value)) => add(&mut record, name, std::iter::once(value), false, &mut left),
                _ => record.incomplete = true,
            }
        }
    }
    record
}

/// The record of the principal's session.
pub(super) fn of_session(resolved: &ResolvedSubject<'_>) -> Option<SessionRecord> {
    let subject = resolved.subject();
    let session = subject.session()?;
    Some(SessionRecord {
        issued: session.issued.as_second(),
        mfa: subject.mfa().map_or(0, |time| time.as_second()),
        source_identity: session.source_identity.clone().unwrap_or_default(),
        limited: session.is_limited(),
        other_keys: !session.tags.is_empty() || session.provider.is_some() || !session.provider_keys.is_empty(),
    })
}

fn new(action: &str, resource: &str, account: Option<AccountId>, is_first: bool) -> CheckRecord {
    let shown = masked(resource);
    let fits = shown.len() <= MAX_RESOURCE;
    let in_arn = Arn::parse(resource).ok().and_then(|arn| arn.account_id());
    CheckRecord {
        action: action.to_owned(),
        resource: if is_first || !fits { String::new() } else { shown.clone().into_owned() },
        resource_account: account.filter(|_| in_arn.is_none()).map(|id| id.to_string()).unwrap_or_default(),
        incomplete: !fits || *shown != *resource,
        ..CheckRecord::default()
    }
}

fn add<'v>(
    record: &mut CheckRecord,
    name: &str,
    values: impl Iterator<Item = &'v str> + Clone,
    is_list: bool,
    left: &mut usize,
) {
    let is_secret = |text: &str| masked(text) != text;
    let bytes = name.len() + values.clone().map(|value| value.len() + 1).sum::<usize>();
    if bytes > *left || is_secret(name) || values.clone().any(is_secret) {
        record.incomplete = true;
        return;
    }
    *left -= bytes;
    record.context.push(ContextRecord { name: name.to_owned(), values: values.map(str::to_owned).collect(), is_list });
}
