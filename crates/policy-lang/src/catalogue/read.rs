//! Reading a catalogue's JSON.

use std::borrow::Cow;
use std::fmt;

use super::{AccessLevel, Action, Catalogue, ConditionKey, ResourceType, Service, key_id};
use crate::error::{ErrorKind, UnlocatedError, did_you_mean};
use crate::json::{Node, NodeKind, Paths, Tree, quoted};
use crate::operator::Family;
use crate::path::Path;
use crate::span::Span;
use crate::suggest::nearest;

/// The reason why a text is not a catalogue, with its location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueError {
    /// Where it is wrong.
    pub span: Span,
    /// The same as a path of keys and indexes.
    pub path: Path,
    /// What stands there.
    pub found: Cow<'static, str>,
    /// What should.
    pub expected: Cow<'static, str>,
    /// The name that was probably meant.
    pub meant: Option<Box<str>>,
}

impl fmt::Display for CatalogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.span.start)?;
        if !self.path.is_empty() {
            write!(f, "in {}: ", self.path)?;
        }
        let meant = did_you_mean(self.meant.as_deref(), self.found.trim_matches('`'));
        write!(f, "found {}, expected {}{meant}", self.found, self.expected)
    }
}

impl std::error::Error for CatalogueError {}

/// The longest catalogue read: every service of AWS fits several times.
const LONGEST: usize = 64 * 1024 * 1024;

type Result<T> = std::result::Result<T, UnlocatedError>;

impl Catalogue {
    /// Reads a catalogue.
    ///
    /// # Errors
    /// The first thing that keeps the text from being one; unknown members are refused.
    pub fn parse(text: &str) -> std::result::Result<Self, CatalogueError> {
        let error = |UnlocatedError { span, found, expected, meant, .. }, path| CatalogueError {
            span,
            path,
            found,
            expected,
            meant,
        };
        if text.len() > LONGEST {
            let found = format!("{} bytes", text.len());
            let expected = format!("at most {LONGEST} bytes");
            let problem = UnlocatedError::new(ErrorKind::TooLong, Span::default(), found, expected);
            return Err(error(problem, Path::default()));
        }
        let tree = Tree::read(text, 8).map_err(|problem| error(problem, Path::default()))?;
        let read = match tree.duplicates.first() {
            Some(duplicate) => Err(duplicate.clone()),
            None => catalogue(tree.root()),
        };
        read.map_err(|problem| {
            let path = Paths::new(&tree).at(problem.span.start.offset);
            error(problem, path)
        })
    }
}

fn catalogue(node: Node<'_, '_>) -> Result<Catalogue> {
    let mut catalogue = Catalogue::default();
    let mut format = false;
    for (key, value) in members(node)? {
        match &*key.text() {
            "catalogue" if value.raw() == "1" => format = true,
            "catalogue" => return wrong(value, "format `1`"),
            "complete" if value.kind() == NodeKind::Bool => catalogue.complete = value.raw() == "true",
            "complete" => return wrong(value, "a boolean"),
            "keys" => {
                for (name, value) in members(value)? {
                    let key = condition_key(name, value)?;
                    catalogue.global_keys.insert(key_id(&key.name).into(), key);
                }
            }
            "services" => {
                for (prefix, value) in members(value)? {
                    catalogue.insert(service(prefix, value)?);
                }
            }
            _ => return misspelt(key, "`catalogue`, `complete`, `keys` or `services`", &CATALOGUE),
        }
    }
    if format { Ok(catalogue) } else { wrong(node, "a member `catalogue`, which is the format") }
}

fn service(prefix: Node<'_, '_>, node: Node<'_, '_>) -> Result<Service> {
    let name = prefix.text();
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(good) {
        return wrong(prefix, "a service prefix: lower case letters, digits and hyphens");
    }
    let mut service = Service::new(&name);
    for (key, value) in members(node)? {
        match &*key.text() {
            "principals" => service.principals = strings(value)?,
            "signingNames" => service.signing_names = strings(value)?,
            "actors" => service.actors = Some(strings(value)?),
            "keys" => {
                for (name, value) in members(value)? {
                    service.insert_key(condition_key(name, value)?);
                }
            }
            "resources" => {
                for (name, value) in members(value)? {
                    service.insert_resource(resource(name, value)?);
                }
            }
            "actions" => {
                for (name, value) in members(value)? {
                    service.insert_action(action(name, value)?);
                }
            }
            _ => {
                return misspelt(
                    key,
                    "`principals`, `signingNames`, `actors`, `keys`, `resources` or `actions`",
                    &SERVICE,
                );
            }
        }
    }
    let known = |name: &str| service.resources.contains_key(name);
    let unknown = service.actions().flat_map(|action| &action.resources).find(|name| !known(name));
    match unknown {
        None => Ok(service),
        Some(name) => {
            let expected = format!("a resource type {} of the service, which an action names", quoted(name));
            Err(UnlocatedError::new(ErrorKind::DataType, node.span(), "none", expected))
        }
    }
}

fn resource(name: Node<'_, '_>, node: Node<'_, '_>) -> Result<ResourceType> {
    let mut resource = ResourceType { name: name.text().into(), arns: Vec::new(), keys: Vec::new() };
    for (key, value) in members(node)? {
        match &*key.text() {
            "arns" => resource.arns = strings(value)?,
            "keys" => resource.keys = strings(value)?,
            _ => return misspelt(key, "`arns` or `keys`", &["arns", "keys"]),
        }
    }
    if resource.arns.iter().all(|arn| arn.starts_with("arn:") && arn.splitn(6, ':').count() == 6) {
        return Ok(resource);
    }
    wrong(node, "ARNs of six parts")
}

fn action(name: Node<'_, '_>, node: Node<'_, '_>) -> Result<Action> {
    let mut action = Action { name: name.text().into(), access: None, resources: Vec::new(), keys: Vec::new() };
    if action.name.is_empty() || !action.name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return wrong(name, "the name of an action: letters and digits");
    }
    for (key, value) in members(node)? {
        match &*key.text() {
            "access" => action.access = Some(access(value)?),
            "resources" => action.resources = strings(value)?,
            "keys" => action.keys = strings(value)?,
            _ => return misspelt(key, "`access`, `resources` or `keys`", &["access", "resources", "keys"]),
        }
    }
    Ok(action)
}

fn access(value: Node<'_, '_>) -> Result<AccessLevel> {
    match AccessLevel::parse(&value.text()).filter(|_| value.is_string()) {
        Some(level) => Ok(level),
        None => {
            let names = AccessLevel::ALL.map(AccessLevel::as_str);
            misspelt(value, "one of `List`, `Read`, `Write`, `Tagging` or `Permissions management`", &names)
        }
    }
}

fn condition_key(name: Node<'_, '_>, value: Node<'_, '_>) -> Result<ConditionKey> {
    let text = name.text();
    if text.split_once(':').is_none_or(|(prefix, key)| prefix.is_empty() || key.is_empty()) {
        return wrong(name, "a condition key: a prefix, a colon and a name");
    }
    let type_name = value.text();
    let (multivalued, single) = match type_name.strip_prefix("ArrayOf") {
        Some(single) => (true, single),
        None => (false, &*type_name),
    };
    let family = TYPES.iter().find(|(_, name)| *name == single).map(|(family, _)| *family);
    match family.filter(|_| value.is_string()) {
        Some(family) => Ok(ConditionKey { name: text.into(), family, multivalued }),
        None => {
            let names: Vec<String> =
                TYPES.iter().flat_map(|(_, name)| [(*name).to_owned(), format!("ArrayOf{name}")]).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let expected = "one of `String`, `ARN`, `Bool`, `Date`, `Numeric`, `IPAddress`, `Binary`, or `ArrayOf…`";
            misspelt(value, expected, &names)
        }
    }
}

/// The types of condition keys as catalogues write them.
pub(super) const TYPES: [(Family, &str); 7] = [
    (Family::String, "String"),
    (Family::Arn, "ARN"),
    (Family::Bool, "Bool"),
    (Family::Date, "Date"),
    (Family::Numeric, "Numeric"),
    (Family::Ip, "IPAddress"),
    (Family::Binary, "Binary"),
];

fn members<'t, 'a>(node: Node<'t, 'a>) -> Result<impl Iterator<Item = (Node<'t, 'a>, Node<'t, 'a>)>> {
    if node.kind() == NodeKind::Object { Ok(node.members()) } else { wrong(node, "an object") }
}

fn strings(node: Node<'_, '_>) -> Result<Vec<Box<str>>> {
    if node.kind() != NodeKind::Array {
        return wrong(node, "an array of strings");
    }
    let string = |item: Node<'_, '_>| if item.is_string() { Ok(item.text().into()) } else { wrong(item, "a string") };
    node.items().map(string).collect()
}

/// The members of a catalogue.
const CATALOGUE: [&str; 4] = ["catalogue", "complete", "keys", "services"];
/// The members of a service.
const SERVICE: [&str; 6] = ["principals", "signingNames", "actors", "keys", "resources", "actions"];

/// A name that is none of these.
fn misspelt<T>(node: Node<'_, '_>, expected: &'static str, known: &[&str]) -> Result<T> {
    let meant = nearest(&node.text(), known.iter().copied());
    wrong(node, expected).map_err(|problem| problem.meaning(meant))
}

fn wrong<T>(node: Node<'_, '_>, expected: &'static str) -> Result<T> {
    let found = match node.kind() {
        NodeKind::Object | NodeKind::Array => node.describe().to_owned(),
        _ => quoted(&node.text()),
    };
    Err(UnlocatedError::new(ErrorKind::DataType, node.span(), found, expected))
}
