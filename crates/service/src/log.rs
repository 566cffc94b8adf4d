//! One line in the log for each call.

use std::time::Duration;

use bailiwick_model::{ErrorCode, Fault, IamError, Partition};
use bailiwick_operation::{Caller, RequestInfo};

/// What a line says of a call. Nothing in it is secret: neither parameters nor answers are.
pub(crate) struct Line<'a> {
    /// The operation, as AWS spells it.
    pub(crate) operation: &'static str,
    /// Whether the call is logged at `debug` when it succeeds: it changed nothing, or another service asked it.
    pub(crate) is_quiet: bool,
    /// Id and source address.
    pub(crate) request: &'a RequestInfo,
    /// The caller, if the caller was authenticated.
    pub(crate) caller: Option<&'a Caller>,
    /// The partition of the caller's ARN.
    pub(crate) partition: Partition,
    /// The ARN of what the first check is about, if the call came that far.
    pub(crate) resource: Option<&'a str>,
    /// From arrival to answer.
    pub(crate) took: Duration,
    /// How it failed, if it did.
    pub(crate) error: Option<&'a IamError>,
}

impl Line<'_> {
    /// Writes the line. The request id joins it to the client's view and to the audit trail.
    pub(crate) fn write(self) {
        macro_rules! line {
            ($level:ident, $message:literal $(, $field:ident = $value:expr)*) => {
                tracing::$level!(
                    operation = self.operation,
                    resource = self.resource,
                    caller = self.caller.map(|caller| caller.principal.arn(self.partition).to_string()),
                    source_ip = self.request.source_ip.map(tracing::field::display),
                    $($field = $value,)*
                    duration_ms = self.took.as_micros() as f64 / 1_000.0,
                    request_id = self.request.id.as_str(),
                    $message
                )
            };
        }
        match self.error {
            None if self.is_quiet => line!(debug, "answered"),
            None => line!(info, "done"),
            Some(error) => {
                let code = error.code().wire();
                // An operation that is not built is no failure that anyone has to look after.
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
