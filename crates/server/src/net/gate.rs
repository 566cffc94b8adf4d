//! Admission of a connection's requests: their source, and whether its memory suffices.

use std::sync::{Arc, OnceLock};

use bailiwick_model::{ErrorCode, IamError, Result, SourceNetwork};
use bailiwick_service::{BodyError, Peer, PeerCertificate};
use http::request::Parts;

use super::TrustedProxies;
use super::connection::Connection;
use super::memory::{Account, Hold, Memory, NoRoom};
use crate::tls::ConnectionCertificate;

/// The maximum number of header lines, which also limits the HTTP/1 parser.
pub(super) const MAX_HEADERS: usize = 128;
/// Measured memory of a request in addition to head and body: task, stream, buffers.
const REQUEST_COST: usize = 12 * 1024;
/// Memory of a header line in addition to its text.
const LINE_COST: usize = 128;

/// Admits the requests of one connection.
pub(super) struct Gate {
    connection: Arc<Connection>,
    memory: Arc<Memory>,
    /// The peer of the connection.
    direct: Peer,
    /// The trusted proxies, if the connection comes from one of them.
    proxies: Option<Arc<TrustedProxies>>,
    /// The certificate that the other end of the connection showed.
    certificate: Option<ConnectionCertificate>,
    unauthenticated: Arc<Account>,
    authenticated: OnceLock<Arc<Account>>,
}

impl Gate {
    pub(super) fn new(
        connection: Arc<Connection>,
        memory: Arc<Memory>,
        direct: Peer,
        certificate: Option<ConnectionCertificate>,
        proxies: &Arc<TrustedProxies>,
    ) -> Self {
        let proxies = proxies.contains(direct.ip).then(|| Arc::clone(proxies));
        let unauthenticated = memory.account(SourceNetwork::of(direct.ip), false);
        Gate { connection, memory, direct, proxies, certificate, unauthenticated, authenticated: OnceLock::new() }
    }

    /// Counts arriving bytes until they form a request.
    pub(super) fn head(&self) -> Hold {
        self.own_account().head(&self.connection)
    }

    /// Returns the peer of a request, and the hold that its answer is counted under, or the error that refuses it.
    ///
    /// The errors are `MalformedInput` for too many header lines or unusable headers of a proxy, `ExpiredToken` if the
    /// connection's certificate is not trusted any more, and `ServiceUnavailable` when the source exceeds its memory.
    pub(super) fn begin(&self, head: &Parts) -> (Hold, Peer, Result<()>) {
        let (peer, admitted) = match self.admit(head) {
            Ok(peer) => (peer, Ok(())),
            Err(error) => (self.direct.clone(), Err(error)),
        };
        let (hold, found) = self.account(&peer).hold(&self.connection, if admitted.is_ok() { cost(head) } else { 0 });
        let admitted = admitted.and_then(|()| found.map_err(|NoRoom| BodyError::NoRoom.into()));
        (hold, peer, admitted)
    }

    /// Returns the hold of the answer to a peer's request. It is counted under the account of authenticated clients if
    /// the connection has become theirs since [`Self::begin`]; behind a proxy, if the request itself was authenticated.
    pub(super) fn answered(&self, hold: Hold, peer: &Peer) -> Hold {
        if self.is_of_other_client(peer) {
            if !peer.standing.is_authenticated() {
                return hold;
            }
            return hold.moved_to(&self.memory.account(SourceNetwork::of(peer.ip), true));
        }
        if self.proxies.is_some() || !hold.is_of(&self.unauthenticated) || !self.connection.standing.is_authenticated()
        {
            return hold;
        }
        hold.moved_to(self.own_account())
    }

    fn admit(&self, head: &Parts) -> Result<Peer> {
        let lines = head.headers.len();
        if lines > MAX_HEADERS {
            let message = format!("the request has {lines} header lines, expected at most {MAX_HEADERS}");
            return Err(IamError::new(ErrorCode::MalformedInput, message));
        }
        let certificate = self.certificate()?;
        let peer = self.peer(head)?;
        // A proxy's certificate proves the proxy, which makes requests of many clients.
        let certificate = certificate.filter(|_| self.proxies.is_none() && !self.connection.is_ended_by_proxy());
        Ok(Peer { certificate, ..peer })
    }

    /// The certificate of the connection, verified now. A connection whose certificate is not trusted any more is closed
    /// once it is idle.
    fn certificate(&self) -> Result<Option<Arc<PeerCertificate>>> {
        let Some(certificate) = &self.certificate else { return Ok(None) };
        certificate.current().map(Some).map_err(|why| {
            self.connection.distrust();
            tracing::debug!(ip = %self.direct.ip, why, "a client's certificate is not trusted any more");
            let message = "The client certificate of the connection is expired, revoked or no longer trusted";
            IamError::new(ErrorCode::ExpiredToken, message)
        })
    }

    fn peer(&self, head: &Parts) -> Result<Peer> {
        let forwarded = self.proxies.as_ref().map(|proxies| proxies.client(&head.headers)).transpose()?.flatten();
        // A proxy's connection carries requests of many clients, so one client's proof does not count for the next.
        let standing = || match self.proxies {
            Some(_) => self.direct.standing.of_one_request(),
            None => self.direct.standing.clone(),
        };
        Ok(match forwarded {
            None => Peer { standing: standing(), ..self.direct.clone() },
            // Unknown encryption counts as none.
            Some(client) => Peer {
                ip: client.ip,
                secure: client.secure.unwrap_or(false),
                is_forwarded: true,
                certificate: None,
                standing: standing(),
            },
        })
    }

    /// Whether a proxy forwards for the peer.
    fn is_of_other_client(&self, peer: &Peer) -> bool {
        self.proxies.is_some() && peer.is_forwarded
    }

    fn account(&self, peer: &Peer) -> Arc<Account> {
        if self.is_of_other_client(peer) {
            return self.memory.account(SourceNetwork::of(peer.ip), false);
        }
        Arc::clone(self.own_account())
    }

    /// Returns the memory account of the connection itself.
    fn own_account(&self) -> &Arc<Account> {
        if !self.connection.standing.is_authenticated() {
            return &self.unauthenticated;
        }
        self.authenticated.get_or_init(|| self.memory.account(SourceNetwork::of(self.direct.ip), true))
    }
}

fn cost(head: &Parts) -> usize {
    let lines = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + LINE_COST);
    let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
    REQUEST_COST + target + lines.sum::<usize>()
}
