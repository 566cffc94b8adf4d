//! Service-specific credentials of users: there are none.

use super::{Place, absent, missing, text};

absent! {
    all ListServiceSpecificCredentials |req| match req.all_users {
        Some(true) => Place::EveryUser,
        _ => Place::User(&req.user_name),
    };
    get UpdateServiceSpecificCredential ResetServiceSpecificCredential DeleteServiceSpecificCredential
        |req| Place::User(&req.user_name) => |_, req| unknown(&req.service_specific_credential_id);
}

fn unknown(id: &Option<String>) -> bailiwick_model::IamError {
    missing(format!("The service specific credential with id {} cannot be found.", text(id)))
}
