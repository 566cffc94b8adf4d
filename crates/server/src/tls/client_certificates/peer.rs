//! The certificate of one connection, verified as long as it is used.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use bailiwick_operation::Clock as _;
use bailiwick_service::PeerCertificate;
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::{ClientTrust, LoadedClients};
use crate::system::SystemClock;
use crate::tls::files::moment;

/// How long a verified certificate is used before it is verified again.
const VERIFIED_FOR: Duration = Duration::from_secs(60);
/// The most names of a certificate that are looked at.
const MAX_NAMES: usize = 256;

/// The certificate that a client showed.
pub(crate) struct ConnectionCertificate {
    trust: Arc<ClientTrust>,
    /// The certificate, then those of its issuers.
    chain: Vec<CertificateDer<'static>>,
    read: ReadCertificate,
    verified: Mutex<Verified>,
}

/// What was read of the certificate.
struct ReadCertificate {
    serial_number: String,
    sha256: [u8; 32],
    not_before: Timestamp,
    not_after: Timestamp,
    names: Vec<String>,
}

/// The last verification.
struct Verified {
    peer: Arc<PeerCertificate>,
    generation: u64,
    until: Timestamp,
}

impl ConnectionCertificate {
    /// Verifies the certificate that a client showed in a handshake. A resumed session brings the certificate of the
    /// first one, which the handshake does not verify again.
    ///
    /// # Errors
    /// Why it is not trusted or cannot be read.
    pub(crate) fn new(trust: &Arc<ClientTrust>, chain: &[CertificateDer<'_>]) -> Result<Self, String> {
        let chain: Vec<_> = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
        let read = ReadCertificate::of(chain.first().ok_or("the client showed no certificate")?)?;
        let verified = Mutex::new(verify(&trust.loaded(), &chain, &read, SystemClock.now())?);
        Ok(ConnectionCertificate { trust: Arc::clone(trust), chain, read, verified })
    }

    /// The certificate for a request that begins now.
    ///
    /// # Errors
    /// Why it is not trusted any more.
    pub(crate) fn current(&self) -> Result<Arc<PeerCertificate>, String> {
        let (now, loaded) = (SystemClock.now(), self.trust.loaded());
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.generation != loaded.generation || now >= verified.until || now < self.read.not_before {
            *verified = verify(&loaded, &self.chain, &self.read, now)?;
        }
        Ok(Arc::clone(&verified.peer))
    }
}

fn verify(
    loaded: &LoadedClients,
    chain: &[CertificateDer<'_>],
    read: &ReadCertificate,
    now: Timestamp,
) -> Result<Verified, String> {
    let Some((own, issuers)) = chain.split_first() else { return Err("the client showed no certificate".to_owned()) };
    let seconds = u64::try_from(now.as_second()).map_err(|e| e.to_string())?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    loaded.verifier.verify_client_cert(own, issuers, time).map_err(|e| e.to_string())?;
    let users = read.names.iter().filter_map(|name| Some((name.clone(), *loaded.users.get(name)?))).collect();
    let peer = PeerCertificate {
        serial_number: read.serial_number.clone(),
        sha256: read.sha256,
        not_before: read.not_before,
        not_after: read.not_after,
        users,
    };
    // An issuer's certificate may expire earlier; it is verified again within a minute.
    let until = now.checked_add(VERIFIED_FOR).map_err(|e| e.to_string())?.min(read.not_after);
    Ok(Verified { peer: Arc::new(peer), generation: loaded.generation, until })
}

impl ReadCertificate {
    fn of(certificate: &CertificateDer<'_>) -> Result<Self, String> {
        let parsed = Certificate::from_der(certificate).map_err(|e| e.to_string())?;
        let own = parsed.tbs_certificate();
        let found = own.get_extension::<SubjectAltName>().map_err(|e| format!("its alternative names: {e}"))?;
        let names = found.map_or_else(Vec::new, |(_, names)| names.0);
        let uris = names.into_iter().filter_map(|name| match name {
            GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str().to_owned()),
            _ => None,
        });
        let names: Vec<_> = uris.take(MAX_NAMES + 1).collect();
        if names.len() > MAX_NAMES {
            return Err(format!("it has more than {MAX_NAMES} names"));
        }
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest(&SHA256, certificate).as_ref());
        Ok(ReadCertificate {
            serial_number: HEXLOWER.encode(own.serial_number().as_bytes()),
            sha256,
            not_before: moment(own.validity().not_before)?,
            not_after: moment(own.validity().not_after)?,
            names,
        })
    }
}
