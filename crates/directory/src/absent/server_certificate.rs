//! Server certificates: there are none.

use super::{Place, absent, missing, text};

absent! {
    list ListServerCertificates |req| Place::Account;
    get GetServerCertificate UpdateServerCertificate DeleteServerCertificate ListServerCertificateTags
        |req| named(&req.server_certificate_name) => |_, req| unknown(&req.server_certificate_name);
    tag TagServerCertificate |req| named(&req.server_certificate_name) => |_, req| unknown(&req.server_certificate_name);
    untag UntagServerCertificate |req| named(&req.server_certificate_name) => |_, req| unknown(&req.server_certificate_name);
}

fn named(name: &Option<String>) -> Place<'_> {
    Place::Named("server-certificate", "serverCertificateName", name)
}

fn unknown(name: &Option<String>) -> bailiwick_model::IamError {
    missing(format!("The Server Certificate with name {} cannot be found.", text(name)))
}
