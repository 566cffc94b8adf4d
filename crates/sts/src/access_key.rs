//! The access key that issued credentials end with.

use bailiwick_model::{AccessKeyId, IamError, Result};
use bailiwick_operation::Caller;

/// The access key of the caller, which what is issued to them ends with.
///
/// # Errors
/// `ServiceFailure` for a caller with a client certificate, which `service` does not let call such operations.
pub(crate) fn access_key(caller: &Caller) -> Result<&AccessKeyId> {
    caller.access_key_id().ok_or_else(|| IamError::internal("credentials are issued to a caller without an access key"))
}
