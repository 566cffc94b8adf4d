//! TLS of the connections that the server opens.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::provider;
use crate::failure::Failure;

/// TLS 1.2 and 1.3 to servers whose certificates are verified: against the authorities of the public Internet, and those of
/// a file in PEM form. Offers these protocols.
///
/// # Errors
/// If the file can't be read, or has no certificate.
pub(crate) fn client(ca_file: Option<&Path>, protocols: &[&[u8]]) -> Result<Arc<ClientConfig>, Failure> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = ca_file {
        let name = file.display();
        let failed = |why: String| Failure::new(format!("cannot use the certificate authorities in {name}: {why}"));
        let read = CertificateDer::pem_file_iter(file).map_err(|error| failed(error.to_string()))?;
        let mut count = 0;
        for certificate in read {
            let certificate = certificate.map_err(|error| failed(error.to_string()))?;
            roots.add(certificate).map_err(|error| failed(error.to_string()))?;
            count += 1;
        }
        if count == 0 {
            return Err(failed("it has no certificate in PEM form".to_owned()));
        }
    }
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::new(format!("cannot set up TLS: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Arc::new(config))
}
