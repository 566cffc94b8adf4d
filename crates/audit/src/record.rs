//! What is kept of a call.

use bailiwick_model::{ErrorCode, IamError, Partition};
use bailiwick_operation::{Caller, Credential, Principal, RequestInfo};
use bytes::Bytes;
use jiff::Timestamp;
use prost::Message as _;

/// The first byte of a stored record: its format.
const FORMAT: u8 = 1;
/// The most that is kept of a text that a client chose.
const MAX_TEXT: usize = 1_024;
/// The most that is kept of a message.
const MAX_MESSAGE: usize = 32 * 1024;

/// One call, with the fields of CloudTrail's record. Field numbers are part of the store's format.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Record {
    /// `eventID`: a UUID.
    #[prost(string, tag = "1")]
    pub event_id: String,
    /// `eventTime`, in microseconds since 1970.
    #[prost(sint64, tag = "2")]
    pub event_time: i64,
    /// `eventSource` without its domain: `iam`, `sts`, `bailiwick`.
    #[prost(string, tag = "3")]
    pub event_source: String,
    /// `eventName`: the operation.
    #[prost(string, tag = "4")]
    pub event_name: String,
    /// `requestID`, which the client got as well.
    #[prost(string, tag = "5")]
    pub request_id: String,
    /// `awsRegion`: what the signature named.
    #[prost(string, tag = "6")]
    pub aws_region: String,
    /// `sourceIPAddress`.
    #[prost(string, tag = "7")]
    pub source_ip_address: String,
    /// `userAgent`.
    #[prost(string, tag = "8")]
    pub user_agent: String,
    /// `errorCode`; empty when the call succeeded.
    #[prost(string, tag = "9")]
    pub error_code: String,
    /// `errorMessage`.
    #[prost(string, tag = "10")]
    pub error_message: String,
    /// `readOnly`.
    #[prost(bool, tag = "11")]
    pub read_only: bool,
    /// `recipientAccountId`; empty when nobody was authenticated.
    #[prost(string, tag = "12")]
    pub recipient_account_id: String,
    /// `requestParameters`: the request message, redacted.
    #[prost(bytes = "bytes", tag = "13")]
    pub request_parameters: Bytes,
    /// `responseElements`: the response message of a call that changed something, redacted.
    #[prost(bytes = "bytes", tag = "14")]
    pub response_elements: Bytes,
    /// `userIdentity`; absent when nobody was authenticated.
    #[prost(message, optional, tag = "15")]
    pub user_identity: Option<UserIdentity>,
    /// Whether the connection was encrypted, for `tlsDetails`.
    #[prost(bool, tag = "16")]
    pub secure_transport: bool,
    /// How many further failures of the same source this record stands for.
    #[prost(uint64, tag = "17")]
    pub suppressed: u64,
    /// Whether a message was too long to be kept whole.
    #[prost(bool, tag = "18")]
    pub truncated: bool,
}

/// `userIdentity`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct UserIdentity {
    /// `type`: `Root`, `IAMUser`, `AssumedRole`.
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
    /// `userName`, or the role's name in `sessionContext.sessionIssuer`.
    #[prost(string, tag = "6")]
    pub user_name: String,
    /// `sessionContext.sessionIssuer.arn`: the role behind a session.
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
}

/// What a record is about, beside how it ended.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The signing name of the service: `iam`, `sts`, `bailiwick`.
    pub service: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// Whether the operation changes nothing.
    pub read_only: bool,
    /// What is known of the request.
    pub request: &'a RequestInfo,
    /// When the call arrived.
    pub time: Timestamp,
}

impl Record {
    /// The record of a call that nobody was authenticated for.
    pub fn new(event_id: String, subject: Subject<'_>) -> Self {
        let request = subject.request;
        Record {
            event_id,
            event_time: subject.time.as_microsecond(),
            event_source: subject.service.to_owned(),
            event_name: subject.operation.to_owned(),
            request_id: request.id.clone(),
            aws_region: request.region.as_ref().map(ToString::to_string).unwrap_or_default(),
            source_ip_address: request.source_ip.map(|ip| ip.to_string()).unwrap_or_default(),
            user_agent: request.user_agent.as_deref().map(bounded).unwrap_or_default(),
            read_only: subject.read_only,
            secure_transport: request.secure_transport,
            ..Record::default()
        }
    }

    /// Adds who called.
    #[must_use]
    pub fn by(mut self, caller: &Caller, partition: Partition) -> Self {
        self.recipient_account_id = caller.account().to_string();
        self.user_identity = Some(UserIdentity::of(caller, partition));
        self
    }

    /// Adds the request, which must be redacted.
    #[must_use]
    pub fn request(mut self, message: Bytes) -> Self {
        (self.request_parameters, self.truncated) = whole_or_nothing(message, self.truncated);
        self
    }

    /// Adds the response, which must be redacted.
    #[must_use]
    pub fn response(mut self, message: Bytes) -> Self {
        (self.response_elements, self.truncated) = whole_or_nothing(message, self.truncated);
        self
    }

    /// Adds how it failed. What lies behind a failure of ours is for the log alone, and what a refusal quotes of a
    /// malformed signature for its sender: it may be a secret that stood in the wrong place.
    #[must_use]
    pub fn failed(mut self, error: &IamError) -> Self {
        self.error_code = error.code().wire().to_owned();
        if error.code() != ErrorCode::IncompleteSignature {
            self.error_message = bounded(error.message());
        }
        self
    }

    /// Records as one row of the outbox holds them: a byte for the format, then each record behind its length. Those
    /// that nobody waits for share a row, since a row costs more than a record.
    pub fn encode_row<'a>(records: impl IntoIterator<Item = &'a Record>) -> Bytes {
        let mut row = vec![FORMAT];
        for record in records {
            // A vector grows as it must.
            let _ = record.encode_length_delimited(&mut row);
        }
        row.into()
    }

    /// Reads what [`encode_row`](Self::encode_row) made.
    ///
    /// # Errors
    /// When the bytes are of a format that this version doesn't know, or are damaged.
    pub fn decode_row(row: &[u8]) -> Result<Vec<Self>, prost::DecodeError> {
        let Some((&FORMAT, mut rest)) = row.split_first() else {
            return Err(prost::DecodeError::new_unexpected_type_url("audit records of an unknown format", "format 1"));
        };
        let mut records = Vec::new();
        while !rest.is_empty() {
            records.push(Record::decode_length_delimited(&mut rest)?);
        }
        Ok(records)
    }
}

impl UserIdentity {
    fn of(caller: &Caller, partition: Partition) -> Self {
        let principal = &caller.principal;
        let (kind, user_name) = match principal {
            Principal::Root { .. } => ("Root", String::new()),
            Principal::User { name, .. } => ("IAMUser", name.to_string()),
            Principal::RoleSession { name, .. } => ("AssumedRole", name.to_string()),
        };
        let session = caller.session.as_deref();
        UserIdentity {
            kind: kind.to_owned(),
            principal_id: principal.user_id(),
            arn: principal.arn(partition).to_string(),
            account_id: principal.account().to_string(),
            access_key_id: caller.access_key_id().to_string(),
            user_name,
            session_issuer_arn: match principal {
                Principal::RoleSession { .. } => principal.identity_arn(partition).to_string(),
                _ => String::new(),
            },
            session_creation: session.map_or(0, |s| s.issued.as_second()),
            mfa_authenticated: caller.mfa.is_some(),
            source_identity: session.and_then(|s| s.source_identity.clone()).unwrap_or_default(),
            bearer: matches!(caller.credential, Credential::Bearer(_)),
        }
    }
}

/// Text of a client's, without what could forge a line and not longer than is of use.
fn bounded(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(MAX_TEXT).collect()
}

fn whole_or_nothing(message: Bytes, truncated: bool) -> (Bytes, bool) {
    if message.len() <= MAX_MESSAGE { (message, truncated) } else { (Bytes::new(), true) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> RequestInfo {
        RequestInfo {
            id: "00000000-0000-4000-8000-000000000001".into(),
            source_ip: Some([192, 0, 2, 1].into()),
            secure_transport: true,
            user_agent: Some("cli\r\nforged: line".into()),
            region: None,
            host: None,
        }
    }

    fn record() -> Record {
        let request = request();
        let time = Timestamp::from_second(1_700_000_000).unwrap();
        let subject = Subject { service: "iam", operation: "CreateUser", read_only: false, request: &request, time };
        Record::new("e".into(), subject)
    }

    #[test]
    fn a_record_comes_back_as_it_was_stored() {
        let error = IamError::internal("what lies behind");
        let record = record().request(Bytes::from_static(b"abc")).failed(&error);
        let other = self::record();
        let row = Record::encode_row([&record, &other]);
        assert_eq!(row[0], 1);
        assert!(!String::from_utf8_lossy(&row).contains("what lies behind"));
        assert_eq!(Record::decode_row(&row).unwrap(), [record, other]);
        for damaged in [&[][..], &[2, 0], &row[..row.len() - 1]] {
            assert!(Record::decode_row(damaged).is_err());
        }
    }

    #[test]
    fn what_a_malformed_signature_quotes_is_not_kept() {
        let error = IamError::new(ErrorCode::IncompleteSignature, "'a-secret' not a valid key=value pair");
        let failed = record().failed(&error);
        assert_eq!((failed.error_code.as_str(), failed.error_message.as_str()), ("IncompleteSignature", ""));
    }

    #[test]
    fn clients_cannot_forge_lines_nor_flood_with_length() {
        assert!(!record().user_agent.contains(['\r', '\n']));
        let error = IamError::new(ErrorCode::InvalidInput, "x".repeat(100_000));
        assert_eq!(record().failed(&error).error_message.len(), MAX_TEXT);
        let long = record().request(Bytes::from(vec![0; MAX_MESSAGE + 1]));
        assert!(long.truncated && long.request_parameters.is_empty());
    }
}
