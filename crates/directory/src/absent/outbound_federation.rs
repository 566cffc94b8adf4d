//! Web identity federation to the outside: it is not enabled.

use bailiwick_model::{ErrorCode, IamError};

use super::{Place, absent};

absent! {
    get GetOutboundWebIdentityFederationInfo DisableOutboundWebIdentityFederation
        |req| Place::Account => |_, _| disabled();
}

fn disabled() -> IamError {
    IamError::new(ErrorCode::FeatureDisabled, "outbound identity federation is not enabled for this account")
}
