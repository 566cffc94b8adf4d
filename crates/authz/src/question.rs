//! From a request of `authz.v1` to a question for the evaluator, and to its answer.

use std::collections::HashMap;
use std::ops::Range;

use bailiwick_api::authz::{ContextEntry, ContextType};
use bailiwick_evaluator::{
    Context, ContextKey, ContextSource, ContextValue, GlobalKey, Policies, Policy, Request, ResourceAccount,
};
use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, Result};
use bailiwick_operation::Cx;
use bailiwick_policy_lang::value::is_context_value;
use bailiwick_policy_lang::{Family, PolicyKind, parse};
use smallvec::SmallVec;

use crate::Authz;
use crate::cache::Cache;
use crate::context::{Filler, SystemKeys, filler};
use crate::decide::TRUST_NOBODY;
use crate::disclosure::{Disclosure, is_foreign_account};
use crate::stored::{Brought, Stored};
use crate::subject::Present;

/// What is asked, read and checked.
pub(crate) struct Question<'a> {
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    account: Option<AccountId>,
    policy: Option<Policy>,
}

impl<'a> Question<'a> {
    /// Reads what is asked.
    ///
    /// # Errors
    /// `ValidationError` for an action or resource that is none, or whose owner is not known or contradictory;
    /// `MalformedPolicyDocument`.
    pub(crate) fn read(
        authz: &Authz,
        action: &'a str,
        resource: &'a str,
        resource_account: Option<&str>,
        resource_policy: Option<&str>,
    ) -> Result<Self> {
        service_prefix(action)?;
        let account = owner(resource, resource_account)?;
        let policy = resource_policy.map(|text| compiled(&authz.resource_policies, PolicyKind::Resource, text));
        Ok(Question { action, resource, account, policy: policy.transpose()? })
    }

    /// Puts the question about a subject to `then`, as the evaluator wants it, and says which policies the asker may be
    /// told about.
    ///
    /// # Errors
    /// `ValidationError` for tags of a resource whose tags are stored here, and for a policy of another account's IAM
    /// resource; what `then` says.
    pub(crate) fn put<T>(
        &self,
        cx: &Cx,
        present: &Present<'_>,
        context: &[&GivenKeys<'_>],
        then: impl FnOnce(&Request<'_>, &Policies<'_>, Disclosure) -> Result<T>,
    ) -> Result<T> {
        let system = SystemKeys { present, now: cx.now() };
        // An action that knows no resource happens in the caller's account.
        let account = self.account.or(if self.resource == "*" { present.subject.account } else { None });
        let digits = account.map(AccountId::digits);
        let resource = ResourceKeys(digits.as_ref().and_then(|digits| std::str::from_utf8(digits).ok()));
        let stored = Stored::of(present.snapshot, account, self.resource);
        if self.policy.is_some() && matches!(stored, Stored::Own(_)) && is_foreign_account(cx, account) {
            // With conditions on tags of its own choice, the asker would learn which users and roles another account has,
            // and their tags. The ARN alone determines this error.
            return Err(wrong(
                "resourcePolicy",
                "`resource_policy` cannot be given for IAM's resources of another account",
            ));
        }
        // Who may not know what is stored of the resource does not learn it by a refusal: what they bring is passed over.
        let hides_tags = matches!(stored, Stored::Kept(_)) && is_foreign_account(cx, account);
        if stored.has_tags() && !hides_tags {
            context.iter().try_for_each(|keys| keys.refuse_resource_tags())?;
        }
        let brought: SmallVec<[Brought<'_, '_>; 2]> = context.iter().map(|keys| Brought { keys, hides_tags }).collect();
        let mut layers: SmallVec<[&dyn ContextSource; 5]> = SmallVec::new();
        layers.push(&system);
        layers.push(&resource);
        layers.push(&stored);
        layers.extend(brought.iter().map(|keys| keys as &dyn ContextSource));
        let request = Request {
            principal: present.principal(),
            action: self.action,
            resource: self.resource,
            resource_account: ResourceAccount {
                id: account,
                is_management: account == Some(present.snapshot.management_account()),
            },
            context: Context::new(&layers),
        };
        let policies = Policies {
            resource: self.policy.as_ref().or_else(|| stored.policy()),
            resource_must_allow: self.action.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("kms:")),
            trust: trust(cx, present, self.action, self.resource),
            ..present.policies()
        };
        let disclosure = Disclosure::of(cx, present.subject.account, account, self.policy.is_some(), &policies);
        then(&request, &policies, disclosure)
    }
}

/// The trust policy that takes part in a question about assuming a role; without one, nothing allows it.
///
/// Roles of foreign accounts look as if they did not exist to a service that merely names another service, or no caller
/// at all: the decision would tell which roles exist and which services they trust.
fn trust<'s>(cx: &Cx, present: &Present<'s>, action: &str, resource: &str) -> Option<&'s Policy> {
    if !is_assuming(action) {
        return None;
    }
    let arn = assumed(action, resource);
    let arn = arn.filter(|arn| !(present.subject.is_claimed && is_foreign_account(cx, arn.account_id())));
    let role = arn.and_then(|arn| present.snapshot.entity_by_arn(&arn));
    Some(role.and_then(|role| role.role.as_ref()).map_or(&*TRUST_NOBODY, |role| &role.trust))
}

/// The role that somebody asks to assume, or to assume with tags or a source identity.
pub(crate) fn assumed(action: &str, resource: &str) -> Option<Arn> {
    Arn::parse(resource).ok().filter(|_| is_assuming(action))
}

/// Whether an action is a role's trust policy's to allow.
pub(crate) fn is_assuming(action: &str) -> bool {
    const ASSUME: &str = "sts:AssumeRole";
    const WITH: [&str; 2] = ["sts:TagSession", "sts:SetSourceIdentity"];
    action.get(..ASSUME.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(ASSUME))
        || WITH.iter().any(|with| with.eq_ignore_ascii_case(action))
}

/// The prefix of an action's service: `s3` of `s3:GetObject`.
///
/// # Errors
/// `ValidationError` for what is no action; a pattern is none.
pub(crate) fn service_prefix(action: &str) -> Result<&str> {
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    action
        .split_once(':')
        .filter(|(prefix, name)| is_word(prefix) && is_word(name))
        .map(|(prefix, _)| prefix)
        .ok_or_else(|| wrong("action", "`action` must be one action, such as `s3:GetObject`"))
}

/// The account that owns a resource; none where there is no resource.
pub(crate) fn owner(resource: &str, said: Option<&str>) -> Result<Option<AccountId>> {
    let said = said.map(AccountId::parse).transpose()?;
    if resource == "*" {
        return Ok(said);
    }
    let malformed = || wrong("resource", "`resource` must be an ARN, or `*` for an action that knows no resource");
    // What services call their things is theirs to say: only the shape is looked at.
    if resource.chars().any(char::is_control) {
        return Err(malformed());
    }
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    let &["arn", partition, service, _, account, name] = parts.as_slice() else { return Err(malformed()) };
    if partition.is_empty() || service.is_empty() || name.is_empty() {
        return Err(malformed());
    }
    let named = match account {
        "" => None,
        // The deployment's own managed policies: nobody's.
        "aws" => return Ok(None),
        digits => Some(AccountId::parse(digits).map_err(|_| malformed())?),
    };
    match (named, said) {
        (Some(named), Some(said)) if named != said => {
            Err(wrong("resourceAccount", "`resource_account` is not the account that `resource` names"))
        }
        (None, None) => {
            Err(wrong("resourceAccount", "`resource` names no account, so `resource_account` must say who owns it"))
        }
        (named, said) => Ok(named.or(said)),
    }
}

struct ResourceKeys<'a>(Option<&'a str>);

impl ContextSource for ResourceKeys<'_> {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        match key.global()? {
            GlobalKey::ResourceAccount => self.0.map(ContextValue::One),
            _ => None,
        }
    }
}

/// Context keys as the asking service gave them, checked.
#[derive(Default)]
pub(crate) struct GivenKeys<'a> {
    keys: Vec<(&'a str, GivenValue<'a>)>,
    /// Where there are many, or some beyond ASCII: the place of each, by its name in lower case.
    places: Option<HashMap<Box<str>, usize>>,
    /// The values of all keys that have several, one after the other.
    many: Vec<&'a str>,
    /// A key of theirs that is about a tag of the resource.
    resource_tag: Option<&'a str>,
}

/// More keys than this are found by a table.
const FEW: usize = 16;

enum GivenValue<'a> {
    One(&'a str),
    Many(Range<usize>),
}

impl<'a> GivenKeys<'a> {
    /// Reads context keys; none may be among those of `besides`.
    ///
    /// # Errors
    /// `ValidationError` for a key that comes from Bailiwick alone or is there twice, and for values that are not
    /// what their type says.
    pub(crate) fn read(entries: &'a [ContextEntry], besides: Option<&GivenKeys<'_>>) -> Result<Self> {
        let is_plain = entries.len() <= FEW && entries.iter().all(|entry| entry.key.is_ascii());
        let mut given = GivenKeys {
            keys: Vec::with_capacity(entries.len()),
            places: (!is_plain).then(HashMap::new),
            ..GivenKeys::default()
        };
        for entry in entries {
            let key = entry.key.as_str();
            if key.is_empty() || key.chars().any(|c| c.is_whitespace() && c != ' ' || c.is_control()) {
                return Err(wrong("context", "a context key must be a name such as `aws:SourceIp`"));
            }
            if is_global(key) {
                match filler(&ContextKey::new(key)) {
                    Filler::Bailiwick => return Err(not_given(key, "Bailiwick alone")),
                    Filler::StoredResource => given.resource_tag = Some(key),
                    Filler::PassRole | Filler::AskingService => {}
                }
            }
            if given.has(key) || besides.is_some_and(|besides| besides.has(key)) {
                return Err(wrong("context", format!("the context key `{key}` is given twice")));
            }
            let value = given.values(entry)?;
            if let Some(places) = &mut given.places {
                places.insert(ContextKey::new(key).as_str().into(), given.keys.len());
            }
            given.keys.push((key, value));
        }
        Ok(given)
    }

    /// Refuses keys about the tags of a resource whose tags are stored here.
    fn refuse_resource_tags(&self) -> Result<()> {
        match self.resource_tag {
            Some(key) => Err(not_given(key, "Bailiwick, which keeps what there is to know of the resource,")),
            None => Ok(()),
        }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        match &self.places {
            Some(places) => places.contains_key(ContextKey::new(key).as_str()),
            None if key.is_ascii() => self.keys.iter().any(|(other, _)| other.eq_ignore_ascii_case(key)),
            None => {
                let key = ContextKey::new(key);
                self.keys.iter().any(|(other, _)| other.eq_ignore_ascii_case(key.as_str()))
            }
        }
    }

    fn values(&mut self, entry: &'a ContextEntry) -> Result<GivenValue<'a>> {
        let kind = ContextType::try_from(entry.r#type)
            .map_err(|_| wrong("context", format!("the context key `{}` has an unknown type", entry.key)))?;
        let (is_list, family) = shape(kind, entry.values.len());
        if let Some(bad) = entry.values.iter().find(|value| !is_context_value(family, value)) {
            let shown: String = bad.chars().take(64).filter(|c| !c.is_control()).collect();
            return Err(wrong(
                "context",
                format!(
                    "the context key `{}` has the type {}, and its value `{shown}` is not of that type",
                    entry.key,
                    kind.as_str_name()
                ),
            ));
        }
        match entry.values.as_slice() {
            [value] if !is_list => Ok(GivenValue::One(value)),
            _ if !is_list => Err(wrong("context", format!("the context key `{}` must have one value", entry.key))),
            values => {
                let start = self.many.len();
                self.many.extend(values.iter().map(String::as_str));
                Ok(GivenValue::Many(start..self.many.len()))
            }
        }
    }
}

impl ContextSource for GivenKeys<'_> {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        let (_, value) = match &self.places {
            Some(places) => self.keys.get(*places.get(key.as_str())?).filter(|(name, _)| key.matches(name))?,
            None => self.keys.iter().find(|(name, _)| key.matches(name))?,
        };
        Some(match value {
            GivenValue::One(value) => ContextValue::One(value),
            GivenValue::Many(range) => ContextValue::Many(&self.many[range.clone()]),
        })
    }
}

/// What is wrong with a member of a question.
pub(crate) fn wrong(member: &str, message: impl Into<String>) -> IamError {
    let message = message.into();
    IamError::validation(message.clone()).field(member, message)
}

/// What is said of a key that comes from elsewhere.
pub(crate) fn not_given(key: &str, from: &str) -> IamError {
    wrong("context", format!("the context key `{key}` comes from {from} and can't be given"))
}

/// Whether a key may be one that is filled in here.
fn is_global(key: &str) -> bool {
    let head = key.as_bytes().get(..4);
    head.is_some_and(|head| head.eq_ignore_ascii_case(b"aws:") || head.eq_ignore_ascii_case(b"iam:"))
}

/// Whether a type has several values, and the operators whose grammar each of them follows.
pub(crate) fn shape(kind: ContextType, count: usize) -> (bool, Family) {
    match kind {
        ContextType::Unspecified => (count > 1, Family::String),
        ContextType::String => (false, Family::String),
        ContextType::StringList => (true, Family::String),
        ContextType::Numeric => (false, Family::Numeric),
        ContextType::NumericList => (true, Family::Numeric),
        ContextType::Boolean => (false, Family::Bool),
        ContextType::BooleanList => (true, Family::Bool),
        ContextType::Ip => (false, Family::Ip),
        ContextType::IpList => (true, Family::Ip),
        ContextType::Binary => (false, Family::Binary),
        ContextType::BinaryList => (true, Family::Binary),
        ContextType::Date => (false, Family::Date),
        ContextType::DateList => (true, Family::Date),
    }
}

/// A policy that came with a request or a session, compiled; kept, since the same ones come again and again.
///
/// # Errors
/// `MalformedPolicyDocument` with the place and what was expected there.
pub(crate) fn compiled(kept: &Cache<Box<str>, Policy>, kind: PolicyKind, text: &str) -> Result<Policy> {
    if let Some(policy) = kept.get(text) {
        return Ok(policy);
    }
    let document = parse(text, kind).map_err(|error| {
        let message = error.to_string();
        IamError::new(ErrorCode::MalformedPolicyDocument, &*message).field("resourcePolicy", &*message).caused_by(error)
    })?;
    let policy = Policy::compile_named(&document, kind, None);
    kept.insert(text.into(), policy.clone(), text.len().saturating_add(256));
    Ok(policy)
}
