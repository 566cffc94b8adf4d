//! The certificate of a connection, as the server verified it.

use bailiwick_model::UniqueId;
use jiff::Timestamp;

/// The certificate of a client's TLS connection, verified with the trusted authorities.
#[derive(Clone, Debug)]
pub struct PeerCertificate {
    /// The serial number, in hexadecimal.
    pub serial_number: String,
    /// The SHA-256 of the certificate.
    pub sha256: [u8; 32],
    /// The start of its validity.
    pub not_before: Timestamp,
    /// The end of its validity.
    pub not_after: Timestamp,
    /// The users that its names are mapped to, each with the name. A certificate proves a caller only if there is exactly one.
    pub users: Vec<(String, UniqueId)>,
}
