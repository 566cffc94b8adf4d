//! The keys of issuers in memory, and when they are fetched.
//!
//! Callers without credentials cause fetches. So there is one fetch of an issuer at a time, which all callers await; an
//! issuer and a client may cause a few fetches at once and then one now and then; a fetch goes on when the caller that
//! caused it goes away; and the issuers of one account cannot use up what other accounts need.

mod rate;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bailiwick_federation::KeySet;
use bailiwick_model::{AccountId, SourceNetwork};
use bailiwick_operation::{IssuerKeys, IssuerKeysError, WantedKeys};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use self::rate::{Bucket, Rate};
use super::fetch::{Fetch, Fetcher};
use super::settings::IssuerSettings;
use crate::failure::Failure;

/// How long keys are used without a fetch.
const FRESH: Duration = Duration::from_secs(15 * 60);
/// How long keys are used beyond that while the issuer cannot be reached. An issuer that answers with something else than
/// keys is not unreachable: it may have withdrawn them.
const STALE: Duration = Duration::from_secs(60 * 60);
/// How long a caller waits for a fetch.
const WAIT: Duration = Duration::from_secs(6);
/// Fetches of one issuer: after a few at once, one in half a minute.
const PER_ISSUER: Rate = Rate { burst: 5, every: Duration::from_secs(30) };
/// Fetches that one client causes.
const PER_SOURCE: Rate = Rate { burst: 100, every: Duration::from_secs(1) };
/// Fetches at the same time of the issuers of one account.
const PER_ACCOUNT: usize = 4;
/// Fetches at the same time.
const TOTAL: usize = 64;
/// The maximum number of issuers whose keys are kept.
const MAX_ENTRIES: usize = 1024;
/// The maximum number of these of one account, whose administrator can change thumbprints and so make more.
const MAX_OF_ACCOUNT: usize = 128;
/// The maximum number of clients whose fetches are counted.
const MAX_SOURCES: usize = 16 * 1024;

/// Fetches keys, and keeps them for a while.
pub(crate) struct CachedIssuerKeys {
    fetch: Arc<dyn Fetch>,
    entries: Mutex<HashMap<Provider, Arc<Entry>>>,
    sources: Mutex<HashMap<SourceNetwork, Bucket>>,
    total: Arc<Semaphore>,
}

/// A registered provider, as far as its keys depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Provider {
    account: AccountId,
    issuer: String,
    thumbprints: Vec<String>,
}

struct Entry {
    /// Limits the fetches of the account.
    account: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Option<(Arc<KeySet>, Instant)>,
    failure: Option<IssuerKeysError>,
    /// Whether the issuer has answered with something else since it gave the keys.
    withdrawn: bool,
    running: Option<Shared<BoxFuture<'static, ()>>>,
    fetches: Bucket,
    used: Option<Instant>,
}

impl CachedIssuerKeys {
    /// Prepares the fetches.
    pub(crate) fn new(settings: IssuerSettings) -> Result<Self, Failure> {
        Ok(Self::over(Arc::new(Fetcher::new(settings)?)))
    }

    fn over(fetch: Arc<dyn Fetch>) -> Self {
        CachedIssuerKeys {
            fetch,
            entries: Mutex::default(),
            sources: Mutex::default(),
            total: Arc::new(Semaphore::new(TOTAL)),
        }
    }

    /// The entry of a provider. If the account has too many, the one of these that was not used for the longest time is
    /// removed; if there are too many of all accounts, one of the account that has the most.
    fn entry(&self, provider: &Provider) -> Arc<Entry> {
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.get(provider) {
            return Arc::clone(entry);
        }
        let mut counts: HashMap<AccountId, usize> = HashMap::new();
        entries.keys().for_each(|key| *counts.entry(key.account).or_default() += 1);
        let crowded = if counts.get(&provider.account).is_some_and(|count| *count >= MAX_OF_ACCOUNT) {
            Some(provider.account)
        } else if entries.len() >= MAX_ENTRIES {
            counts.into_iter().max_by_key(|(_, count)| *count).map(|(account, _)| account)
        } else {
            None
        };
        if let Some(account) = crowded {
            let of_account = entries.iter().filter(|(key, _)| key.account == account);
            let oldest = of_account.min_by_key(|(_, entry)| lock(&entry.state).used).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                entries.remove(&oldest);
            }
        }
        let of_account = entries.iter().find(|(other, _)| other.account == provider.account);
        let account =
            of_account.map_or_else(|| Arc::new(Semaphore::new(PER_ACCOUNT)), |(_, entry)| Arc::clone(&entry.account));
        let entry = Arc::new(Entry { account, state: Mutex::default() });
        entries.insert(provider.clone(), Arc::clone(&entry));
        entry
    }

    fn source_may_fetch(&self, source: Option<SourceNetwork>, now: Instant) -> bool {
        let Some(source) = source else { return true };
        let mut sources = lock(&self.sources);
        if sources.len() >= MAX_SOURCES {
            sources.retain(|_, bucket| !bucket.is_full(now));
            if sources.len() >= MAX_SOURCES {
                // So many clients fetch at this moment that one more has to wait.
                return sources.get_mut(&source).is_some_and(|bucket| bucket.take(PER_SOURCE, now));
            }
        }
        sources.entry(source).or_default().take(PER_SOURCE, now)
    }

    /// Fetches in a task of its own.
    fn start(&self, entry: &Arc<Entry>, provider: Provider) -> Shared<BoxFuture<'static, ()>> {
        let (fetch, total, entry) = (Arc::clone(&self.fetch), Arc::clone(&self.total), Arc::clone(entry));
        let task = tokio::spawn(async move {
            // A closed semaphore does not occur; its error does not lift the limit.
            let (Ok(_account), Ok(_total)) = (entry.account.acquire().await, total.acquire().await) else { return };
            let result = fetch.keys(&provider.issuer, &provider.thumbprints).await;
            let mut state = lock(&entry.state);
            state.running = None;
            match result {
                Ok(keys) => {
                    tracing::debug!(issuer = %provider.issuer, keys = keys.len(), "the keys of an issuer were fetched");
                    state.keys = Some((Arc::new(keys), Instant::now()));
                    state.failure = None;
                    state.withdrawn = false;
                }
                Err(failure) => {
                    let Provider { account, issuer, .. } = &provider;
                    tracing::warn!(%account, %issuer, ?failure, "the keys of an issuer could not be fetched");
                    state.withdrawn |= matches!(failure, IssuerKeysError::Unacceptable(_));
                    state.failure = Some(failure);
                }
            }
        });
        async move {
            let _ = task.await;
        }
        .boxed()
        .shared()
    }
}

#[async_trait]
impl IssuerKeys for CachedIssuerKeys {
    async fn get(&self, wanted: &WantedKeys) -> Result<Arc<KeySet>, IssuerKeysError> {
        let WantedKeys { account, issuer, thumbprints, key_id, source } = wanted;
        let provider = Provider { account: *account, issuer: issuer.clone(), thumbprints: thumbprints.clone() };
        let entry = self.entry(&provider);
        let now = Instant::now();
        let running = {
            let mut state = lock(&entry.state);
            state.used = Some(now);
            if let Some(keys) = state.fresh(key_id.as_deref(), now) {
                return Ok(keys);
            }
            // One that ended without a result panicked.
            match state.running.clone().filter(|running| running.peek().is_none()) {
                Some(running) => running,
                None => {
                    if !self.source_may_fetch(*source, now) || !state.fetches.take(PER_ISSUER, now) {
                        return state.answer(now);
                    }
                    let running = self.start(&entry, provider);
                    state.running = Some(running.clone());
                    running
                }
            }
        };
        let _ = tokio::time::timeout(WAIT, running).await;
        let state = lock(&entry.state);
        state.answer(Instant::now())
    }
}

impl State {
    /// The keys, if there is no reason to fetch.
    fn fresh(&self, key_id: Option<&str>, now: Instant) -> Option<Arc<KeySet>> {
        let (keys, fetched) = self.keys.as_ref()?;
        (now.duration_since(*fetched) < FRESH && keys.has_key(key_id)).then(|| Arc::clone(keys))
    }

    /// What there is without another fetch.
    fn answer(&self, now: Instant) -> Result<Arc<KeySet>, IssuerKeysError> {
        let usable = if self.withdrawn { FRESH } else { FRESH + STALE };
        match &self.keys {
            Some((keys, fetched)) if now.duration_since(*fetched) < usable => Ok(Arc::clone(keys)),
            _ => Err(self.failure.clone().unwrap_or_else(|| {
                IssuerKeysError::Unreachable("the fetch has not ended yet, or must wait".to_owned())
            })),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
