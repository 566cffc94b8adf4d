//! The event of a call, which borrows from the call.

use std::sync::Arc;

use bailiwick_api::OperationInfo;
use bailiwick_api::options::Audit;
use bailiwick_model::mask::masked;
use bailiwick_model::plain_prefix;
use bailiwick_model::{AccountId, Arn, IamError, Partition};
use bailiwick_operation::{
    Caller, Credential, DecisionRecord, Federation, FederationIssuer, Principal, RequestInfo, UnsignedCaller,
};
use data_encoding::HEXLOWER;
use jiff::Timestamp;

use crate::documents::PolicyDocument;
use crate::message::{RedactedMessage, redact};
use crate::record::{CertificateIdentity, UserIdentity};
use crate::shape;

/// The maximum number of bytes that a record keeps of a text chosen by a client.
pub(crate) const MAX_TEXT: usize = 1_024;
/// The maximum number of bytes that a record keeps of a message.
const MAX_MESSAGE: usize = 32 * 1024;
/// The same limit for a call that was refused, read, or changed nothing, which must be cheap to record.
const MAX_BRIEF_MESSAGE: usize = 2 * 1024;

/// A call to record.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// `eventID`: random bits of a UUID.
    pub id: [u8; 16],
    /// `requestID`, which the client also received: the bits that [`RequestInfo::id`] was made of.
    pub request_id: [u8; 16],
    /// The kind of call.
    pub kind: EventKind<'a>,
    /// When the call arrived.
    pub time: Timestamp,
    /// The properties of the request.
    pub request: &'a Arc<RequestInfo>,
    /// The caller, if authentication succeeded.
    pub caller: Option<&'a Arc<Caller>>,
    /// The caller of an operation that needs no signature.
    pub unsigned: Option<&'a UnsignedCaller>,
    /// The partition of the caller's ARN.
    pub partition: Partition,
    /// The ARN of the resource, if known.
    pub resource: Option<&'a str>,
    /// The request message, redacted; empty when it could not be read.
    pub parameters: &'a [u8],
    /// The response message of a call that changed or issued something, redacted.
    pub response: &'a [u8],
    /// Whether the call of an operation that can change something neither changed nor issued anything.
    pub changes_nothing: bool,
    /// How it failed, if it did.
    pub error: Option<&'a IamError>,
    /// What decided, if the call was decided.
    pub decision: Option<&'a DecisionRecord>,
    /// The details of a denial: a JSON object.
    pub authorization: Option<&'a str>,
    /// The documents of the policies that the details name. They are written before the record.
    pub documents: &'a [PolicyDocument],
    /// The number of further calls of the same caller or source that this record represents.
    pub suppressed: u64,
}

/// The kind of call.
#[derive(Clone, Copy, Debug)]
pub enum EventKind<'a> {
    /// An operation.
    Operation(&'static OperationInfo),
    /// A command that worked on the store of a stopped server, by the name that its messages have.
    Command(&'static str),
    /// A change that the server makes by itself in an account, by the name that its messages have.
    Automatic(&'static str, AccountId),
    /// A request that named no operation or could not be read.
    Unroutable(Unroutable<'a>),
    /// Calls that no record was written of; how many is in [`Event::suppressed`].
    Suppressed,
    /// Records that found no room while the trail could not be written; how many is in [`Event::suppressed`].
    Lost,
    /// A segment that cannot be read; what is wrong is in [`Event::error`].
    Unreadable,
}

/// A request that named no operation, or could not be read.
#[derive(Clone, Copy, Debug)]
pub struct Unroutable<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path as received, without the query string, which may contain a signature.
    pub path: &'a str,
}

impl EventKind<'_> {
    /// `eventSource` without its domain, and `eventName`.
    pub(crate) fn name(&self) -> (&'static str, &'static str) {
        match self {
            EventKind::Operation(operation) => (operation.service, operation.name),
            EventKind::Command(name) | EventKind::Automatic(name, _) => ("bailiwick", name),
            EventKind::Unroutable(_) => ("bailiwick", "UnroutableRequest"),
            EventKind::Suppressed => ("bailiwick", "RecordsSuppressed"),
            EventKind::Lost => ("bailiwick", "RecordsLost"),
            EventKind::Unreadable => ("bailiwick", "RecordsUnreadable"),
        }
    }

    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self, EventKind::Operation(operation) if operation.read_only)
    }

    pub(crate) fn category(&self) -> Audit {
        match self {
            EventKind::Operation(operation) => operation.audit,
            EventKind::Command(_)
            | EventKind::Automatic(..)
            | EventKind::Unroutable(_)
            | EventKind::Suppressed
            | EventKind::Lost
            | EventKind::Unreadable => Audit::Management,
        }
    }

    /// Method and path of a request that named no operation.
    pub(crate) fn route(&self) -> Option<String> {
        match self {
            EventKind::Unroutable(unroutable) => Some(bounded(&format!("{} {}", unroutable.method, unroutable.path))),
            _ => None,
        }
    }
}

impl Event<'_> {
    /// The redacted request and response.
    pub(crate) fn messages(&self) -> (RedactedMessage, RedactedMessage) {
        let shapes = match self.kind {
            EventKind::Operation(operation) => shape::of(operation),
            EventKind::Command(name) | EventKind::Automatic(name, _) => shape::of_command(name),
            EventKind::Unroutable(_) | EventKind::Suppressed | EventKind::Lost | EventKind::Unreadable => None,
        };
        let Some((request, response)) = shapes else { return (RedactedMessage::default(), RedactedMessage::default()) };
        let is_brief = self.error.is_some() || self.kind.is_read_only() || self.changes_nothing;
        let most = if is_brief { MAX_BRIEF_MESSAGE } else { MAX_MESSAGE };
        (redact(request, self.parameters, most), redact(response, self.response, most))
    }

    /// `errorCode` and `errorMessage`, as the caller received them. Internal causes are only in the log.
    pub(crate) fn failure(&self) -> Option<(&'static str, String)> {
        self.error.map(|error| (error.code().wire(), bounded(error.message())))
    }
}

impl UserIdentity {
    /// The identity of the server that changes something in an account.
    pub(crate) fn of_server(account: AccountId) -> Self {
        UserIdentity { kind: "AWSService".to_owned(), account_id: account.to_string(), ..UserIdentity::default() }
    }

    pub(crate) fn of(caller: &Caller, partition: Partition) -> Self {
        let principal = &caller.principal;
        let session = caller.session.as_deref();
        UserIdentity {
            access_key_id: caller.access_key_id().map(ToString::to_string).unwrap_or_default(),
            session_creation: session.map_or(0, |s| s.issued.as_second()),
            mfa_authenticated: caller.mfa.is_some(),
            source_identity: session.and_then(|s| s.source_identity.clone()).unwrap_or_default(),
            bearer: matches!(caller.credential, Credential::Bearer(_) | Credential::Console(_)),
            certificate: caller.certificate().map(|certificate| CertificateIdentity {
                name: bounded(&certificate.name),
                serial_number: certificate.serial_number.clone(),
                sha256: HEXLOWER.encode(&certificate.sha256),
            }),
            delegate: session.and_then(|s| s.delegation.as_ref()).map(|d| d.requestor.to_string()).unwrap_or_default(),
            ..Self::of_principal(principal, partition)
        }
    }

    fn of_principal(principal: &Principal, partition: Partition) -> Self {
        let (kind, user_name) = match principal {
            Principal::Root { .. } => ("Root", String::new()),
            Principal::User { name, .. } => ("IAMUser", name.to_string()),
            Principal::RoleSession { name, .. } => ("AssumedRole", name.to_string()),
            Principal::FederatedUser { issuer, .. } => {
                ("FederatedUser", issuer.as_ref().map(|issuer| issuer.name.to_string()).unwrap_or_default())
            }
        };
        UserIdentity {
            kind: kind.to_owned(),
            principal_id: principal.user_id(),
            arn: principal.arn(partition).to_string(),
            account_id: principal.account().to_string(),
            user_name,
            session_issuer_arn: match principal {
                Principal::RoleSession { .. } => principal.identity_arn(partition).to_string(),
                Principal::FederatedUser { account, issuer: Some(FederationIssuer { name, path, .. }), .. } => {
                    Arn::iam(partition, *account, format_args!("user{path}{name}")).to_string()
                }
                Principal::FederatedUser { account, issuer: None, .. } => {
                    Principal::Root { account: *account }.arn(partition).to_string()
                }
                Principal::Root { .. } | Principal::User { .. } => String::new(),
            },
            ..UserIdentity::default()
        }
    }
}

impl UserIdentity {
    /// The identity of a caller without a signature, with CloudTrail's types. A person is the one that the request names:
    /// whether the password was correct is in the rest of the record.
    pub(crate) fn of_unsigned(caller: &UnsignedCaller, partition: Partition) -> Self {
        let person = match caller {
            UnsignedCaller::Person(person) => person.principal.as_ref(),
            _ => None,
        };
        if let Some(principal) = person {
            return Self::of_principal(principal, partition);
        }
        match caller {
            UnsignedCaller::Credentials(caller) => Self::of(caller, partition),
            UnsignedCaller::Anonymous | UnsignedCaller::Person(_) => UserIdentity {
                kind: "AWSAccount".to_owned(),
                account_id: "ANONYMOUS_PRINCIPAL".to_owned(),
                ..UserIdentity::default()
            },
            UnsignedCaller::Federated(principal) => UserIdentity {
                kind: match principal.kind {
                    Federation::Saml => "SAMLUser",
                    Federation::WebIdentity => "WebIdentityUser",
                }
                .to_owned(),
                principal_id: bounded(&principal.id),
                user_name: bounded(&principal.name),
                identity_provider: bounded(&principal.issuer),
                ..UserIdentity::default()
            },
        }
    }
}

/// Removes control characters, masks secrets and limits the length of a text chosen by a client.
pub(crate) fn bounded(text: &str) -> String {
    let is_short = text.len() <= MAX_TEXT;
    if is_short && plain_prefix(text, |byte| byte.wrapping_sub(b' ') < 95) == text.len() {
        // Most texts: nothing to remove or to cut.
        return masked(text).into_owned();
    }
    let text: String = text.chars().take(2 * MAX_TEXT).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let shown = masked(&text);
    let end = (0..=MAX_TEXT.min(shown.len())).rev().find(|end| shown.is_char_boundary(*end)).unwrap_or(0);
    shown[..end].to_owned()
}
