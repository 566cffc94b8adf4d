//! The listener's certificate and its replacement while the server runs; TLS of connections to others (`client`).

mod client;
mod client_certificates;
mod files;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use bailiwick_service::Metrics;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_rustls::{Accept, TlsAcceptor};

pub(crate) use self::client::client;
pub(crate) use self::client_certificates::{ClientAuth, ClientFiles, ConnectionCertificate};
use self::client_certificates::{ClientTrust, ReloadedVerifier};
pub(crate) use self::files::{CertificateFiles, provider};
use self::files::{Loaded, Stamp};
use crate::failure::Failure;
use crate::signals::stopped;

/// How often the files are checked for changes.
const LOOK: Duration = Duration::from_secs(60);

/// The certificate of new connections. It can be replaced; existing connections keep theirs.
#[derive(Debug)]
pub(crate) struct Certificates {
    files: CertificateFiles,
    /// The trust in the certificates of clients, if they are asked for one.
    clients: Option<Arc<ClientTrust>>,
    loaded: ArcSwap<Loaded>,
    /// The state of the files at the last read, successful or not.
    seen: Mutex<Stamp>,
}

impl Certificates {
    /// Reads the files for the first time.
    pub(crate) fn load(files: CertificateFiles, clients: Option<ClientFiles>) -> Result<Arc<Self>, Failure> {
        let seen = Mutex::new(files.stamp());
        let loaded = ArcSwap::from_pointee(files.load()?);
        let clients = clients.map(ClientTrust::load).transpose()?;
        let certificates = Certificates { files, clients, loaded, seen };
        certificates.log("the TLS certificate was loaded");
        Ok(Arc::new(certificates))
    }

    /// TLS 1.2 and 1.3 with these certificates; HTTP/2 and HTTP/1.1 are offered. Clients are not asked for a certificate.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<Acceptor, Failure> {
        self.acceptor_with(None)
    }

    /// The same, but clients are asked for a certificate if the files for it were given.
    pub(crate) fn client_acceptor(self: &Arc<Self>) -> Result<Acceptor, Failure> {
        self.acceptor_with(self.clients.clone())
    }

    fn acceptor_with(self: &Arc<Self>, clients: Option<Arc<ClientTrust>>) -> Result<Acceptor, Failure> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|e| Failure::new(format!("cannot set up TLS: {e}")))?;
        let builder = match &clients {
            None => builder.with_no_client_auth(),
            Some(trust) => builder.with_client_cert_verifier(Arc::new(ReloadedVerifier(Arc::clone(trust)))),
        };
        let mut config = builder.with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Acceptor { tls: TlsAcceptor::from(Arc::new(config)), clients })
    }

    /// Reads the files again. If they cannot be used, what was loaded before stays.
    pub(crate) fn reload(&self) {
        if let Some(clients) = &self.clients {
            clients.reload();
        }
        self.reload_own();
    }

    fn reload_own(&self) {
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
        if let Some(clients) = &self.clients {
            clients.reload_if_changed();
        }
        if *self.seen() != self.files.stamp() {
            self.reload_own();
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

/// Accepts TLS connections.
#[derive(Clone)]
pub(crate) struct Acceptor {
    tls: TlsAcceptor,
    clients: Option<Arc<ClientTrust>>,
}

impl Acceptor {
    /// The handshake.
    pub(crate) fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Accept<S> {
        self.tls.accept(stream)
    }

    /// The verified certificate of a client, if it showed one.
    ///
    /// # Errors
    /// Why the client's certificate is not trusted.
    pub(crate) fn certificate(&self, connection: &ServerConnection) -> Result<Option<ConnectionCertificate>, String> {
        match (&self.clients, connection.peer_certificates()) {
            (Some(trust), Some(chain)) => ConnectionCertificate::new(trust, chain).map(Some),
            _ => Ok(None),
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.loaded.load().key))
    }
}
