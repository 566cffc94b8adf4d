//! The listener's certificate and its replacement while the server runs; TLS of connections to others (`client`).

mod client;
mod files;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use bailiwick_service::Metrics;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

pub(crate) use self::client::client;
pub(crate) use self::files::{CertificateFiles, provider};
use self::files::{Loaded, Stamp};
use crate::failure::Failure;
use crate::net::listen::stopped;

/// How often the files are checked for changes.
const LOOK: Duration = Duration::from_secs(60);

/// The certificate of new connections. It can be replaced; existing connections keep theirs.
#[derive(Debug)]
pub(crate) struct Certificates {
    files: CertificateFiles,
    loaded: ArcSwap<Loaded>,
    /// The state of the files at the last read, successful or not.
    seen: Mutex<Stamp>,
}

impl Certificates {
    /// Reads the files for the first time.
    pub(crate) fn load(files: CertificateFiles) -> Result<Arc<Self>, Failure> {
        let seen = Mutex::new(files.stamp());
        let loaded = ArcSwap::from_pointee(files.load()?);
        let certificates = Certificates { files, loaded, seen };
        certificates.log("the TLS certificate was loaded");
        Ok(Arc::new(certificates))
    }

    /// TLS 1.2 and 1.3 with these certificates; HTTP/2 and HTTP/1.1 are offered.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, Failure> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|e| Failure::new(format!("cannot set up TLS: {e}")))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files again. If they cannot be used, what was loaded before stays.
    pub(crate) fn reload(&self) {
        *self.seen() = self.files.stamp();
        match self.files.load() {
            Ok(loaded) => {
                self.loaded.store(Arc::new(loaded));
                self.log("the TLS certificate was reloaded");
            }
            Err(error) => {
                tracing::error!(%error, "the TLS certificate was not reloaded: the one from before is still used");
            }
        }
    }

    /// Reads the files again if they are others than those that were last read.
    fn reload_if_changed(&self) {
        if *self.seen() != self.files.stamp() {
            self.reload();
        }
    }

    /// Looks at the files now and then until it is time to stop.
    pub(crate) async fn follow(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                () = stopped(&mut stop) => return,
                _ = look.tick() => self.reload_if_changed(),
            }
        }
    }

    /// Registers when the certificate expires.
    pub(crate) fn measure(self: &Arc<Self>, metrics: &Metrics) {
        let certificates = Arc::clone(self);
        metrics.gauge(
            "bailiwick_tls_certificate_expiry_timestamp_seconds",
            "When the certificate that the listener shows expires, in Unix time.",
            &[],
            move |samples| samples.add(&[], certificates.loaded.load().not_after.as_second() as f64),
        );
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Stamp> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, event: &str) {
        let (file, not_after) = (self.files.certificate.display(), self.loaded.load().not_after);
        if self.loaded.load().is_expired() {
            tracing::warn!(%file, %not_after, "{event}, and it has expired: clients will refuse it");
        } else {
            tracing::info!(%file, %not_after, "{event}");
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.loaded.load().key))
    }
}
