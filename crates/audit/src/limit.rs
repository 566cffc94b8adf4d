//! The rate limit for records of calls that require no permissions: failures, and operations that every caller may use.
//! It applies to each caller, also of an identity provider, and to each source of unauthenticated requests; failures and successes are counted
//! separately, so that neither hides the other.
//!
//! Calls beyond the rate are counted. The next record contains the count or, if there is none, a record of its own
//! does. So every call is accounted for, and no caller can fill the disk.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use bailiwick_model::Partition;
use bailiwick_operation::{Caller, Principal, RequestInfo, UnsignedCaller};
use jiff::Timestamp;

use crate::Event;

/// The maximum number of records per caller or source in one window.
const MAX_RECORDS: u64 = 20;
/// The maximum for all sources together, because one client may have many IPv6 networks.
const MAX_SOURCE_RECORDS: u64 = 2_000;
/// Seconds in a window.
const WINDOW_SECONDS: i64 = 60;
/// The maximum number of callers and sources with a count of their own; all others share one.
const MAX_KEYS: usize = 20_000;

/// Decides which calls get a record.
#[derive(Debug, Default)]
pub(crate) struct RecordRateLimit {
    counts: HashMap<Key, Count>,
    /// The window in which unauthenticated requests were last counted together, and how many got a record.
    sources: (i64, u64),
    /// The window in which counts were last looked through.
    swept: i64,
    /// Counts that were evicted before a record contained them.
    unreported: Vec<UnreportedCount>,
}

/// Whose calls are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// A user, or a role with all its sessions, by unique id; or a root user.
    Caller { id: String, has_failed: bool },
    /// A principal of an identity provider, by the provider's name for it.
    Federated { provider: String, id: String, has_failed: bool },
    /// A network of unauthenticated requests.
    Source(Option<IpAddr>),
    /// All callers and sources beyond the maximum.
    Overflow,
}

#[derive(Debug)]
struct Count {
    window: i64,
    seen: u64,
    suppressed: u64,
    last: Option<Last>,
}

/// The last call that got no record.
#[derive(Clone, Debug)]
struct Last {
    request: Arc<RequestInfo>,
    caller: Option<Arc<Caller>>,
    unsigned: Option<UnsignedCaller>,
    partition: Partition,
}

/// A number of calls that no record contains yet.
#[derive(Debug)]
pub(crate) struct UnreportedCount {
    pub(crate) request: Arc<RequestInfo>,
    pub(crate) caller: Option<Arc<Caller>>,
    pub(crate) unsigned: Option<UnsignedCaller>,
    pub(crate) partition: Partition,
    pub(crate) suppressed: u64,
}

impl RecordRateLimit {
    /// Returns `None` if the call gets no record now, otherwise the number of earlier calls that its record represents.
    pub(crate) fn admit(&mut self, event: &Event<'_>) -> Option<u64> {
        let window = window(event.time);
        let key = match event.caller {
            Some(caller) => Key::Caller { id: id_of(&caller.principal), has_failed: event.error.is_some() },
            None => match event.unsigned {
                Some(UnsignedCaller::Federated(principal)) => Key::Federated {
                    provider: principal.provider.clone(),
                    id: principal.id.clone(),
                    has_failed: event.error.is_some(),
                },
                Some(UnsignedCaller::Person(person)) => match person.proven() {
                    Some(principal) => Key::Caller { id: id_of(principal), has_failed: event.error.is_some() },
                    None => Key::Source(event.request.source_ip.map(network)),
                },
                Some(UnsignedCaller::Credentials(caller)) => {
                    Key::Caller { id: id_of(&caller.principal), has_failed: event.error.is_some() }
                }
                Some(UnsignedCaller::Anonymous) | None => Key::Source(event.request.source_ip.map(network)),
            },
        };
        let is_source = matches!(key, Key::Source(_));
        if self.counts.len() >= MAX_KEYS && !self.counts.contains_key(&key) {
            self.sweep(window);
        }
        if begins(self.sources.0, window) {
            self.sources = (window, 0);
        }
        let sources_exhausted = is_source && self.sources.1 >= MAX_SOURCE_RECORDS;
        let has_room = !sources_exhausted && self.counts.len() < MAX_KEYS;
        let key = if has_room || self.counts.contains_key(&key) { key } else { Key::Overflow };
        let count = self.counts.entry(key).or_insert(Count { window, seen: 0, suppressed: 0, last: None });
        if begins(count.window, window) {
            count.window = window;
            count.seen = 0;
        }
        count.seen += 1;
        if sources_exhausted || count.seen > MAX_RECORDS {
            count.suppressed += 1;
            count.last = Some(Last {
                request: Arc::clone(event.request),
                caller: event.caller.cloned(),
                unsigned: event.unsigned.cloned(),
                partition: event.partition,
            });
            return None;
        }
        count.last = None;
        if is_source {
            self.sources.1 += 1;
        }
        Some(std::mem::take(&mut count.suppressed))
    }

    /// The counts whose window ended without a record that contains them.
    pub(crate) fn unreported(&mut self, now: Timestamp) -> Vec<UnreportedCount> {
        self.sweep(window(now));
        std::mem::take(&mut self.unreported)
    }

    /// All counts, at the end.
    pub(crate) fn drain(&mut self) -> Vec<UnreportedCount> {
        self.sweep(i64::MAX);
        std::mem::take(&mut self.unreported)
    }

    /// Forgets the counts of former windows.
    fn sweep(&mut self, window: i64) {
        if !begins(self.swept, window) {
            return;
        }
        self.swept = window;
        let unreported = &mut self.unreported;
        self.counts.retain(|_, count| {
            let stays = !begins(count.window, window);
            if !stays && let Some(Last { request, caller, unsigned, partition }) = count.last.take() {
                let suppressed = count.suppressed;
                unreported.push(UnreportedCount { request, caller, unsigned, partition, suppressed });
            }
            stays
        });
    }
}

/// The unique id of a user or role, or the number of a root user's account. The sessions of a role count together, and
/// federated users with their issuer: their names are chosen by those who make them.
fn id_of(principal: &Principal) -> String {
    principal.identity().map_or_else(|| principal.account().to_string(), |id| id.as_str().to_owned())
}

fn window(time: Timestamp) -> i64 {
    time.as_second().div_euclid(WINDOW_SECONDS)
}

/// Whether a new window begins with a call of `window`.
///
/// Calls are counted when they end and have the time of their arrival, so that a late call may be of the window before.
/// It counts in the current one: otherwise late calls would restart that one without end. A clock that was set back
/// further does begin a window.
fn begins(current: i64, window: i64) -> bool {
    window > current || window < current - 1
}

/// A client with one IPv6 address has the whole /64 network.
fn network(source: IpAddr) -> IpAddr {
    match source {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        IpAddr::V4(_) => source,
    }
}

#[cfg(test)]
mod tests;
