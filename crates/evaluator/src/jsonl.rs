#![doc = include_str!("../JSONL.md")]

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use bailiwick_policy_lang::{Catalogue, PolicyKind, nearest, parse};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::json;
use serde_json::value::RawValue;

use crate::{Context, ContextSource, Decision, IndexedPolicies, Policies, Policy, Request, decide, explain};

mod context;
mod explanation;
mod principal;

use context::Keys;

/// The format of cases and answers, as this module's documentation has it: Markdown for a reader.
pub const FORMAT: &str = include_str!("../JSONL.md");

/// Decides the case in `line` and answers with one line of JSON: `{"id": …, "decision": …}`, with an `explanation` if
/// wanted, or `{"id": …, "error": …}` for what can't be read.
#[must_use]
pub fn evaluate_line(line: &str, with_explanation: bool) -> Answer {
    let case = match serde_json::from_str::<Object<Case<'_>>>(line) {
        Ok(Object(case)) => case,
        Err(error) => return Answer::error(id_of(line), &words(&error)),
    };
    if !case.request.action.contains(':') {
        let error =
            format!("`{}` is not an action: expected service:Name, such as `s3:GetObject`", case.request.action);
        return Answer::error(Some(case.id), &error);
    }
    let compiled = match case.compile() {
        Ok(compiled) => compiled,
        Err(error) => return Answer::error(Some(case.id), &error),
    };
    compiled.with(&case, |request, policies| {
        let decision = decide(request, policies);
        let mut answer = json!({"id": case.id, "decision": decision.outcome.as_str()});
        if with_explanation {
            let mut explained = explain(request, policies);
            explained.check_names(Catalogue::builtin());
            answer["explanation"] = explanation::json(&explained);
        }
        Answer { line: answer.to_string(), decision: Some(decision), problem: None }
    })
}

/// Decides the case in `line` without an index over its identity policies, and with one over the first `indexed` of them.
/// Returns `None` if it cannot be read.
pub(crate) fn decide_both_ways(line: &str, indexed: usize) -> Option<(Decision, Decision)> {
    let Object(case) = serde_json::from_str::<Object<Case<'_>>>(line).ok()?;
    let compiled = case.compile().ok()?;
    let all: Vec<Policy> = compiled.identity.iter().chain(&compiled.groups).cloned().collect();
    let (first, rest) = all.split_at(indexed.min(all.len()));
    let first = IndexedPolicies::new(first.iter().cloned());
    Some(compiled.with(&case, |request, policies| {
        let indexed = Policies { indexed: Some(&first), identity: &[rest], ..*policies };
        (decide(request, policies), decide(request, &indexed))
    }))
}

/// [`evaluate_line`] for a line that may be anything.
#[must_use]
pub fn evaluate_bytes(line: &[u8], with_explanation: bool) -> Answer {
    match std::str::from_utf8(line) {
        Ok(line) => evaluate_line(line, with_explanation),
        Err(error) => {
            let good = line.get(..error.valid_up_to()).and_then(|good| std::str::from_utf8(good).ok());
            let error = format!("not UTF-8 after the first {} bytes", error.valid_up_to());
            Answer::error(good.and_then(id_of), &error)
        }
    }
}

/// The answer to one line.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The line to print, without a line break.
    pub line: String,
    /// The decision; `None` when the case could not be read.
    pub decision: Option<Decision>,
    /// Why the case could not be read.
    pub problem: Option<Problem>,
}

/// Why a case could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The id of the case, if it could be parsed.
    pub id: Option<String>,
    /// The reason.
    pub error: String,
}

impl Answer {
    /// The answer for a line that is not a case.
    #[must_use]
    pub fn error(id: Option<String>, error: &str) -> Self {
        let line = json!({"id": id, "error": error}).to_string();
        Self { line, decision: None, problem: Some(Problem { id, error: error.to_owned() }) }
    }

    /// The same, with the location of the case before the reason.
    #[must_use]
    pub fn at(self, place: &str) -> Self {
        match self.problem {
            None => self,
            Some(Problem { id, error }) => Self::error(id, &format!("{place}: {error}")),
        }
    }
}

/// The reason why the JSON of a case is invalid, in terms of JSON rather than of the parser.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let (said, _) = text.rsplit_once(" at line ").unwrap_or((&text, ""));
    let place = match (error.line(), error.column()) {
        (0, _) | (_, 0) => String::new(),
        (1, column) => format!(" (column {column})"),
        (line, column) => format!(" (line {line}, column {column})"),
    };
    match error.classify() {
        Category::Eof => format!("the JSON ends too early{place}"),
        // The reader took a word for the beginning of `null`, `true` or `false`.
        Category::Syntax if said == "expected ident" || said == "expected value" => {
            format!("not JSON: expected a case, such as {{\"id\": …, \"request\": …}}{place}")
        }
        Category::Syntax => format!("not JSON: {said}{place}"),
        Category::Data | Category::Io => format!("{}{}{place}", said_plainly(said), meant(said)),
    }
}

/// "invalid type: sequence, expected a string" in the words of JSON.
fn said_plainly(said: &str) -> String {
    let Some((found, expected)) = said.strip_prefix("invalid type: ").and_then(|rest| rest.rsplit_once(", expected "))
    else {
        return said.to_owned();
    };
    let found = match found {
        "sequence" => "an array".to_owned(),
        "map" => "an object".to_owned(),
        "null" | "unit value" => "`null`".to_owned(),
        other => match other.split_once(' ') {
            Some(("integer" | "floating", value)) => format!("the number {}", value.trim_start_matches("point ")),
            Some(("boolean", value)) => value.to_owned(),
            Some(("string", value)) => format!("the string {value}"),
            _ => other.to_owned(),
        },
    };
    format!("found {found}, expected {expected}")
}

/// Of "unknown field `x`, expected one of `y`, `z`", the name that was probably meant.
fn meant(said: &str) -> String {
    let mut names = said.split('`').skip(1).step_by(2);
    let found = names.next().filter(|_| said.starts_with("unknown "));
    let meant = found.and_then(|found| nearest(found, names));
    meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default()
}

/// Returns the first id of a line that is not a case, even if the line is truncated after it.
fn id_of(line: &str) -> Option<String> {
    struct Finder<'a>(&'a mut Option<String>);
    impl<'de> Visitor<'de> for Finder<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                if key == "id" && self.0.is_none() {
                    *self.0 = Some(map.next_value()?);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(())
        }
    }
    let mut id = None;
    // The caller has an error already.
    let _ = serde_json::Deserializer::from_str(line).deserialize_map(Finder(&mut id));
    id
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case<'a> {
    id: String,
    #[serde(deserialize_with = "object")]
    request: CaseRequest,
    #[serde(borrow, default)]
    identity_policies: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    group_policies: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    boundary: Option<&'a RawValue>,
    #[serde(borrow, default)]
    session_policies: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    scps: Vec<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    rcps: Vec<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    resource_policy: Option<&'a RawValue>,
    #[serde(borrow, default)]
    trust: Option<&'a RawValue>,
    #[serde(borrow, default)]
    endpoint_policy: Option<&'a RawValue>,
    #[serde(default, rename = "tags")]
    _tags: IgnoredAny,
    #[serde(default, rename = "expected")]
    _expected: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CaseRequest {
    principal: String,
    action: String,
    resource: String,
    #[serde(default)]
    resource_account: Option<String>,
    #[serde(default)]
    context: Keys,
}

/// What is written as an object: an array of the members in their order is none.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Reader(PhantomData))
    }
}

fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Object::deserialize(deserializer).map(|Object(inside)| inside)
}

/// The policies of a case, compiled.
struct Compiled {
    identity: Vec<Policy>,
    groups: Vec<Policy>,
    boundary: Option<Policy>,
    session: Vec<Policy>,
    scps: Vec<Vec<Policy>>,
    rcps: Vec<Vec<Policy>>,
    resource: Option<Policy>,
    trust: Option<Policy>,
    endpoint: Option<Policy>,
    principal: principal::Caller,
    resource_account: Option<bailiwick_model::AccountId>,
}

impl Case<'_> {
    fn compile(&self) -> Result<Compiled, String> {
        let one = |name: String, raw: &RawValue, kind| {
            let document = parse(&escaped(raw.get()), kind).map_err(|error| format!("{name}: {error}"))?;
            Ok::<_, String>(Policy::compile_named(&document, kind, Some(&name)))
        };
        let list = |name: &str, raws: &[&RawValue], kind| {
            raws.iter().enumerate().map(|(at, raw)| one(format!("{name}[{at}]"), raw, kind)).collect::<Result<_, _>>()
        };
        let levels = |name: &str, levels: &[Vec<&RawValue>], kind| {
            let level = |(at, level): (usize, &Vec<&RawValue>)| list(&format!("{name}[{at}]"), level, kind);
            levels.iter().enumerate().map(level).collect::<Result<_, _>>()
        };
        let option =
            |name: &str, raw: Option<&RawValue>, kind| raw.map(|raw| one(name.to_owned(), raw, kind)).transpose();
        let principal = principal::Caller::read(&self.request)?;
        Ok(Compiled {
            identity: list("identityPolicies", &self.identity_policies, PolicyKind::Identity)?,
            groups: list("groupPolicies", &self.group_policies, PolicyKind::Identity)?,
            boundary: option("boundary", self.boundary, PolicyKind::Boundary)?,
            session: list("sessionPolicies", &self.session_policies, PolicyKind::Session)?,
            scps: levels("scps", &self.scps, PolicyKind::Scp)?,
            rcps: levels("rcps", &self.rcps, PolicyKind::Rcp)?,
            resource: option("resourcePolicy", self.resource_policy, PolicyKind::Resource)?,
            trust: option("trust", self.trust, PolicyKind::Trust)?,
            endpoint: option("endpointPolicy", self.endpoint_policy, PolicyKind::Endpoint)?,
            resource_account: principal::resource_account(&self.request, &principal)?,
            principal,
        })
    }
}

/// A document as a policy may hold it: characters beyond U+00FF, which within JSON stand in strings alone, as escapes.
/// This is invisible to the authors of cases.
fn escaped(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ..='\u{ff}' => out.push(c),
            c => out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}"))),
        }
    }
    Cow::Owned(out)
}

impl Compiled {
    /// Borrows everything as the evaluator wants it.
    fn with<R>(&self, case: &Case<'_>, then: impl FnOnce(&Request<'_>, &Policies<'_>) -> R) -> R {
        let identity = [&*self.identity, &*self.groups];
        let session = [&*self.session];
        let scps: Vec<&[Policy]> = self.scps.iter().map(Vec::as_slice).collect();
        let rcps: Vec<&[Policy]> = self.rcps.iter().map(Vec::as_slice).collect();
        let policies = Policies {
            identity: &identity,
            indexed: None,
            boundary: self.boundary.as_ref(),
            session: (!self.session.is_empty()).then_some(&session),
            scopes: &[],
            scps: &scps,
            rcps: &rcps,
            resource: self.resource.as_ref(),
            resource_must_allow: self.resource.is_some() && principal::is_kms_key(&case.request.resource),
            trust: self.trust.as_ref(),
            endpoint: self.endpoint.as_ref(),
        };
        let texts = case.request.context.borrowed();
        let keys = case.request.context.source(&texts);
        let layers: [&dyn ContextSource; 1] = [&keys];
        let request = Request {
            principal: self.principal.as_principal(),
            action: &case.request.action,
            resource: &case.request.resource,
            resource_account: crate::ResourceAccount { id: self.resource_account, is_management: false },
            context: Context::new(&layers),
        };
        then(&request, &policies)
    }
}

#[cfg(test)]
mod tests;
