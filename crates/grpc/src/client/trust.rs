//! The server certificates that a client trusts.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};

use super::ClientError;

/// Trusts certificates that chain to a given one, or those that browsers trust if none are given.
///
/// # Errors
/// When the text has no certificate, or one that cannot be parsed.
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
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let inner = inner.map_err(|e| ClientError::Trusted(e.to_string()))?;
    Ok(Arc::new(Verifier { inner, given }))
}

/// Returns the reason if an error means that a certificate is not trusted.
pub(super) fn distrust(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    // An I/O error does not list its inner error as its source.
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

/// The WebPKI verifier, which also accepts a server certificate that was given itself.
///
/// `openssl req -x509` marks its certificates as those of an authority, which WebPKI does not accept as a server's. A
/// given certificate is accepted nevertheless if it is identical, has not expired and has the server's name. The
/// handshake proves that the server has its key.
#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    given: Vec<CertificateDer<'static>>,
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
                // This error comes after the check of the dates, and before all others.
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
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn is_authority(why: &OtherError) -> bool {
    matches!(why.0.downcast_ref::<webpki::Error>(), Some(webpki::Error::CaUsedAsEndEntity))
}
