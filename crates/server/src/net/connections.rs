//! The registry of a listener's connections. It selects the one to close when there are too many.
//!
//! A new connection is always accepted. If its source then exceeds its share, the source's oldest connection is closed;
//! if the listener exceeds its total, the oldest unauthenticated one. Idle connections are closed first, and new ones
//! last, since their request may be on its way.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailiwick_model::SourceNetwork;

use super::connection::{Closed, Connection, Reason};
use super::seconds::Seconds;

/// Seconds for which a new connection does not count as idle.
const GRACE: u32 = 2;

/// Limits on concurrent connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares {
    /// Total.
    pub(crate) total: usize,
    /// Unauthenticated ones, of all sources.
    pub(crate) unauthenticated: usize,
    /// Unauthenticated ones of one source.
    pub(crate) unauthenticated_per_source: usize,
    /// Authenticated ones of one source.
    pub(crate) authenticated_per_source: usize,
}

impl Shares {
    /// Returns the limits for a total of `all` connections.
    pub(crate) fn of(total: usize) -> Self {
        let total = total.max(8);
        Shares {
            total,
            unauthenticated: total / 2,
            unauthenticated_per_source: total / 8,
            authenticated_per_source: total / 2,
        }
    }
}

/// The registry.
pub(crate) struct Connections {
    shares: Shares,
    lists: Mutex<Lists>,
    clock: Arc<Seconds>,
    closed: Arc<Closed>,
}

#[derive(Default)]
struct Lists {
    next: u64,
    unauthenticated: List,
    authenticated: List,
}

/// Connections by age.
#[derive(Default)]
struct List {
    all: BTreeMap<u64, Arc<Connection>>,
    by_source: HashMap<SourceNetwork, BTreeSet<u64>>,
}

impl Connections {
    pub(crate) fn new(shares: Shares, clock: Arc<Seconds>) -> Arc<Self> {
        Arc::new(Connections { shares, lists: Mutex::default(), clock, closed: Arc::default() })
    }

    /// The clock of the registry.
    pub(super) fn clock(&self) -> &Arc<Seconds> {
        &self.clock
    }

    /// Registers a connection, and closes another one if a limit is exceeded. A connection without a source belongs to
    /// a trusted proxy, which has no share.
    pub(super) fn open(&self, source: Option<SourceNetwork>) -> Arc<Connection> {
        let now = self.clock.now();
        let mut lists = self.lists();
        let connection = Arc::new(Connection::new(lists.next, now, Arc::clone(&self.closed)));
        lists.next += 1;
        lists.unauthenticated.all.insert(connection.number, Arc::clone(&connection));
        if let Some(source) = source {
            self.assign_in(&mut lists, &connection, source);
        }
        if lists.unauthenticated.all.len() > self.shares.unauthenticated {
            lists.unauthenticated.close_one(None, connection.number, now);
        }
        if lists.len() > self.shares.total {
            let found = lists.unauthenticated.close_one(None, connection.number, now);
            let heaviest = lists.authenticated.heaviest();
            if !found && !lists.authenticated.close_idle(heaviest, connection.number) {
                lists.unauthenticated.remove(&connection);
                connection.close(Reason::Connections);
            }
        }
        connection
    }

    /// Sets the source of a connection, which is known late if a PROXY header names it.
    pub(super) fn assign(&self, connection: &Connection, source: SourceNetwork) {
        self.assign_in(&mut self.lists(), connection, source);
    }

    fn assign_in(&self, lists: &mut Lists, connection: &Connection, source: SourceNetwork) {
        connection.set_source(source);
        let list = &mut lists.unauthenticated;
        if !list.all.contains_key(&connection.number) {
            return;
        }
        let own = list.by_source.entry(source).or_default();
        own.insert(connection.number);
        if own.len() > self.shares.unauthenticated_per_source {
            list.close_one(Some(source), connection.number, self.clock.now());
        }
    }

    /// Records the result of a request's authentication.
    pub(super) fn note(&self, connection: &Arc<Connection>) {
        if connection.standing.is_authenticated() && connection.is_unnoted() {
            self.authenticated(connection);
        }
    }

    /// Records the first authenticated request of a connection.
    fn authenticated(&self, connection: &Arc<Connection>) {
        let mut lists = self.lists();
        if !lists.unauthenticated.remove(connection) {
            return;
        }
        let list = &mut lists.authenticated;
        list.all.insert(connection.number, Arc::clone(connection));
        let Some(source) = connection.source() else { return };
        let own = list.by_source.entry(source).or_default();
        own.insert(connection.number);
        if own.len() > self.shares.authenticated_per_source {
            list.close_idle(Some(source), connection.number);
        }
    }

    /// Removes a closed connection.
    pub(super) fn gone(&self, connection: &Connection) {
        let mut lists = self.lists();
        let _ = lists.unauthenticated.remove(connection) || lists.authenticated.remove(connection);
    }

    /// Closes one because the system has no more room. Returns whether there was one to close.
    pub(super) fn make_room(&self) -> bool {
        let now = self.clock.now();
        let mut lists = self.lists();
        let heaviest = lists.authenticated.heaviest();
        lists.unauthenticated.close_one(None, u64::MAX, now) || lists.authenticated.close_idle(heaviest, u64::MAX)
    }

    /// Closes the connections whose deadline is over. Called once a second.
    pub(super) fn close_overdue(&self) {
        let now = self.clock.now();
        let lists = self.lists();
        for connection in lists.unauthenticated.all.values().chain(lists.authenticated.all.values()) {
            if let Some(reason) = connection.overdue(now) {
                connection.close(reason);
            }
        }
    }

    /// Returns the numbers of unauthenticated and of authenticated connections.
    pub(super) fn counts(&self) -> (usize, usize) {
        let lists = self.lists();
        (lists.unauthenticated.all.len(), lists.authenticated.all.len())
    }

    /// Returns the number of connections that the server closed, by reason.
    pub(super) fn closed(&self) -> &Closed {
        &self.closed
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lists {
    fn len(&self) -> usize {
        self.unauthenticated.all.len() + self.authenticated.all.len()
    }
}

impl List {
    /// Closes the oldest idle connection of one source or of all, or else the oldest, but never number `newest`.
    /// Returns whether there was one.
    fn close_one(&mut self, source: Option<SourceNetwork>, newest: u64, now: u32) -> bool {
        let is_stale = |c: &&Arc<Connection>| c.is_idle() && now.saturating_sub(c.opened) >= GRACE;
        let victim = self.of(source, newest).find(is_stale).or_else(|| self.of(source, newest).next());
        let victim = victim.map(Arc::clone);
        self.close(victim)
    }

    /// Closes the oldest idle connection of one source or of all, but never number `newest`. Returns whether there was
    /// one.
    fn close_idle(&mut self, source: Option<SourceNetwork>, newest: u64) -> bool {
        let victim = self.of(source, newest).find(|connection| connection.is_idle()).map(Arc::clone);
        self.close(victim)
    }

    fn close(&mut self, victim: Option<Arc<Connection>>) -> bool {
        let Some(victim) = victim else { return false };
        self.remove(&victim);
        victim.close(Reason::Connections);
        true
    }

    /// Iterates over the connections of one source or of all, oldest first, without number `newest`.
    fn of(&self, source: Option<SourceNetwork>, newest: u64) -> Box<dyn Iterator<Item = &Arc<Connection>> + '_> {
        match source {
            None => Box::new(self.all.values().filter(move |c| c.number != newest)),
            Some(source) => {
                let numbers = self.by_source.get(&source).into_iter().flatten();
                Box::new(numbers.filter(move |n| **n != newest).filter_map(|number| self.all.get(number)))
            }
        }
    }

    /// Returns the source with the most connections.
    fn heaviest(&self) -> Option<SourceNetwork> {
        self.by_source.iter().max_by_key(|(_, own)| own.len()).map(|(source, _)| *source)
    }

    fn remove(&mut self, connection: &Connection) -> bool {
        if let Some(source) = connection.source()
            && let Some(own) = self.by_source.get_mut(&source)
        {
            own.remove(&connection.number);
            if own.is_empty() {
                self.by_source.remove(&source);
            }
        }
        self.all.remove(&connection.number).is_some()
    }
}

#[cfg(test)]
mod tests;
