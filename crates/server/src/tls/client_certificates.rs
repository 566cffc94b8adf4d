//! Client certificates: which are trusted, and the users that they are mapped to.
//!
//! The files are read again with those of the server's own certificate. A connection that began before is verified again
//! at its next request, and once a minute besides, so that a certificate that expired or was revoked ends its use.

mod peer;
#[cfg(test)]
mod tests;
mod users;
mod verifier;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

pub(crate) use self::peer::ConnectionCertificate;
use self::users::MappedUsers;
pub(crate) use self::verifier::ReloadedVerifier;
use super::files::{OfFile, provider, stamp};
use crate::failure::Failure;

/// The largest file of authorities, lists of revoked certificates or users, in bytes.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// Whether clients must show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ClientAuth {
    /// A client may connect without one
    Optional,
    /// A client without one is refused at the handshake
    Required,
}

/// The files about client certificates.
#[derive(Clone, Debug)]
pub(crate) struct ClientFiles {
    /// The trusted authorities.
    pub(crate) authorities: PathBuf,
    /// Certificates that were revoked before they expire.
    pub(crate) revoked: Option<PathBuf>,
    /// The users that certificates are mapped to. Without it, certificates prove no caller.
    pub(crate) users: Option<PathBuf>,
    /// Whether clients must show one.
    pub(crate) auth: ClientAuth,
}

/// What the files held.
pub(super) struct LoadedClients {
    pub(super) verifier: Arc<dyn ClientCertVerifier>,
    pub(super) users: MappedUsers,
    /// The number of the load, to compare with that of a verification.
    pub(super) generation: u64,
}

/// The trust in client certificates. It can be replaced while the server runs.
pub(crate) struct ClientTrust {
    files: ClientFiles,
    loaded: ArcSwap<LoadedClients>,
    generations: AtomicU64,
    /// The state of the files at the last read, successful or not.
    seen: Mutex<[OfFile; 3]>,
}

impl fmt::Debug for ClientTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTrust").field("files", &self.files).finish_non_exhaustive()
    }
}

impl ClientTrust {
    /// Reads the files for the first time.
    pub(crate) fn load(files: ClientFiles) -> Result<Arc<Self>, Failure> {
        let seen = Mutex::new(files.stamps());
        let loaded = ArcSwap::from_pointee(files.load(0)?);
        let trust = ClientTrust { files, loaded, generations: AtomicU64::new(1), seen };
        trust.log("the authorities of client certificates were loaded");
        Ok(Arc::new(trust))
    }

    /// Reads the files again. If they cannot be used, what was loaded before stays.
    pub(super) fn reload(&self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = self.files.stamps();
        match self.files.load(self.generations.fetch_add(1, Ordering::Relaxed)) {
            Ok(loaded) => {
                self.loaded.store(Arc::new(loaded));
                self.log("the authorities of client certificates were reloaded");
            }
            Err(error) => {
                tracing::error!(%error, "the authorities of client certificates were not reloaded: those from before are still used");
            }
        }
    }

    /// Reads the files again if they are others than those that were last read.
    pub(super) fn reload_if_changed(&self) {
        let is_changed = *self.seen.lock().unwrap_or_else(PoisonError::into_inner) != self.files.stamps();
        if is_changed {
            self.reload();
        }
    }

    pub(super) fn loaded(&self) -> Arc<LoadedClients> {
        self.loaded.load_full()
    }

    fn log(&self, event: &str) {
        let (file, users) = (self.files.authorities.display(), self.loaded().users.len());
        tracing::info!(%file, users, "{event}");
    }
}

impl ClientFiles {
    fn stamps(&self) -> [OfFile; 3] {
        let optional = |file: &Option<PathBuf>| file.as_deref().and_then(stamp);
        [stamp(&self.authorities), optional(&self.revoked), optional(&self.users)]
    }

    fn load(&self, generation: u64) -> Result<LoadedClients, Failure> {
        let mut roots = RootCertStore::empty();
        for authority in authorities(&self.authorities)? {
            roots.add(authority).map_err(|e| {
                let file = self.authorities.display();
                Failure::new(format!("{file} holds a certificate that cannot be an authority: {e}"))
            })?;
        }
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        if let Some(file) = &self.revoked {
            // Every certificate below an authority must be covered by a list that is not out of date.
            builder = builder.with_crls(revocation_lists(file)?).enforce_revocation_expiration();
        }
        if self.auth == ClientAuth::Optional {
            builder = builder.allow_unauthenticated();
        }
        let verifier = builder
            .build()
            .map_err(|e| Failure::new(format!("the files about client certificates cannot be used: {e}")))?;
        let users = match &self.users {
            None => MappedUsers::default(),
            Some(file) => {
                let text = String::from_utf8(read(file)?)
                    .map_err(|_| Failure::new(format!("{} is not UTF-8", file.display())))?;
                MappedUsers::parse(&text).map_err(|why| Failure::new(format!("{}: {why}", file.display())))?
            }
        };
        Ok(LoadedClients { verifier, users, generation })
    }
}

fn authorities(file: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let text = read(file)?;
    let found = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, pem::Error>>();
    match found {
        Ok(found) if found.is_empty() => {
            Err(Failure::new(format!("{} holds no certificate in PEM form", file.display())))
        }
        Ok(found) => Ok(found),
        Err(e) => Err(Failure::new(format!("{} is not well-formed PEM: {e}", file.display()))),
    }
}

fn revocation_lists(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, Failure> {
    let text = read(file)?;
    let found = CertificateRevocationListDer::pem_slice_iter(&text).collect::<Result<Vec<_>, pem::Error>>();
    match found {
        Ok(found) if found.is_empty() => {
            let file = file.display();
            Err(Failure::new(format!("{file} holds no list of revoked certificates (X509 CRL) in PEM form")))
        }
        Ok(found) => Ok(found),
        Err(e) => Err(Failure::new(format!("{} is not well-formed PEM: {e}", file.display()))),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |e: std::io::Error| Failure::new(format!("cannot read {}: {e}", file.display()));
    let size = fs::metadata(file).map_err(failed)?.len();
    if size > MAX_FILE {
        return Err(Failure::new(format!("{} has {size} bytes, expected at most {MAX_FILE}", file.display())));
    }
    fs::read(file).map_err(failed)
}
