//! The server's certificate and key.

use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;
use crate::tls::CertificateFiles;

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
}

impl TlsOptions {
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
