//! Where a connection's requests come in: whose they are, and whether there is room for them.

use std::sync::{Arc, OnceLock};

use bailiwick_model::{ErrorCode, IamError, Result, SourceNetwork};
use bailiwick_service::{BodyError, Peer};
use http::request::Parts;

use super::TrustedProxies;
use super::connection::Connection;
use super::memory::{Account, Hold, Memory, NoRoom};

/// The most header lines of a request, which HTTP/1 is also read with.
pub(super) const MAX_HEADERS: usize = 128;
/// What a request makes the server hold beside its head and body, as measured: its task, its stream, its buffers.
const REQUEST_COST: usize = 12 * 1024;
/// What a header line takes beside its text.
const LINE_COST: usize = 128;

/// The way in of one connection.
pub(super) struct Gate {
    connection: Arc<Connection>,
    memory: Arc<Memory>,
    /// Who calls, as far as the connection tells.
    direct: Peer,
    /// The proxies whose headers are believed, if the connection is one of theirs.
    proxies: Option<Arc<TrustedProxies>>,
    unauthenticated: Arc<Account>,
    authenticated: OnceLock<Arc<Account>>,
}

impl Gate {
    pub(super) fn new(
        connection: Arc<Connection>,
        memory: Arc<Memory>,
        direct: Peer,
        proxies: &Arc<TrustedProxies>,
    ) -> Self {
        let proxies = proxies.contains(direct.ip).then(|| Arc::clone(proxies));
        let unauthenticated = memory.account(SourceNetwork::of(direct.ip), false);
        Gate { connection, memory, direct, proxies, unauthenticated, authenticated: OnceLock::new() }
    }

    /// Counts what arrives over the connection until it is a request.
    pub(super) fn head(&self) -> Hold {
        self.own_account().head(&self.connection)
    }

    /// Whose request it is, and whether it is let in or what it is refused with; either way its answer is counted under
    /// what is returned.
    ///
    /// The refusals are `MalformedInput` for too many header lines, or a proxy's headers that cannot be used, and
    /// `ServiceUnavailable` when its source holds too much.
    pub(super) fn begin(&self, head: &Parts) -> (Hold, Peer, Result<()>) {
        let (peer, admitted) = match self.admit(head) {
            Ok(peer) => (peer, Ok(())),
            Err(error) => (self.direct.clone(), Err(error)),
        };
        let (hold, found) = self.account(&peer).hold(&self.connection, if admitted.is_ok() { cost(head) } else { 0 });
        let admitted = admitted.and_then(|()| found.map_err(|NoRoom| BodyError::NoRoom.into()));
        (hold, peer, admitted)
    }

    fn admit(&self, head: &Parts) -> Result<Peer> {
        let lines = head.headers.len();
        if lines > MAX_HEADERS {
            let message = format!("a request may have {MAX_HEADERS} header lines, and this one has {lines}");
            return Err(IamError::new(ErrorCode::MalformedInput, message));
        }
        self.peer(head)
    }

    fn peer(&self, head: &Parts) -> Result<Peer> {
        let forwarded = self.proxies.as_ref().map(|proxies| proxies.client(&head.headers)).transpose()?.flatten();
        Ok(match forwarded {
            None => self.direct.clone(),
            // What the proxy does not say is not assumed.
            Some(client) => Peer {
                ip: client.ip,
                secure: client.secure.unwrap_or(false),
                is_forwarded: true,
                standing: self.direct.standing.clone(),
            },
        })
    }

    fn account(&self, peer: &Peer) -> Arc<Account> {
        if self.proxies.is_some() && peer.is_forwarded {
            // Over a proxy's connection come requests of everybody: what one client proved says nothing of the next.
            return self.memory.account(SourceNetwork::of(peer.ip), false);
        }
        Arc::clone(self.own_account())
    }

    /// The account of the connection itself.
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
