//! Credential reports: none was generated.

use bailiwick_model::{ErrorCode, IamError};

use super::{Place, absent};

absent! {
    get GetCredentialReport |req| Place::Account => |_, _| {
        IamError::new(ErrorCode::ReportNotPresent, "no credential report has been generated")
    };
}
