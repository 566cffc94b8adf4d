//! The files of a certificate: what they must be, and whether they have changed.

use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bailiwick_operation::Clock as _;
use jiff::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::time::Time;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::system::SystemClock;

/// A certificate chain and its key, both in PEM form.
#[derive(Clone, Debug)]
pub(crate) struct CertificateFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// What the files held.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) key: Arc<CertifiedKey>,
    /// When the first certificate of the chain expires.
    pub(crate) not_after: Timestamp,
}

impl Loaded {
    pub(crate) fn is_expired(&self) -> bool {
        self.not_after < SystemClock.now()
    }
}

/// Identifies the version of a file: device, inode, size, and time of change in nanoseconds.
pub(super) type OfFile = Option<(u64, u64, u64, i64, i64)>;

/// The same of both files; nothing for one that is not there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stamp(OfFile, OfFile);

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

impl CertificateFiles {
    /// What both files look like now.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp(stamp(&self.certificate), stamp(&self.key))
    }

    /// Reads both files, and refuses those that do not go together.
    pub(crate) fn load(&self) -> Result<Loaded, Failure> {
        let (certificate, key) = (self.certificate.display(), self.key.display());
        let text = fs::read(&self.certificate)
            .map_err(|e| Failure::new(format!("cannot read the TLS certificate {certificate}: {e}")))?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
            .collect::<Result<_, pem::Error>>()
            .map_err(|e| Failure::new(format!("the TLS certificate {certificate} is not well-formed PEM: {e}")))?;
        let Some(first) = chain.first() else {
            return Err(Failure::new(format!("{certificate} holds no certificate in PEM form")));
        };
        let not_after = expiry(first)
            .map_err(|why| Failure::new(format!("{certificate} holds no X.509 certificate that can be read: {why}")))?;
        refuse_open(&self.key)?;
        let text = fs::read(&self.key).map(Zeroizing::new);
        let text = text.map_err(|e| Failure::new(format!("cannot read the TLS key {key}: {e}")))?;
        let key_der = PrivateKeyDer::from_pem_slice(&text).map_err(|e| match e {
            pem::Error::NoItemsFound => Failure::new(format!(
                "{key} holds no private key in PEM form (one that is encrypted with a password can't be used)"
            )),
            e => Failure::new(format!("the TLS key {key} is not well-formed PEM: {e}")),
        })?;
        let certified = CertifiedKey::from_der(chain, key_der, &provider()).map_err(|e| {
            Failure::new(format!("the TLS certificate {certificate} and the key {key} do not go together: {e}"))
        })?;
        Ok(Loaded { key: Arc::new(certified), not_after })
    }
}

/// What a file looks like now.
pub(super) fn stamp(file: &Path) -> OfFile {
    let of = |found: Metadata| (found.dev(), found.ino(), found.len(), found.mtime(), found.mtime_nsec());
    fs::metadata(file).ok().map(of)
}

/// When a certificate expires.
fn expiry(certificate: &CertificateDer<'_>) -> Result<Timestamp, String> {
    let parsed = Certificate::from_der(certificate).map_err(|e| e.to_string())?;
    moment(parsed.tbs_certificate().validity().not_after)
}

/// The time in a certificate's validity.
pub(super) fn moment(time: Time) -> Result<Timestamp, String> {
    let seconds = time.to_unix_duration().as_secs();
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.ok_or_else(|| "a time of its validity is out of range".to_owned())
}

/// Refuses a world-readable key. A group may read it, since certificates are often shared that way.
fn refuse_open(key: &Path) -> Result<(), Failure> {
    let mode = match fs::metadata(key) {
        Ok(found) => found.permissions().mode(),
        Err(e) => return Err(Failure::new(format!("cannot read the TLS key {}: {e}", key.display()))),
    };
    if mode & 0o007 == 0 {
        return Ok(());
    }
    let (key, mode) = (key.display(), mode & 0o777);
    Err(Failure::new(format!("the TLS key {key} is open to others (mode {mode:03o}): run chmod 600 {key}")))
}
