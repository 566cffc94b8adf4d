//! The log line of a call.

use std::time::Duration;

use bailiwick_model::mask::masked;
use bailiwick_model::{ErrorCode, Fault, IamError, Partition};
use bailiwick_operation::{Caller, RequestInfo, UnsignedCaller};

/// The content of a log line. It has no secrets, since it has neither parameters nor responses.
pub(crate) struct Line<'a> {
    /// The operation, as AWS spells it.
    pub(crate) operation: &'static str,
    /// Whether the call changed the store, which is logged at `info`. Other successful calls are logged at `debug`: as many
    /// reads, decisions and issued credentials may come as the processors can answer.
    pub(crate) has_changed: bool,
    /// Id and source address.
    pub(crate) request: &'a RequestInfo,
    /// The caller, if the caller was authenticated.
    pub(crate) caller: Option<&'a Caller>,
    /// The caller of an operation that needs no signature.
    pub(crate) unsigned: Option<&'a UnsignedCaller>,
    /// The partition of the caller's ARN.
    pub(crate) partition: Partition,
    /// The ARN of the resource of the first check, if the call was planned.
    pub(crate) resource: Option<&'a str>,
    /// The time from arrival to answer.
    pub(crate) took: Duration,
    /// The error, if the call failed.
    pub(crate) error: Option<&'a IamError>,
}

impl Line<'_> {
    /// The ARN of an authenticated caller, or the provider and name of a principal that it vouches for.
    fn caller(&self) -> Option<String> {
        match (self.caller, self.unsigned) {
            (Some(caller), _) => Some(caller.principal.arn(self.partition).to_string()),
            (None, Some(UnsignedCaller::Federated(principal))) => {
                Some(masked(&format!("{}:{}", principal.provider, principal.name)).into_owned())
            }
            (None, Some(UnsignedCaller::Person(person))) => {
                person.proven().map(|principal| principal.arn(self.partition).to_string())
            }
            (None, Some(UnsignedCaller::Credentials(caller))) => Some(caller.principal.arn(self.partition).to_string()),
            (None, _) => None,
        }
    }

    /// Writes the line. The request id is also in the answer and in the audit record.
    pub(crate) fn write(self) {
        macro_rules! line {
            ($level:ident, $message:literal $(, $field:ident = $value:expr)*) => {
                tracing::$level!(
                    operation = self.operation,
                    resource = self.resource,
                    caller = self.caller(),
                    source_ip = self.request.source_ip.map(tracing::field::display),
                    $($field = $value,)*
                    duration_ms = self.took.as_micros() as f64 / 1_000.0,
                    request_id = self.request.id.as_str(),
                    $message
                )
            };
        }
        match self.error {
            None if self.has_changed => line!(info, "done"),
            None => line!(debug, "answered"),
            Some(error) => {
                let code = error.code().wire();
                // A missing handler is a receiver fault, but not one that an operator can fix.
                let is_ours = error.code().fault() == Fault::Receiver && error.code() != ErrorCode::NotImplemented;
                if is_ours {
                    line!(error, "failed", code = code, error = tracing::field::debug(error));
                } else {
                    line!(info, "refused", code = code);
                }
            }
        }
    }
}
