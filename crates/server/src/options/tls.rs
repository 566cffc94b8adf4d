//! The server's certificate and key.

use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;
use crate::tls::{CertificateFiles, ClientAuth, ClientFiles};

/// The group "TLS".
#[derive(Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsOptions {
    /// Certificate chain in PEM form
    #[arg(long, env = "BAILIWICK_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Key of the certificate in PEM form
    #[arg(long, env = "BAILIWICK_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Authorities in PEM form whose client certificates are accepted; clients are asked for one with it
    #[arg(long, env = "BAILIWICK_TLS_CLIENT_CA", value_name = "FILE", requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,
    /// Whether a client may connect without a certificate
    #[arg(long, env = "BAILIWICK_TLS_CLIENT_AUTH", value_enum, default_value = "optional", value_name = "RULE")]
    tls_client_auth: ClientAuth,
    /// Lists of revoked client certificates (X.509 CRLs) in PEM form; they must cover every certificate below the
    /// authorities, and one that is out of date covers none
    #[arg(long, env = "BAILIWICK_TLS_CLIENT_CRL", value_name = "FILE", requires = "tls_client_ca")]
    tls_client_crl: Option<PathBuf>,
    /// File that maps URIs in client certificates to users: lines such as `spiffe://example.com/ci AIDA...`, with the
    /// user's unique id. A gRPC call without a signature or token is then made by that user
    #[arg(long, env = "BAILIWICK_TLS_CLIENT_USERS", value_name = "FILE", requires = "tls_client_ca")]
    tls_client_users: Option<PathBuf>,
}

impl TlsOptions {
    /// The files about client certificates, or none.
    pub(crate) fn client_files(&self) -> Result<Option<ClientFiles>, Failure> {
        match &self.tls_client_ca {
            Some(authorities) => Ok(Some(ClientFiles {
                authorities: authorities.clone(),
                revoked: self.tls_client_crl.clone(),
                users: self.tls_client_users.clone(),
                auth: self.tls_client_auth,
            })),
            None if self.tls_client_auth == ClientAuth::Required => {
                Err(Failure::with_code("--tls-client-auth required needs --tls-client-ca", 2))
            }
            None => Ok(None),
        }
    }

    /// Returns both files, or none.
    pub(crate) fn files(&self) -> Result<Option<CertificateFiles>, Failure> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                Ok(Some(CertificateFiles { certificate: certificate.clone(), key: key.clone() }))
            }
            (None, None) => Ok(None),
            (Some(_), None) => Err(Failure::with_code("--tls-cert needs --tls-key", 2)),
            (None, Some(_)) => Err(Failure::with_code("--tls-key needs --tls-cert", 2)),
        }
    }
}
