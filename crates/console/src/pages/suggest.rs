//! Suggestions while one types: principals and resources that exist, actions of the services that are known, forms of ARNs,
//! context keys with their types. Each answer is short.

use std::sync::Arc;

use bailiwick_policy_lang::Catalogue;
use bailiwick_policy_lang::catalogue::{ConditionKey, Service};
use bailiwick_policy_lang::operator::Family;
use http::StatusCode;
use serde_json::{Value, json};

use crate::lists::Listed;
use crate::pages::known::{prefixes, service};
use crate::pages::{groups, list, policies, roles, users};
use crate::person::{Page, Person};
use crate::reply;

/// How many values an answer has at most, and how many of them are objects of one kind.
const MOST: usize = 30;
const MOST_OF_KIND: usize = 8;
/// The longest text that is looked for.
const MOST_TYPED: usize = 256;

/// A value to choose, and what is said about it.
pub(super) struct Suggestion {
    pub(super) value: String,
    pub(super) label: String,
}

impl Suggestion {
    fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Suggestion { value: value.into(), label: label.into() }
    }
}

/// Answers `/console/suggest` to the script: values for a field that begin like its text, or have it as a part.
pub(super) async fn answer(person: &Person<'_>) -> Page {
    let query = person.query();
    let typed: String = query.typed("text").chars().take(MOST_TYPED).collect();
    let action = query.typed("action");
    let found = match query.raw("field") {
        "principal" => principals(person, &typed, MOST_OF_KIND).await,
        "action" => actions(person, &typed).await,
        "resource" => resources(person, &action, &typed).await,
        "key" => keys(person, &action, &typed).await,
        _ => Vec::new(),
    };
    let shown = |one: &Suggestion| json!({"value": one.value, "label": one.label});
    let values: Vec<Value> = found.iter().take(MOST).map(shown).collect();
    Ok(reply::json(StatusCode::OK, json!({ "values": values }).to_string()))
}

/// The principals whose names have this part: root, users and roles, as far as the person may list them.
pub(super) async fn principals(person: &Person<'_>, typed: &str, most: usize) -> Vec<Suggestion> {
    let part = last_part(typed);
    let own = [&person.session.arn, &format!("{}root", arn_head(person))].map(|arn| Suggestion::new(arn.clone(), ""));
    let mut found: Vec<_> = own.into_iter().filter(|one| has(&one.value, typed)).collect();
    for (kind, items) in [
        ("user", list::named::<users::Users>(person, part, most).await),
        ("role", list::named::<roles::Roles>(person, part, most).await),
    ] {
        found.extend(items.unwrap_or_default().iter().map(|item| existing(person, kind, item)));
    }
    found.dedup_by(|one, other| one.value == other.value);
    found
}

/// The actions of the built-in services, and the prefixes of the registered ones.
pub(super) async fn all_actions(person: &Person<'_>) -> Vec<String> {
    let built_in = Catalogue::builtin().services();
    let own = |service: &Service| {
        service.actions().map(|action| format!("{}:{}", service.prefix, action.name)).collect::<Vec<_>>()
    };
    let mut found: Vec<_> = built_in.flat_map(own).collect();
    let registered = prefixes(person).await.into_iter();
    found.extend(
        registered.filter(|prefix| Catalogue::builtin().service(prefix).is_none()).map(|prefix| format!("{prefix}:")),
    );
    found
}

/// The actions with this text: of the service whose prefix it has, or of the built-in services.
async fn actions(person: &Person<'_>, typed: &str) -> Vec<Suggestion> {
    if let Some((prefix, part)) = typed.split_once(':') {
        let Some(service) = service(person, prefix).await else { return Vec::new() };
        return actions_of(&service, part);
    }
    let prefixes = prefixes(person).await.into_iter().filter(|prefix| has(prefix, typed));
    let mut found: Vec<_> = prefixes.map(|prefix| Suggestion::new(format!("{prefix}:"), "service")).collect();
    if !typed.is_empty() {
        found.extend(Catalogue::builtin().services().flat_map(|service| actions_of(service, typed)));
    }
    found
}

/// The actions of a service whose names have this part; first those that begin with it.
fn actions_of(service: &Service, part: &str) -> Vec<Suggestion> {
    let mut found: Vec<_> = service.actions().filter(|action| has(&action.name, part)).collect();
    let begins =
        |name: &str| name.len() >= part.len() && name.as_bytes()[..part.len()].eq_ignore_ascii_case(part.as_bytes());
    found.sort_by_key(|action| !begins(&action.name));
    let shown = found.into_iter().take(MOST);
    let label = |action: &bailiwick_policy_lang::catalogue::Action| action.access.map_or("", |access| access.as_str());
    shown.map(|action| Suggestion::new(format!("{}:{}", service.prefix, action.name), label(action))).collect()
}

/// Resources of the action: the forms of their ARNs, and what exists of these types with this part in its name.
pub(super) async fn resources(person: &Person<'_>, action: &str, typed: &str) -> Vec<Suggestion> {
    let known = known_action(person, action).await;
    let types: Vec<String> = match &known {
        Some((service, name)) => {
            let action = service.action(name);
            action.into_iter().flat_map(|action| &action.resources).map(|name| name.to_string()).collect()
        }
        None => ["user", "role", "group", "policy"].map(str::to_owned).into(),
    };
    let is_iam = known.as_ref().is_none_or(|(service, _)| &*service.prefix == "iam");
    let mut found = Vec::new();
    let part = last_part(typed);
    for kind in types.iter().filter(|_| is_iam) {
        let items = match kind.as_str() {
            "user" => list::named::<users::Users>(person, part, MOST_OF_KIND).await,
            "role" => list::named::<roles::Roles>(person, part, MOST_OF_KIND).await,
            "group" => list::named::<groups::Groups>(person, part, MOST_OF_KIND).await,
            "policy" => list::named::<policies::Policies>(person, part, MOST_OF_KIND).await,
            _ => continue,
        };
        found.extend(items.unwrap_or_default().iter().map(|item| existing(person, kind, item)));
    }
    let Some((service, _)) = known else { return found };
    let forms = types.iter().filter_map(|name| service.resource(name));
    let forms = forms.flat_map(|kind| kind.arns.iter().map(|arn| (&kind.name, filled(person, arn))));
    found.extend(forms.map(|(kind, arn)| Suggestion::new(arn, format!("form of {kind}"))));
    found
}

/// The context keys that a request for the action may bring, with their types; the global ones come last.
pub(super) async fn keys(person: &Person<'_>, action: &str, typed: &str) -> Vec<Suggestion> {
    let built_in = Catalogue::builtin();
    let mut found = Vec::new();
    if let Some((service, name)) = known_action(person, action).await
        && let Some(action) = service.action(&name)
    {
        let of_resources = action.resources.iter().filter_map(|name| service.resource(name));
        for name in action.keys.iter().chain(of_resources.flat_map(|resource| &resource.keys)) {
            let own = service.keys().find(|key| key.name.eq_ignore_ascii_case(name));
            found.push((name.to_string(), own.or_else(|| built_in.key(name)).map(kind).unwrap_or_default()));
        }
    }
    found.extend(built_in.global_keys().map(|key| (key.name.to_string(), kind(key))));
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|(name, _)| has(name, typed) && seen.insert(name.to_ascii_lowercase()));
    // The name of the tag is typed in the place of the placeholder.
    let value = |name: String| name.strip_suffix("${TagKey}").map(str::to_owned).unwrap_or(name);
    found.into_iter().map(|(name, kind)| Suggestion::new(value(name), kind)).collect()
}

/// The type of a key in words.
fn kind(key: &ConditionKey) -> String {
    let one = match key.family {
        Family::String | Family::Null => "text",
        Family::Numeric => "number",
        Family::Date => "time",
        Family::Bool => "true or false",
        Family::Binary => "base64",
        Family::Ip => "IP address",
        Family::Arn => "ARN",
    };
    if key.multivalued { format!("{one}, several") } else { one.to_owned() }
}

/// The service of an action, and the name of the action without prefix.
async fn known_action(person: &Person<'_>, action: &str) -> Option<(Arc<Service>, String)> {
    let (prefix, name) = action.split_once(':')?;
    let service = service(person, prefix).await?;
    service.action(name)?;
    Some((service, name.to_owned()))
}

/// An object that exists, by its ARN.
fn existing(person: &Person<'_>, kind: &str, item: &Listed) -> Suggestion {
    let value = match kind {
        "policy" => item.about.to_string(),
        _ => format!("{}{kind}{}{}", arn_head(person), item.path, item.name),
    };
    Suggestion::new(value, kind)
}

/// The beginning of the ARNs of IAM in the account in which the person acts.
fn arn_head(person: &Person<'_>) -> String {
    format!("arn:{}:iam::{}:", partition(person), person.account())
}

fn partition<'a>(person: &'a Person<'_>) -> &'a str {
    person.session.arn.split(':').nth(1).unwrap_or("aws")
}

/// The form of an ARN with what is known of it.
fn filled(person: &Person<'_>, arn: &str) -> String {
    arn.replace("${Partition}", partition(person)).replace("${Account}", &person.account())
}

/// What was typed of a name: what follows the last separator.
fn last_part(typed: &str) -> &str {
    typed.rsplit([':', '/']).next().unwrap_or(typed)
}

/// Whether a text has this part, without regard to case.
fn has(text: &str, part: &str) -> bool {
    part.is_empty() || text.to_ascii_lowercase().contains(&part.to_ascii_lowercase())
}
