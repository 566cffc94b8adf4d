//! A call as it is told to the recorder: borrowed from the call, so that telling costs nothing.

use std::sync::Arc;

use bailiwick_model::{ErrorCode, IamError, Partition};
use bailiwick_operation::{Caller, Credential, Principal, RequestInfo};
use jiff::Timestamp;

use crate::record::UserIdentity;

/// The most that is kept of a text that a client chose.
pub(crate) const MAX_TEXT: usize = 1_024;
/// The most that is kept of a message.
const MAX_MESSAGE: usize = 32 * 1024;

/// One call, to be recorded.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// `eventID`: random bits of a UUID.
    pub id: [u8; 16],
    /// `requestID`, which the client got as well: the bits that [`RequestInfo::id`] was made of.
    pub request_id: [u8; 16],
    /// The signing name of the service: `iam`, `sts`, `bailiwick`.
    pub service: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// Whether the operation changes nothing.
    pub read_only: bool,
    /// When the call arrived.
    pub time: Timestamp,
    /// What is known of the request.
    pub request: &'a Arc<RequestInfo>,
    /// Who called, if anybody was authenticated.
    pub caller: Option<&'a Arc<Caller>>,
    /// The partition of the caller's ARN.
    pub partition: Partition,
    /// The request message, redacted.
    pub parameters: &'a [u8],
    /// The response message of a call that changed something, redacted.
    pub response: &'a [u8],
    /// How it failed, if it did.
    pub error: Option<&'a IamError>,
    /// How many further failures of the same source this one stands for.
    pub suppressed: u64,
}

impl<'a> Event<'a> {
    /// Request and response as they are kept, and whether either was too long to be kept.
    pub(crate) fn messages(&self) -> (&'a [u8], &'a [u8], bool) {
        let kept = |message: &'a [u8]| if message.len() <= MAX_MESSAGE { message } else { &[] };
        let truncated = self.parameters.len().max(self.response.len()) > MAX_MESSAGE;
        (kept(self.parameters), kept(self.response), truncated)
    }

    /// `errorCode` and `errorMessage`. What lies behind a failure of ours is for the log alone, and what a refusal
    /// quotes of a malformed signature for its sender: it may be a secret that stood in the wrong place.
    pub(crate) fn failure(&self) -> Option<(&'static str, String)> {
        let error = self.error?;
        let is_told = error.code() != ErrorCode::IncompleteSignature;
        Some((error.code().wire(), if is_told { bounded(error.message()) } else { String::new() }))
    }
}

impl UserIdentity {
    pub(crate) fn of(caller: &Caller, partition: Partition) -> Self {
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
pub(crate) fn bounded(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(MAX_TEXT).collect()
}
