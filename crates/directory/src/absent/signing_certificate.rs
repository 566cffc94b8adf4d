//! X.509 signing certificates of users: there are none.

use super::{Place, absent, missing, text};

absent! {
    list ListSigningCertificates |req| Place::User(&req.user_name);
    get UpdateSigningCertificate DeleteSigningCertificate
        |req| Place::User(&req.user_name) => |_, req| unknown(&req.certificate_id);
}

fn unknown(id: &Option<String>) -> bailiwick_model::IamError {
    missing(format!("The Certificate with id {} cannot be found.", text(id)))
}
