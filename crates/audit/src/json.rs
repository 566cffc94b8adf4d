//! Encodes records as lines of JSON, in CloudTrail's format, with the hash chain.

use bailiwick_api::find_operation;
use bailiwick_api::options::Audit;
use bailiwick_model::plain_prefix;
use bailiwick_operation::{CheckRecord, DecisionRecord, SessionRecord};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use crate::message::{REDACTED, Raw, next};
use crate::shape::{self, Field, Kind, Shape};
use crate::{Record, UserIdentity};

/// The version of the format; CloudTrail's own.
const EVENT_VERSION: &str = "1.11";
/// Messages within messages.
const DEPTH: usize = 32;

/// Appends one line to `text`, without its line feed. `previous` is the SHA-256 of the previous line, in hexadecimal.
pub(crate) fn line(text: &mut String, record: &Record, sequence: u64, previous: &str) {
    let mut out = Json { text };
    out.open('{');
    out.text("eventVersion", EVENT_VERSION);
    out.name("userIdentity");
    identity(&mut out, record.origin.user_identity.as_ref());
    out.name("eventTime");
    out.text.push('"');
    moment::push(out.text, record.event_time);
    out.text.push('"');
    out.text("eventSource", source(&record.event_source));
    out.text("eventName", &record.event_name);
    out.filled("awsRegion", &record.origin.aws_region);
    out.filled("sourceIPAddress", &record.origin.source_ip_address);
    out.filled("userAgent", &record.origin.user_agent);
    out.filled("errorCode", &record.error_code);
    out.filled("errorMessage", &record.error_message);
    let operation = find_operation(&record.event_name);
    let shapes = operation.map_or_else(|| shape::of_command(&record.event_name), shape::of);
    message(&mut out, "requestParameters", &record.request_parameters, shapes.map(|(request, _)| request));
    message(&mut out, "responseElements", &record.response_elements, shapes.map(|(_, response)| response));
    additional(&mut out, record);
    out.text("requestID", &record.request_id);
    out.text("eventID", &record.event_id);
    out.flag("readOnly", record.read_only);
    if !record.resource.is_empty() {
        out.name("resources");
        out.open('[');
        out.open('{');
        out.text("ARN", &record.resource);
        out.close('}');
        out.close(']');
    }
    out.text("eventType", "AwsApiCall");
    out.flag("managementEvent", record.category == Audit::Management);
    // An anonymous caller has no account.
    if let Some(identity) = record.origin.user_identity.as_ref().filter(|identity| identity.kind != "AWSAccount") {
        out.filled("recipientAccountId", &identity.account_id);
    }
    out.text("eventCategory", category(record.category));
    if record.origin.secure_transport {
        out.name("tlsDetails");
        out.open('{');
        out.close('}');
    }
    if record.committed {
        out.flag("committed", true);
    }
    out.number("sequence", sequence);
    out.text("previousSha256", previous);
    out.close('}');
}

pub(crate) fn category(category: Audit) -> &'static str {
    match category {
        Audit::Data => "Data",
        Audit::Decision => "Decision",
        Audit::Management | Audit::None | Audit::Unspecified => "Management",
    }
}

pub(crate) fn source(service: &str) -> &str {
    match service {
        "cloudtrail" => "cloudtrail.amazonaws.com",
        "iam" => "iam.amazonaws.com",
        "sts" => "sts.amazonaws.com",
        _ => service,
    }
}

fn identity(out: &mut Json<'_>, identity: Option<&UserIdentity>) {
    out.open('{');
    let Some(identity) = identity else {
        out.text("type", "Unknown");
        return out.close('}');
    };
    out.text("type", &identity.kind);
    out.text("principalId", &identity.principal_id);
    out.filled("arn", &identity.arn);
    out.filled("accountId", &identity.account_id);
    out.filled("accessKeyId", &identity.access_key_id);
    if names_user(&identity.kind) {
        out.text("userName", &identity.user_name);
    }
    out.filled("identityProvider", &identity.identity_provider);
    if identity.session_creation != 0 {
        out.name("sessionContext");
        out.open('{');
        if !identity.session_issuer_arn.is_empty() {
            out.name("sessionIssuer");
            out.open('{');
            out.text("type", issuer_type(&identity.session_issuer_arn));
            out.text("arn", &identity.session_issuer_arn);
            out.filled("userName", &identity.user_name);
            out.close('}');
        }
        out.name("attributes");
        out.open('{');
        let created = Timestamp::from_second(identity.session_creation).map(|time| time.to_string());
        out.text("creationDate", &created.unwrap_or_default());
        out.text("mfaAuthenticated", if identity.mfa_authenticated { "true" } else { "false" });
        out.close('}');
        out.filled("sourceIdentity", &identity.source_identity);
        out.close('}');
    }
    if let Some(certificate) = &identity.certificate {
        out.name("clientCertificate");
        out.open('{');
        out.text("name", &certificate.name);
        out.text("serialNumber", &certificate.serial_number);
        out.text("sha256", &certificate.sha256);
        out.close('}');
    }
    if !identity.delegate.is_empty() {
        out.name("invokedByDelegate");
        out.open('{');
        out.text("accountId", &identity.delegate);
        out.close('}');
    }
    out.close('}');
}

/// Whether the identity of a caller of this type has a `userName` of its own.
pub(crate) fn names_user(kind: &str) -> bool {
    ["IAMUser", "SAMLUser", "WebIdentityUser"].contains(&kind)
}

/// The type of the role, user or root user that a session was issued by.
fn issuer_type(arn: &str) -> &'static str {
    match arn.rsplit(':').next().unwrap_or_default() {
        "root" => "Root",
        resource if resource.starts_with("user/") => "IAMUser",
        _ => "Role",
    }
}

/// Members that CloudTrail does not have.
fn additional(out: &mut Json<'_>, record: &Record) {
    let bearer = record.origin.user_identity.as_ref().is_some_and(|identity| identity.bearer);
    let is_plain = record.route.is_empty()
        && record.suppressed == 0
        && record.decision.is_none()
        && record.authorization.is_empty();
    if is_plain && !record.truncated && !bearer {
        return;
    }
    out.name("additionalEventData");
    out.open('{');
    out.filled("request", &record.route);
    if record.suppressed > 0 {
        out.number("suppressed", record.suppressed);
    }
    if record.truncated {
        out.flag("truncated", true);
    }
    if bearer {
        out.flag("bearerToken", true);
    }
    if let Some(decided) = &record.decision {
        decision(out, decided);
    }
    if !record.authorization.is_empty() {
        out.name("authorization");
        out.text.push_str(&record.authorization);
    }
    out.close('}');
}

/// What decided the call.
fn decision(out: &mut Json<'_>, decided: &DecisionRecord) {
    out.name("decision");
    out.open('{');
    out.text("outcome", &decided.outcome);
    out.text("step", &decided.step);
    out.filled("principal", &decided.principal);
    out.text("action", &decided.action);
    out.filled("resource", &decided.resource);
    out.filled("policyType", &decided.policy_type);
    if let Some(statement) = &decided.statement {
        out.name("statement");
        out.open('{');
        out.filled("policy", &statement.policy);
        out.filled("attachedTo", &statement.attached_to);
        out.filled("version", &statement.version);
        out.filled("sid", &statement.sid);
        out.number("index", statement.index.into());
        out.close('}');
    }
    out.filled("principalId", &decided.principal_id);
    if let Some(decided) = &decided.session {
        session(out, decided);
    }
    if !decided.checks.is_empty() {
        out.name("checks");
        out.open('[');
        for decided in &decided.checks {
            out.comma();
            check(out, decided);
        }
        out.close(']');
    }
    if decided.more_checks > 0 {
        out.number("moreChecks", decided.more_checks.into());
    }
    out.close('}');
}

fn session(out: &mut Json<'_>, session: &SessionRecord) {
    out.name("session");
    out.open('{');
    out.signed("issued", session.issued);
    if session.mfa != 0 {
        out.signed("mfa", session.mfa);
    }
    out.filled("sourceIdentity", &session.source_identity);
    for (name, is_set) in [("limited", session.limited), ("otherKeys", session.other_keys)] {
        if is_set {
            out.flag(name, true);
        }
    }
    out.close('}');
}

fn check(out: &mut Json<'_>, check: &CheckRecord) {
    out.open('{');
    out.text("action", &check.action);
    out.filled("resource", &check.resource);
    out.filled("resourceAccount", &check.resource_account);
    if !check.context.is_empty() {
        out.name("context");
        out.open('{');
        for key in &check.context {
            out.key(&key.name);
            match key.values.as_slice() {
                [value] if !key.is_list => out.quote(value),
                values => {
                    out.open('[');
                    for value in values {
                        out.comma();
                        out.quote(value);
                    }
                    out.close(']');
                }
            }
        }
        out.close('}');
    }
    for (name, is_set) in
        [("ownPassword", check.own_password), ("secondFactor", check.second_factor), ("incomplete", check.incomplete)]
    {
        if is_set {
            out.flag(name, true);
        }
    }
    out.close('}');
}

fn message(out: &mut Json<'_>, name: &str, bytes: &[u8], shape: Option<&Shape>) {
    out.name(name);
    match shape {
        Some(shape) if !bytes.is_empty() => structure(out, shape, bytes, DEPTH),
        _ => out.text.push_str("null"),
    }
}

fn structure(out: &mut Json<'_>, shape: &Shape, mut bytes: &[u8], depth: usize) {
    out.open('{');
    let mut field = next(&mut bytes);
    while let Some((number, raw)) = field {
        field = next(&mut bytes);
        let Some(described) = shape.field(number) else { continue };
        match described.kind {
            Kind::Map(entry) => {
                out.name(&described.name);
                out.open('{');
                pair(out, shape::get(entry), raw, described.is_secret, depth);
                while let Some((_, raw)) = field.filter(|(n, _)| *n == number) {
                    pair(out, shape::get(entry), raw, described.is_secret, depth);
                    field = next(&mut bytes);
                }
                out.close('}');
            }
            _ if described.is_list => {
                out.name(&described.name);
                out.open('[');
                item(out, described, raw, depth);
                while let Some((_, raw)) = field.filter(|(n, _)| *n == number) {
                    item(out, described, raw, depth);
                    field = next(&mut bytes);
                }
                out.close(']');
            }
            _ => {
                out.name(&described.name);
                value(out, described, raw, depth);
            }
        }
    }
    out.close('}');
}

fn pair(out: &mut Json<'_>, entry: &Shape, raw: Raw<'_>, is_secret: bool, depth: usize) {
    let Raw::Bytes(mut bytes) = raw else { return };
    let (mut key, mut of) = (String::new(), None);
    while let Some((number, raw)) = next(&mut bytes) {
        match (number, raw) {
            (1, Raw::Bytes(text)) => key = String::from_utf8_lossy(text).into_owned(),
            (2, raw) => of = Some(raw),
            _ => {}
        }
    }
    out.key(&key);
    match (entry.field(2), of) {
        _ if is_secret => out.quote(REDACTED),
        (Some(field), Some(raw)) => value(out, field, raw, depth),
        _ => out.text.push_str("null"),
    }
}

/// An item of a list, or all items of packed numbers.
fn item(out: &mut Json<'_>, field: &Field, raw: Raw<'_>, depth: usize) {
    match (&field.kind, raw) {
        (Kind::Boolean | Kind::Integer { .. } | Kind::Enum(_), Raw::Bytes(mut packed)) => {
            while let Ok(number) = prost::encoding::decode_varint(&mut packed) {
                out.comma();
                value(out, field, Raw::Varint(number), depth);
            }
        }
        _ => {
            out.comma();
            value(out, field, raw, depth);
        }
    }
}

fn value(out: &mut Json<'_>, field: &Field, raw: Raw<'_>, depth: usize) {
    match (&field.kind, raw) {
        (Kind::Text | Kind::Bytes, Raw::Bytes(bytes)) if field.is_secret && !bytes.is_empty() => out.quote(REDACTED),
        (Kind::Text, Raw::Bytes(bytes)) => out.quote(&String::from_utf8_lossy(bytes)),
        (Kind::Bytes, Raw::Bytes(bytes)) => out.quote(&STANDARD.encode(bytes)),
        (Kind::Boolean, Raw::Varint(number)) => out.text.push_str(if number == 0 { "false" } else { "true" }),
        (Kind::Integer { zigzag: false }, Raw::Varint(number)) => out.text.push_str(&number.cast_signed().to_string()),
        (Kind::Integer { zigzag: true }, Raw::Varint(number)) => {
            let signed = (number >> 1).cast_signed() ^ -(number & 1).cast_signed();
            out.text.push_str(&signed.to_string());
        }
        (Kind::Enum(names), Raw::Varint(number)) => {
            match names.iter().find(|(known, _)| u64::try_from(*known) == Ok(number)) {
                Some((_, name)) => out.quote(name),
                None => out.text.push_str(&number.to_string()),
            }
        }
        (Kind::Time, Raw::Bytes(mut bytes)) => {
            let mut seconds = 0;
            while let Some((number, raw)) = next(&mut bytes) {
                if let (1, Raw::Varint(value)) = (number, raw) {
                    seconds = value.cast_signed();
                }
            }
            out.quote(&Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default());
        }
        (Kind::Message(inner), Raw::Bytes(bytes)) if depth > 0 => structure(out, shape::get(*inner), bytes, depth - 1),
        _ => out.text.push_str("null"),
    }
}

/// A JSON object at the end of a text.
struct Json<'a> {
    text: &'a mut String,
}

impl Json<'_> {
    fn open(&mut self, bracket: char) {
        self.text.push(bracket);
    }

    fn close(&mut self, bracket: char) {
        self.text.push(bracket);
    }

    fn comma(&mut self) {
        if !matches!(self.text.as_bytes().last(), None | Some(b'{' | b'[')) {
            self.text.push(',');
        }
    }

    /// Begins a member whose name this crate or a message's type gives, so that nothing in it has to be escaped.
    fn name(&mut self, name: &str) {
        self.comma();
        self.text.push('"');
        self.text.push_str(name);
        self.text.push_str("\":");
    }

    /// Begins the entry of a map, whose key a client gives.
    fn key(&mut self, key: &str) {
        self.comma();
        self.quote(key);
        self.text.push(':');
    }

    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.quote(value);
    }

    fn filled(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.text(name, value);
        }
    }

    fn flag(&mut self, name: &str, value: bool) {
        self.name(name);
        self.text.push_str(if value { "true" } else { "false" });
    }

    fn signed(&mut self, name: &str, value: i64) {
        self.name(name);
        self.text.push_str(&value.to_string());
    }

    fn number(&mut self, name: &str, value: u64) {
        self.name(name);
        self.text.push_str(&value.to_string());
    }

    fn quote(&mut self, text: &str) {
        self.text.push('"');
        let mut plain_from = 0;
        let plain = plain_prefix(text, |byte| (byte.wrapping_sub(b' ') < 95) & (byte != b'"') & (byte != b'\\'));
        for (at, c) in text[plain..].char_indices().map(|(at, c)| (plain + at, c)) {
            let escaped = match c {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\n' => "\\n".to_owned(),
                '\r' => "\\r".to_owned(),
                '\t' => "\\t".to_owned(),
                // Line separators of other formats, and control characters.
                c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => format!("\\u{:04x}", c as u32),
                _ => continue,
            };
            self.text.push_str(&text[plain_from..at]);
            self.text.push_str(&escaped);
            plain_from = at + c.len_utf8();
        }
        self.text.push_str(&text[plain_from..]);
        self.text.push('"');
    }
}

mod moment;
#[cfg(test)]
mod tests;
