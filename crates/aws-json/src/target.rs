//! Which operation a request is for: by `X-Amz-Target` in AWS JSON 1.1, by method and path in REST-JSON.

use std::borrow::Cow;
use std::sync::LazyLock;

use bailiwick_api::{OPERATIONS, OperationInfo, pool};
use bailiwick_model::{ErrorCode, IamError, Result};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Uri, header};
use percent_encoding::percent_decode_str;
use prost_reflect::{MethodDescriptor, Value};

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
/// The maximum length of an operation's name in a message.
const MAX_NAME: usize = 64;

/// A protocol of this front end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// AWS JSON 1.1: every operation is a POST to `/`.
    Json11,
    /// REST-JSON: operations have a method and a path.
    RestJson,
}

/// The operation of a request, with the members that the path has.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) operation: &'static OperationInfo,
    pub(crate) path_members: Vec<(&'static str, String)>,
}

impl Protocol {
    /// The protocol of a request for an operation of this front end, whether or not there is such an operation. None if
    /// the request is for another front end.
    pub fn of(uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        let table = Table::get();
        if table.paths.iter().any(|path| path.begins(uri.path())) {
            return Some(Protocol::RestJson);
        }
        let mut targets = headers.get_all(TARGET).iter().filter_map(|value| value.to_str().ok());
        targets.any(|target| table.targets.iter().any(|known| known.name(target).is_some())).then_some(Protocol::Json11)
    }

    /// Finds the operation.
    ///
    /// # Errors
    /// `InvalidAction` if there is none; `MalformedInput` if the request cannot be read in this protocol.
    pub(crate) fn target(self, head: &Parts) -> Result<Target> {
        match self {
            Protocol::Json11 => by_header(head),
            Protocol::RestJson => by_path(head),
        }
    }
}

fn by_header(head: &Parts) -> Result<Target> {
    if head.method != Method::POST || head.uri.path() != "/" {
        return Err(IamError::new(ErrorCode::InvalidAction, "an operation of AWS JSON 1.1 is a POST to the path `/`"));
    }
    expect_json(&head.headers)?;
    let mut values = head.headers.get_all(TARGET).iter();
    let target = match (values.next().map(|value| value.to_str()), values.next()) {
        (Some(Ok(target)), None) => target,
        _ => {
            return Err(IamError::new(
                ErrorCode::MalformedInput,
                "the header `X-Amz-Target` must occur once, in ASCII",
            ));
        }
    };
    let mut known = Table::get().targets.iter().filter_map(|known| Some((known, known.name(target)?)));
    let Some((service, name)) = known.next() else {
        return Err(IamError::new(ErrorCode::InvalidAction, "`X-Amz-Target` names no service that is served here"));
    };
    let found = service.operations.iter().find(|operation| operation.name == name);
    let operation = found.copied().ok_or_else(|| service.unknown(name))?;
    Ok(Target { operation, path_members: Vec::new() })
}

/// Requires the content type of AWS JSON 1.1, and a body that is not compressed.
fn expect_json(headers: &HeaderMap) -> Result<()> {
    let refused = |message| Err(IamError::new(ErrorCode::MalformedInput, message));
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let given = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().unwrap_or_default(),
        _ => "",
    };
    let (media, parameter) = given.split_once(';').unwrap_or((given, "charset=utf-8"));
    let is_utf8 = parameter.trim().eq_ignore_ascii_case("charset=utf-8");
    if !media.trim().eq_ignore_ascii_case("application/x-amz-json-1.1") || !is_utf8 {
        return refused("the header `Content-Type` must be application/x-amz-json-1.1");
    }
    match headers.get_all(header::CONTENT_ENCODING).iter().all(|value| value == "identity") {
        true => Ok(()),
        false => refused("the body must not be compressed: leave out `Content-Encoding`"),
    }
}

fn by_path(head: &Parts) -> Result<Target> {
    let table = Table::get();
    for path in table.paths.iter().filter(|path| path.method == head.method) {
        if let Some(path_members) = path.members(head.uri.path())? {
            return Ok(Target { operation: path.operation, path_members });
        }
    }
    let served = table.paths.iter().map(|path| format!("{} {}", path.method, path.template)).collect::<Vec<_>>();
    let message = format!("there is no such operation; those with paths are {}", served.join(", "));
    Err(IamError::new(ErrorCode::InvalidAction, message))
}

/// A service of AWS JSON 1.1.
struct JsonService {
    /// `com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101`.
    prefix: String,
    operations: Vec<&'static OperationInfo>,
}

impl JsonService {
    /// The operation's name in a target of this service. Some SDKs leave out the namespace, as Smithy specifies.
    fn name<'t>(&self, target: &'t str) -> Option<&'t str> {
        let short = self.prefix.rsplit('.').next().unwrap_or(&self.prefix);
        let (service, name) = target.rsplit_once('.')?;
        (service == self.prefix || service == short).then_some(name)
    }

    fn unknown(&self, name: &str) -> IamError {
        let is_name = name.len() <= MAX_NAME && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let name = if is_name { format!(" `{name}`") } else { String::new() };
        let served: Vec<_> = self.operations.iter().map(|operation| operation.name).collect();
        let message = format!("the operation{name} is not served; those of this service are {}", served.join(", "));
        IamError::new(ErrorCode::InvalidAction, message)
    }
}

/// An operation of REST-JSON.
struct RestPath {
    method: Method,
    template: String,
    segments: Vec<Segment>,
    operation: &'static OperationInfo,
}

enum Segment {
    Literal(String),
    Member(String),
}

impl RestPath {
    fn read(operation: &'static OperationInfo, method: &str, template: String) -> Option<Self> {
        let request = operation.request_descriptor()?;
        let segment = |text: &str| match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            None => Some(Segment::Literal(text.to_owned())),
            Some(name) => request.get_field_by_json_name(name).map(|_| Segment::Member(name.to_owned())),
        };
        let segments = template.strip_prefix('/')?.split('/').map(segment).collect::<Option<Vec<_>>>()?;
        let method = Method::from_bytes(method.as_bytes()).ok()?;
        Some(RestPath { method, template, segments, operation })
    }

    /// Whether a path has this one's first segment.
    fn begins(&self, path: &str) -> bool {
        let first = path.strip_prefix('/').and_then(|path| path.split('/').next());
        matches!(self.segments.first(), Some(Segment::Literal(text)) if Some(text.as_str()) == first)
    }

    /// The members in a path; none if it is another path.
    fn members(&'static self, path: &str) -> Result<Option<Vec<(&'static str, String)>>> {
        let Some(path) = path.strip_prefix('/') else { return Ok(None) };
        let given: Vec<&str> = path.split('/').collect();
        let is_same = |(segment, text): (&Segment, &&str)| match segment {
            Segment::Literal(literal) => literal == text,
            Segment::Member(_) => !text.is_empty(),
        };
        if given.len() != self.segments.len() || !self.segments.iter().zip(&given).all(is_same) {
            return Ok(None);
        }
        let members = self.segments.iter().zip(&given).filter_map(|(segment, text)| match segment {
            Segment::Literal(_) => None,
            Segment::Member(name) => Some(decode(text).map(|text| (name.as_str(), text.into_owned()))),
        });
        members.collect::<Result<Vec<_>>>().map(Some)
    }
}

/// Decodes percent signs.
///
/// # Errors
/// `MalformedInput` for a percent sign without two hexadecimal digits, and for what is not UTF-8.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>> {
    let malformed = |message| IamError::new(ErrorCode::MalformedInput, message);
    let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !text.split('%').skip(1).all(is_escape) {
        return Err(malformed("a percent sign in the target is not followed by two hexadecimal digits"));
    }
    percent_decode_str(text).decode_utf8().map_err(|_| malformed("the target is not UTF-8"))
}

#[derive(Default)]
struct Table {
    targets: Vec<JsonService>,
    paths: Vec<RestPath>,
}

impl Table {
    fn get() -> &'static Table {
        static TABLE: LazyLock<Table> = LazyLock::new(|| {
            let mut table = Table::default();
            for operation in OPERATIONS {
                // The descriptors are built in, and a test finds every operation.
                let Some(method) = operation.method() else { continue };
                table.add(operation, &method);
            }
            table
        });
        &TABLE
    }

    fn add(&mut self, operation: &'static OperationInfo, method: &MethodDescriptor) {
        if let Some((method, path)) = binding(method) {
            self.paths.extend(RestPath::read(operation, &method, path));
        }
        let Some(prefix) = json_target(method) else { return };
        match self.targets.iter_mut().find(|service| service.prefix == prefix) {
            Some(service) => service.operations.push(operation),
            None => self.targets.push(JsonService { prefix, operations: vec![operation] }),
        }
    }
}

/// The method and path of an operation in REST-JSON.
fn binding(method: &MethodDescriptor) -> Option<(String, String)> {
    let http = pool().get_extension_by_name("bailiwick.options.v1.http")?;
    let options = method.options();
    let Value::Message(rule) = options.has_extension(&http).then(|| options.get_extension(&http))?.into_owned() else {
        return None;
    };
    let text = |name: &str| Some(rule.get_field_by_name(name)?.as_str()?.to_owned());
    Some((text("method")?, text("path")?))
}

/// The prefix of the targets of an operation's service.
fn json_target(method: &MethodDescriptor) -> Option<String> {
    let target = pool().get_extension_by_name("bailiwick.options.v1.json_target")?;
    let options = method.parent_service().options();
    options.get_extension(&target).as_str().filter(|prefix| !prefix.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests;
