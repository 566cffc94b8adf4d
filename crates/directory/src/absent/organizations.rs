//! Features of an organization: the account is in none.

use bailiwick_model::{ErrorCode, IamError};

use super::{Place, absent};

absent! {
    get ListOrganizationsFeatures DisableOrganizationsRootSessions
        DisableOrganizationsRootCredentialsManagement |req| Place::Account => |_, _| none();
}

fn none() -> IamError {
    IamError::new(ErrorCode::OrganizationNotFound, "the account is not a member of an organization")
}
