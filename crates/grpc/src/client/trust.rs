//! Which certificates of a server a client trusts.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};

use super::ClientError;

/// Trusts what leads to one of the given certificates, or what browsers trust when none are given.
///
/// # Errors
/// When the text holds no certificate, or one that can't be read.
pub(super) fn verifier(ca: Option<&[u8]>) -> Result<Arc<dyn ServerCertVerifier>, ClientError> {
    let mut roots = RootCertStore::empty();
    let mut given = Vec::new();
    match ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|e| ClientError::Trusted(e.to_string()))?;
                roots.add(certificate.clone()).map_err(|e| ClientError::Trusted(e.to_string()))?;
                given.push(certificate);
            }
            if given.is_empty() {
                return Err(ClientError::Trusted("it holds no certificate in PEM form".to_owned()));
            }
        }
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
    let inner = inner.map_err(|e| ClientError::Trusted(e.to_string()))?;
    Ok(Arc::new(Verifier { inner, given, provider }))
}

/// Why an error says that a certificate is not trusted, if it does.
pub(super) fn distrust(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    // Within an I/O error, the error itself is no source of it.
    let io = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    let error = io.map_or(error, |inner| inner as &(dyn std::error::Error + 'static));
    match error.downcast_ref::<Error>()? {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => Some("its issuer is not known".to_owned()),
        Error::InvalidCertificate(CertificateError::Other(why)) if is_authority(why) => {
            Some("it is its own issuer, and not one of those that are".to_owned())
        }
        Error::InvalidCertificate(error) => Some(error.to_string()),
        _ => None,
    }
}

/// The verifier of the web, which also takes a certificate that was given itself.
///
/// `openssl req -x509` marks the certificates that it makes as those of an authority, and the web's rules do not let an
/// authority be a server. A certificate that was given to be trusted is trusted nevertheless, if it is the very same, has
/// not expired and is for the server's name; the handshake proves that the server has its key.
#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    given: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            Err(Error::InvalidCertificate(CertificateError::Other(why)))
                // Said after the dates were looked at, before anything else.
                if is_authority(&why) && self.given.iter().any(|given| given == end_entity) =>
            {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn is_authority(why: &OtherError) -> bool {
    matches!(why.0.downcast_ref::<webpki::Error>(), Some(webpki::Error::CaUsedAsEndEntity))
}
