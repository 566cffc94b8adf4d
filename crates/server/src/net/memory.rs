//! Memory of requests that wait for their clients: heads, bodies and answers, by source.
//!
//! A source that exceeds its share loses requests of its own: among those that wait for it, the oldest of the larger
//! ones. Small requests are spared while larger ones hold most of the share, so that a call is answered beside a flood
//! of large bodies from the same address. If the total is exceeded, the sources that hold most lose first. Requests on
//! authenticated connections are counted separately, with a larger share.
//!
//! Only requests that wait for their client are revoked. Requests in progress end by themselves.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bailiwick_model::SourceNetwork;
use slab::Slab;

use super::connection::{Connection, Reason};
use super::seconds::Seconds;

mod hold;

use hold::Holder;
pub(super) use hold::{Hold, NoRoom};

const MIB: usize = 1024 * 1024;
/// Seconds after which a client that reads nothing of an answer is disconnected.
const ANSWER_TIMEOUT: u32 = 60;

/// Limits in bytes.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// One source.
    source: usize,
    /// All sources.
    total: usize,
}

/// The memory of all requests.
pub(crate) struct Memory {
    unauthenticated: Arc<Pool>,
    authenticated: Arc<Pool>,
    clock: Arc<Seconds>,
}

impl Memory {
    /// Creates it with the server's limits: with the memory of unauthenticated clients the process stays below 256 MiB.
    pub(crate) fn new(clock: Arc<Seconds>) -> Arc<Self> {
        let unauthenticated = Limits { source: 8 * MIB, total: 48 * MIB };
        let authenticated = Limits { source: 32 * MIB, total: 96 * MIB };
        Self::with(unauthenticated, authenticated, clock)
    }

    fn with(unauthenticated: Limits, authenticated: Limits, clock: Arc<Seconds>) -> Arc<Self> {
        let pool = |limits| Arc::new(Pool::new(limits, Arc::clone(&clock)));
        Arc::new(Memory { unauthenticated: pool(unauthenticated), authenticated: pool(authenticated), clock })
    }

    /// Returns the account of a source, for authenticated or unauthenticated connections.
    pub(super) fn account(&self, source: SourceNetwork, is_authenticated: bool) -> Arc<Account> {
        let pool = if is_authenticated { &self.authenticated } else { &self.unauthenticated };
        Pool::account(pool, source)
    }

    /// Closes connections whose clients read no answers. Called once a second.
    pub(super) fn close_overdue(&self) {
        let now = self.clock.now();
        for account in [&self.unauthenticated, &self.authenticated].into_iter().flat_map(|pool| pool.accounts()) {
            for (_, holder) in account.holders().iter() {
                if holder.unsent_for(now) > ANSWER_TIMEOUT {
                    holder.connection.close(Reason::AnswerTimeout);
                }
            }
        }
    }

    /// Returns the number of requests that were revoked or refused for lack of memory.
    pub(super) fn refused(&self) -> u64 {
        self.unauthenticated.refused.load(Ordering::Relaxed) + self.authenticated.refused.load(Ordering::Relaxed)
    }

    /// Returns the bytes held by unauthenticated and by authenticated connections.
    pub(super) fn used(&self) -> (usize, usize) {
        let used = |pool: &Pool| pool.balance.used.load(Ordering::Relaxed);
        (used(&self.unauthenticated), used(&self.authenticated))
    }
}

/// Held bytes, and how many of them are already revoked.
#[derive(Default)]
struct Balance {
    used: AtomicUsize,
    leaving: AtomicUsize,
}

impl Balance {
    /// Returns the held bytes without the revoked ones.
    fn staying(&self) -> usize {
        self.used.load(Ordering::Relaxed).saturating_sub(self.leaving.load(Ordering::Relaxed))
    }
}

/// The accounts of all sources of one kind.
struct Pool {
    limits: Limits,
    balance: Balance,
    accounts: Mutex<HashMap<SourceNetwork, Weak<Account>>>,
    clock: Arc<Seconds>,
    refused: AtomicU64,
}

/// The account of one source.
pub(super) struct Account {
    pool: Arc<Pool>,
    balance: Balance,
    holders: Mutex<Slab<Arc<Holder>>>,
    /// Number of holders so far; the number of a holder gives its age.
    begun: AtomicU64,
}

impl Pool {
    fn new(limits: Limits, clock: Arc<Seconds>) -> Self {
        Pool { limits, balance: Balance::default(), accounts: Mutex::default(), clock, refused: AtomicU64::new(0) }
    }

    fn account(this: &Arc<Self>, source: SourceNetwork) -> Arc<Account> {
        let mut accounts = this.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = accounts.get(&source).and_then(Weak::upgrade) {
            return found;
        }
        // Accounts without connections are removed now and then, when a new one is added.
        if accounts.len() == accounts.capacity() {
            accounts.retain(|_, account| account.strong_count() > 0);
        }
        let account = Arc::new(Account {
            pool: Arc::clone(this),
            balance: Balance::default(),
            holders: Mutex::default(),
            begun: AtomicU64::new(0),
        });
        accounts.insert(source, Arc::downgrade(&account));
        account
    }

    fn accounts(&self) -> Vec<Arc<Account>> {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.values().filter_map(Weak::upgrade).collect()
    }

    /// Revokes memory of the sources that hold most, until the total is below the limit.
    fn shed(&self) {
        let mut accounts: Vec<_> = self.accounts().into_iter().map(|a| (a.balance.staying(), a)).collect();
        accounts.sort_unstable_by_key(|(staying, _)| Reverse(*staying));
        let sizes: Vec<usize> = accounts.iter().map(|(staying, _)| *staying).collect();
        let target = self.limits.total / 8 * 7;
        let level = level(&sizes, target);
        for (_, account) in accounts.iter().take_while(|(staying, _)| *staying > level) {
            // This may free more than necessary, since a request is revoked as a whole.
            if self.balance.staying() <= target {
                break;
            }
            account.shed(level);
        }
    }
}

/// Returns the size that the largest of `sizes` (in descending order) must be cut to, so that the sum reaches the
/// target.
fn level(sizes: &[usize], target: usize) -> usize {
    let mut rest: usize = sizes.iter().sum();
    if rest <= target {
        return usize::MAX;
    }
    for (number, size) in sizes.iter().enumerate() {
        rest -= size;
        let level = target.saturating_sub(rest) / (number + 1);
        if sizes.get(number + 1).is_none_or(|next| *next <= level) {
            return level;
        }
    }
    0
}

impl Account {
    /// Starts to hold the memory of a request. If it is not available, the returned hold is empty.
    pub(super) fn hold(self: &Arc<Self>, connection: &Arc<Connection>, bytes: usize) -> (Hold, Result<(), NoRoom>) {
        let hold = Hold::new(self, connection, true);
        let found = hold.take(bytes);
        if found.is_err() {
            hold.give_back(bytes);
        }
        (hold, found)
    }

    /// Starts to hold bytes that do not form a request yet.
    pub(super) fn head(self: &Arc<Self>, connection: &Arc<Connection>) -> Hold {
        Hold::new(self, connection, false)
    }

    /// Counts bytes, and makes room for them if that is needed.
    fn add(&self, bytes: usize) {
        let limits = self.pool.limits;
        self.balance.used.fetch_add(bytes, Ordering::Relaxed);
        self.pool.balance.used.fetch_add(bytes, Ordering::Relaxed);
        if self.balance.staying() > limits.source {
            self.shed(limits.source / 8 * 7);
        }
        if self.pool.balance.staying() > limits.total {
            self.pool.shed();
        }
    }

    /// Whether so much is held, counting what is on its way out, that a request of `bytes` must be refused at once.
    fn is_full(&self, bytes: usize) -> bool {
        let limits = self.pool.limits;
        let (own, all) = (self.balance.used.load(Ordering::Relaxed), self.pool.balance.used.load(Ordering::Relaxed));
        // A part is reserved for small requests.
        let most = if bytes <= limits.source / 64 { limits.source * 2 } else { limits.source / 2 * 3 };
        // What is given up is gone a moment later. A source that holds little is spared the wait for others.
        own > most || all > limits.total * 2 || (all > limits.total / 2 * 3 && own > limits.source / 32)
    }

    fn give_back(&self, bytes: usize) {
        self.balance.used.fetch_sub(bytes, Ordering::Relaxed);
        self.pool.balance.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn leaving(&self, bytes: usize) {
        self.balance.leaving.fetch_add(bytes, Ordering::Relaxed);
        self.pool.balance.leaving.fetch_add(bytes, Ordering::Relaxed);
    }

    fn left(&self, bytes: usize) {
        self.balance.leaving.fetch_sub(bytes, Ordering::Relaxed);
        self.pool.balance.leaving.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Gives up the oldest of what waits for its sender until no more than the target stays; first those that hold
    /// more than most, so that small requests outlive large ones. Those that hold less than an eighth of the average
    /// stay, since without them hardly less would be held.
    fn shed(&self, target: usize) {
        let holders = self.holders();
        let staying = self.balance.staying();
        if staying <= target {
            return;
        }
        let average = staying / holders.iter().filter(|(_, holder)| !holder.is_given_up()).count().max(1);
        let is_spared = |holder: &Holder| holder.bytes() < average / 8;
        let waiting = holders.iter().map(|(_, holder)| holder).filter(|h| h.is_waiting() && !is_spared(h));
        let mut waiting: Vec<_> = waiting.collect();
        // Each is read once: its bytes change meanwhile, and an order that changes makes the sort panic.
        waiting.sort_by_cached_key(|holder| (holder.bytes() < average, holder.number));
        for holder in waiting {
            if self.balance.staying() <= target {
                break;
            }
            holder.give_up(self);
        }
    }

    fn holders(&self) -> MutexGuard<'_, Slab<Arc<Holder>>> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
