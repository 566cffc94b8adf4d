//! The key of this process among those that use the store. By it, two processes with the id of one server find each other:
//! the data folder of one is a copy of the other's, and they would take each other's audit records.
//!
//! A process writes its key every second. Others know that it runs when they see the key change, so no clock is compared.
//! Nothing else depends on these keys. Of two processes that find each other, the one that started later stops.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use bailiwick_storage::{ServerId, StoreError};
use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    OpenError,
    api::{self, KeyValue, RangeRequest, TxnRequest, changed_at},
    client::Client,
    error::Fault,
    layout::Layout,
};

/// The pause between two writes of the key.
const BEAT: Duration = Duration::from_secs(1);
/// A process whose key does not change for so long has ended.
const SILENT: Duration = Duration::from_secs(3);
/// How many times the keys of killed processes are looked for in the time after which they are removed.
const LOOKS: u32 = 5;
/// The pause between two looks at the keys of other processes.
const PAUSE: Duration = Duration::from_millis(250);

/// The key of this process; removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Presence {
    client: Arc<Client>,
    layout: Layout,
    server: ServerId,
    key: Bytes,
}

/// Which keys changed between two looks.
#[derive(Default)]
struct Changing(HashMap<Bytes, i64>);

impl Changing {
    /// Returns whether one of the keys has changed since the last look.
    fn any(&mut self, keys: Vec<KeyValue>) -> bool {
        let changed = |found: KeyValue| {
            self.0.insert(found.key, found.mod_revision).is_some_and(|before| before != found.mod_revision)
        };
        keys.into_iter().map(changed).fold(false, |any, one| any | one)
    }
}

impl Presence {
    /// Waits until an earlier process of this server has certainly ended, which takes seconds if it was killed, and writes the
    /// key of this process.
    ///
    /// # Errors
    /// [`OpenError::SameServer`] if the earlier one goes on writing its key.
    pub(crate) async fn begin(client: &Arc<Client>, layout: &Layout, server: ServerId) -> Result<Self, OpenError> {
        let (begun, mut changing) = (Instant::now(), Changing::default());
        let (key, range_end) = (layout.process(server, 0), layout.processes_end(server));
        loop {
            let own = RangeRequest { key: key.clone(), range_end: range_end.clone(), ..RangeRequest::default() };
            let answer = client.range(&own).await?;
            let (at, is_silent) = (api::revision_of(&answer), begun.elapsed() > SILENT + PAUSE);
            let is_first = answer.kvs.is_empty() || is_silent;
            if changing.any(answer.kvs) {
                return Err(OpenError::SameServer);
            }
            if is_first {
                let own = layout.process(server, at);
                // The end of the range is not removed: no process begins at a later revision than this one.
                let success = vec![api::delete_range(key.clone(), own.clone()), api::put(own.clone(), Bytes::new())];
                let compare = vec![changed_at(own.clone(), 0)];
                if client.transact(&TxnRequest { compare, success, failure: Vec::new() }).await?.succeeded {
                    return Ok(Presence { client: client.clone(), layout: layout.clone(), server, key: own });
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Writes the key again and again. Ends when an earlier process of this server runs.
    pub(crate) async fn keep(&self) -> StoreError {
        let mut changing = Changing::default();
        let earlier = RangeRequest {
            key: self.layout.process(self.server, 0),
            range_end: self.key.clone(),
            ..RangeRequest::default()
        };
        let success = vec![api::put(self.key.clone(), Bytes::new()), api::range(earlier)];
        let request = TxnRequest { success, ..TxnRequest::default() };
        loop {
            // Without an answer, the key is written again later.
            if let Ok(answer) = self.client.transact(&request).await
                && changing.any(api::ranges(answer).flat_map(|found| found.kvs).collect())
            {
                tracing::error!("{}: this one stops", OpenError::SameServer);
                return StoreError::Closed;
            }
            tokio::time::sleep(BEAT).await;
        }
    }

    /// Removes the keys of processes that were killed, again and again: those that do not change for this time.
    pub(crate) async fn sweep(&self, silence: Duration) -> Infallible {
        let mut seen = HashMap::<Bytes, (i64, Instant)>::new();
        let (key, range_end) = self.layout.servers();
        let all = RangeRequest { key, range_end, ..RangeRequest::default() };
        loop {
            tokio::time::sleep(silence / LOOKS).await;
            // Without an answer, it is tried again later.
            let Ok(found) = self.client.range(&all).await else { continue };
            let now = Instant::now();
            let keys: HashMap<Bytes, i64> =
                found.kvs.into_iter().map(|found| (found.key, found.mod_revision)).collect();
            seen.retain(|key, (changed, _)| keys.get(key) == Some(changed));
            for (key, changed) in keys {
                let (_, since) = *seen.entry(key.clone()).or_insert((changed, now));
                if key != self.key && now - since >= silence {
                    let compare = vec![changed_at(key.clone(), changed)];
                    let removal = TxnRequest { compare, success: vec![api::delete(key)], failure: Vec::new() };
                    let _ = self.client.transact(&removal).await;
                }
            }
        }
    }

    /// Returns whether other processes use the store. Takes seconds if it has keys of others.
    pub(crate) async fn has_others(&self) -> Result<bool, Fault> {
        let (begun, mut changing) = (Instant::now(), Changing::default());
        let (key, range_end) = self.layout.servers();
        let all = RangeRequest { key, range_end, ..RangeRequest::default() };
        while begun.elapsed() <= SILENT {
            let mut found = self.client.range(&all).await?.kvs;
            found.retain(|found| found.key != self.key);
            if found.is_empty() {
                return Ok(false);
            }
            if changing.any(found) {
                return Ok(true);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(false)
    }

    /// Removes the key, so that the next process of this server need not wait. Without the cluster, the key stays.
    pub(crate) async fn leave(&self) {
        if !matches!(tokio::time::timeout(SILENT, self.client.transact(&self.end())).await, Ok(Ok(_))) {
            tracing::debug!("the key of this process stays in the store");
        }
    }

    fn end(&self) -> TxnRequest {
        TxnRequest { success: vec![api::delete(self.key.clone())], ..TxnRequest::default() }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (client, end) = (self.client.clone(), self.end());
            runtime.spawn(async move { drop(client.transact(&end).await) });
        }
    }
}
