//! The stored form of a call.

use std::sync::Arc;

use bailiwick_api::options::Audit;
use bailiwick_operation::{DecisionRecord, uuid};
use bytes::{Buf as _, Bytes};
use prost::{DecodeError, Message as _};

/// The first byte of a row: its format.
pub(crate) const FORMAT: u8 = 2;

/// A call, with the fields of CloudTrail's record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// `eventID`: a UUID.
    pub event_id: String,
    /// `eventTime`, in microseconds since 1970.
    pub event_time: i64,
    /// `eventSource` without its domain: `iam`, `sts`, `cloudtrail`, `bailiwick`.
    pub event_source: String,
    /// `eventName`: the operation.
    pub event_name: String,
    /// `requestID`, which the client got as well.
    pub request_id: String,
    /// The caller and the source of the call. The records of a row share it.
    pub origin: Arc<CallOrigin>,
    /// `errorCode`; empty when the call succeeded.
    pub error_code: String,
    /// `errorMessage`.
    pub error_message: String,
    /// `readOnly`.
    pub read_only: bool,
    /// `requestParameters`: the request message, redacted.
    pub request_parameters: Bytes,
    /// `responseElements`: the response message of a call that changed something, redacted.
    pub response_elements: Bytes,
    /// The number of further calls of the same caller or source that this record represents.
    pub suppressed: u64,
    /// Whether a message was shortened.
    pub truncated: bool,
    /// `eventCategory`, an option of the operation in the proto.
    pub category: Audit,
    /// `resources`: the ARN of the resource; empty if it is not known.
    pub resource: String,
    /// Method and path of a request that named no operation; empty for all others.
    pub route: String,
    /// What decided the call, if it was decided.
    pub decision: Option<DecisionRecord>,
    /// The details of a denial: a JSON object, or empty.
    pub authorization: String,
    /// Whether it is of a change that was committed to the store together with this record. Not part of a row: the writer
    /// says it of the records that it takes from the outbox.
    pub committed: bool,
}

/// The caller and the source of a call, which many calls share. Field numbers are part of the store format.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CallOrigin {
    /// `awsRegion`: the region in the signature.
    #[prost(string, tag = "1")]
    pub aws_region: String,
    /// `sourceIPAddress`.
    #[prost(string, tag = "2")]
    pub source_ip_address: String,
    /// `userAgent`.
    #[prost(string, tag = "3")]
    pub user_agent: String,
    /// Whether the connection was encrypted, for `tlsDetails`.
    #[prost(bool, tag = "4")]
    pub secure_transport: bool,
    /// `userIdentity`, whose account is `recipientAccountId`; absent for an unauthenticated call.
    #[prost(message, optional, tag = "5")]
    pub user_identity: Option<UserIdentity>,
}

/// `userIdentity`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct UserIdentity {
    /// `type`: `Root`, `IAMUser`, `AssumedRole`, `FederatedUser`, `SAMLUser`, `WebIdentityUser`, `AWSAccount` (anonymous).
    #[prost(string, tag = "1")]
    pub kind: String,
    /// `principalId`.
    #[prost(string, tag = "2")]
    pub principal_id: String,
    /// `arn`.
    #[prost(string, tag = "3")]
    pub arn: String,
    /// `accountId`.
    #[prost(string, tag = "4")]
    pub account_id: String,
    /// `accessKeyId`.
    #[prost(string, tag = "5")]
    pub access_key_id: String,
    /// `userName`, or the name of the role or user in `sessionContext.sessionIssuer`.
    #[prost(string, tag = "6")]
    pub user_name: String,
    /// `sessionContext.sessionIssuer.arn`: the role of a session; the user or root user that a federated user is of.
    #[prost(string, tag = "7")]
    pub session_issuer_arn: String,
    /// `sessionContext.attributes.creationDate`, in seconds since 1970; zero without a session.
    #[prost(sint64, tag = "8")]
    pub session_creation: i64,
    /// `sessionContext.attributes.mfaAuthenticated`.
    #[prost(bool, tag = "9")]
    pub mfa_authenticated: bool,
    /// `sessionContext.sourceIdentity`.
    #[prost(string, tag = "10")]
    pub source_identity: String,
    /// Whether a bearer token stood for the access key.
    #[prost(bool, tag = "11")]
    pub bearer: bool,
    /// `identityProvider`: the issuer of the assertion that proved the caller.
    #[prost(string, tag = "12")]
    pub identity_provider: String,
    /// `invokedByDelegate.accountId`: the account that uses a delegated session.
    #[prost(string, tag = "13")]
    pub delegate: String,
    /// The client certificate that proved the caller.
    #[prost(message, optional, tag = "14")]
    pub certificate: Option<CertificateIdentity>,
}

/// `userIdentity.clientCertificate`: the client certificate that proved the caller.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CertificateIdentity {
    /// The URI in its subject alternative name by which it was mapped.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The serial number, in hexadecimal.
    #[prost(string, tag = "2")]
    pub serial_number: String,
    /// The SHA-256 of the certificate, in hexadecimal.
    #[prost(string, tag = "3")]
    pub sha256: String,
}

/// The encoding of a record in a row; [`crate::row`] writes it field by field.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Stored {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) event_id: Bytes,
    #[prost(sint64, tag = "2")]
    pub(crate) event_time: i64,
    #[prost(string, tag = "3")]
    pub(crate) event_source: String,
    #[prost(string, tag = "4")]
    pub(crate) event_name: String,
    #[prost(bytes = "bytes", tag = "5")]
    pub(crate) request_id: Bytes,
    /// Present in the first record of each origin in a row.
    #[prost(message, optional, tag = "6")]
    pub(crate) origin: Option<CallOrigin>,
    /// Otherwise which of the row's senders it was, counted from zero.
    #[prost(uint64, tag = "7")]
    pub(crate) origin_index: u64,
    #[prost(string, tag = "8")]
    pub(crate) error_code: String,
    #[prost(string, tag = "9")]
    pub(crate) error_message: String,
    #[prost(bool, tag = "10")]
    pub(crate) read_only: bool,
    #[prost(bytes = "bytes", tag = "11")]
    pub(crate) request_parameters: Bytes,
    #[prost(bytes = "bytes", tag = "12")]
    pub(crate) response_elements: Bytes,
    #[prost(uint64, tag = "13")]
    pub(crate) suppressed: u64,
    #[prost(bool, tag = "14")]
    pub(crate) truncated: bool,
    #[prost(enumeration = "Audit", tag = "15")]
    pub(crate) category: i32,
    #[prost(string, tag = "16")]
    pub(crate) resource: String,
    #[prost(string, tag = "17")]
    pub(crate) route: String,
    #[prost(message, optional, tag = "18")]
    pub(crate) decision: Option<DecisionRecord>,
    #[prost(string, tag = "19")]
    pub(crate) authorization: String,
}

impl Record {
    /// Decodes the records of one row of the outbox.
    ///
    /// # Errors
    /// If the bytes have an unknown format or are damaged.
    pub fn decode_row(row: &[u8]) -> Result<Vec<Self>, DecodeError> {
        let Some((&FORMAT, rest)) = row.split_first() else {
            return Err(damaged("unknown format of audit records"));
        };
        let (mut records, mut origins) = (Vec::with_capacity(count(rest).min(rest.len() / SMALLEST)), Vec::new());
        // One copy, of which all records are parts.
        let mut rest = Bytes::copy_from_slice(rest);
        while !rest.is_empty() {
            let record = split(&mut rest).ok_or_else(|| damaged("truncated record"))?;
            let mut stored = Stored::decode(record)?;
            if let Some(origin) = stored.origin.take() {
                stored.origin_index = origins.len() as u64;
                origins.push(Arc::new(origin));
            }
            let origin = usize::try_from(stored.origin_index).ok().and_then(|at| origins.get(at));
            let origin = origin.ok_or_else(|| damaged("record without its origin"))?;
            records.push(Record::of(stored, Arc::clone(origin)));
        }
        Ok(records)
    }

    fn of(stored: Stored, origin: Arc<CallOrigin>) -> Self {
        let id = |bytes: &[u8]| bytes.try_into().map(uuid).unwrap_or_default();
        Record {
            category: stored.category(),
            event_id: id(&stored.event_id),
            event_time: stored.event_time,
            event_source: stored.event_source,
            event_name: stored.event_name,
            request_id: id(&stored.request_id),
            origin,
            error_code: stored.error_code,
            error_message: stored.error_message,
            read_only: stored.read_only,
            request_parameters: stored.request_parameters,
            response_elements: stored.response_elements,
            suppressed: stored.suppressed,
            truncated: stored.truncated,
            resource: stored.resource,
            route: stored.route,
            decision: stored.decision,
            authorization: stored.authorization,
            committed: false,
        }
    }
}

/// Fewer bytes than any record has. A damaged row may claim to have many empty ones.
const SMALLEST: usize = 32;

/// How many records a row has; fewer if it is damaged.
fn count(mut row: &[u8]) -> usize {
    let mut count = 0;
    while let Some((len, rest)) = row.split_first_chunk::<4>() {
        let after = usize::try_from(u32::from_be_bytes(*len)).ok().and_then(|len| rest.get(len..));
        let Some(after) = after else { break };
        (row, count) = (after, count + 1);
    }
    count
}

/// Takes the first record of a row.
fn split(row: &mut Bytes) -> Option<Bytes> {
    let len = usize::try_from(u32::from_be_bytes(*row.first_chunk::<4>()?)).ok()?;
    row.advance(4);
    (len <= row.len()).then(|| row.split_to(len))
}

fn damaged(what: &str) -> DecodeError {
    DecodeError::new_unexpected_type_url(what, "an audit record")
}
