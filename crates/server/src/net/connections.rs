//! All connections of one listener, and whose is closed when there are too many.
//!
//! A new connection is always accepted. Then, if its source has more than its share, the source's own oldest is
//! closed; if all places are taken, the oldest of those that no authenticated request came over. Idle ones go first;
//! those that have just been opened go last, since their request may be on the way.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailiwick_model::SourceNetwork;

use super::connection::{Closed, Connection, Reason};
use super::seconds::Seconds;

/// Seconds in which a new connection is not taken for idle.
const GRACE: u32 = 2;

/// How many connections there may be at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares {
    /// In all.
    pub(crate) total: usize,
    /// Of those that no authenticated request came over: all together.
    pub(crate) unauthenticated: usize,
    /// … from one source.
    pub(crate) unauthenticated_per_source: usize,
    /// Of those that an authenticated request came over: from one source.
    pub(crate) authenticated_per_source: usize,
}

impl Shares {
    /// The shares of a listener that has so many places.
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

/// Connections in the order of their age.
#[derive(Default)]
struct List {
    all: BTreeMap<u64, Arc<Connection>>,
    by_source: HashMap<SourceNetwork, BTreeSet<u64>>,
}

impl Connections {
    pub(crate) fn new(shares: Shares, clock: Arc<Seconds>) -> Arc<Self> {
        Arc::new(Connections { shares, lists: Mutex::default(), clock, closed: Arc::default() })
    }

    /// The time that everything here goes by.
    pub(super) fn clock(&self) -> &Arc<Seconds> {
        &self.clock
    }

    /// Takes a connection in, and closes another one if that is one too many. Without a source it is a trusted
    /// proxy's, which has no share of its own.
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

    /// Says what a connection is counted by, which is known late when a proxy has to tell.
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

    /// Takes note of what a request that came over a connection proved.
    pub(super) fn note(&self, connection: &Arc<Connection>) {
        if connection.standing.is_authenticated() && connection.is_unnoted() {
            self.authenticated(connection);
        }
    }

    /// An authenticated request came over a connection for the first time.
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

    /// A connection is closed.
    pub(super) fn gone(&self, connection: &Connection) {
        let mut lists = self.lists();
        let _ = lists.unauthenticated.remove(connection) || lists.authenticated.remove(connection);
    }

    /// Closes one to make room where the system has none. False when there is none to close.
    pub(super) fn make_room(&self) -> bool {
        let now = self.clock.now();
        let mut lists = self.lists();
        let heaviest = lists.authenticated.heaviest();
        lists.unauthenticated.close_one(None, u64::MAX, now) || lists.authenticated.close_idle(heaviest, u64::MAX)
    }

    /// Closes the connections whose time is over; called once a second.
    pub(super) fn close_overdue(&self) {
        let now = self.clock.now();
        let lists = self.lists();
        for connection in lists.unauthenticated.all.values().chain(lists.authenticated.all.values()) {
            if let Some(reason) = connection.overdue(now) {
                connection.close(reason);
            }
        }
    }

    /// Connections that no authenticated request came over, and the others.
    pub(super) fn counts(&self) -> (usize, usize) {
        let lists = self.lists();
        (lists.unauthenticated.all.len(), lists.authenticated.all.len())
    }

    /// How many the server closed, by reason.
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
    /// Closes the oldest idle connection, of one source or of all, or else the oldest; never the newest one, whose
    /// number is given. False when there is no other.
    fn close_one(&mut self, source: Option<SourceNetwork>, newest: u64, now: u32) -> bool {
        let is_stale = |c: &&Arc<Connection>| c.is_idle() && now.saturating_sub(c.opened) >= GRACE;
        let victim = self.of(source, newest).find(is_stale).or_else(|| self.of(source, newest).next());
        let victim = victim.map(Arc::clone);
        self.close(victim)
    }

    /// Closes the oldest idle connection, of one source or of all. False when there is none but the newest.
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

    /// The connections of one source or of all, the oldest first, without the newest.
    fn of(&self, source: Option<SourceNetwork>, newest: u64) -> Box<dyn Iterator<Item = &Arc<Connection>> + '_> {
        match source {
            None => Box::new(self.all.values().filter(move |c| c.number != newest)),
            Some(source) => {
                let numbers = self.by_source.get(&source).into_iter().flatten();
                Box::new(numbers.filter(move |n| **n != newest).filter_map(|number| self.all.get(number)))
            }
        }
    }

    /// The source with the most connections.
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
