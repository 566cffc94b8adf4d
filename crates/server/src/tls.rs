//! TLS for the listener.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::failure::Failure;

/// A certificate chain and its key, both in PEM form.
#[derive(Clone, Debug)]
pub(crate) struct CertificateFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Reads a certificate chain and its key. TLS 1.2 and 1.3; HTTP/2 and HTTP/1.1 are offered.
pub(crate) fn acceptor(files: &CertificateFiles) -> Result<TlsAcceptor, Failure> {
    let CertificateFiles { certificate, key } = files;
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|e| Failure::new(format!("cannot read the TLS certificate {}: {e}", certificate.display())))?;
    if chain.is_empty() {
        return Err(Failure::new(format!("{} holds no certificate in PEM form", certificate.display())));
    }
    refuse_open(key)?;
    let key_der = PrivateKeyDer::from_pem_file(key)
        .map_err(|e| Failure::new(format!("cannot read the TLS key {}: {e}", key.display())))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Failure::new(format!("cannot set up TLS: {e}")))?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .map_err(|e| Failure::new(format!("the TLS certificate and key do not go together: {e}")))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Refuses a key that everybody on this machine may read; a group may, since certificates are often handed out so.
fn refuse_open(key: &Path) -> Result<(), Failure> {
    let mode = match std::fs::metadata(key) {
        Ok(found) => found.permissions().mode(),
        Err(e) => return Err(Failure::new(format!("cannot read the TLS key {}: {e}", key.display()))),
    };
    if mode & 0o007 == 0 {
        return Ok(());
    }
    let (key, mode) = (key.display(), mode & 0o777);
    Err(Failure::new(format!("the TLS key {key} is open to others (mode {mode:03o}): run chmod 600 {key}")))
}
