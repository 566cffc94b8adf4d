//! A first start: of servers that start a store at the same time, one makes the deployment, and the others join it.
//!
//! A server that starts an unused store writes the key `start` again and again. Others take its place when it no longer
//! does. The first commit requires that the key is still the server's own, so at most one of them makes the deployment.

use std::{sync::Arc, time::Duration};

use bailiwick_storage::ServerId;
use bytes::Bytes;
use tokio::{task::JoinHandle, time::Instant};

use crate::{
    api::{self, Compare, TxnRequest, changed_at, has_value},
    client::Client,
    error::Fault,
    layout::Layout,
};

/// The pause between two signs of life.
const BEAT: Duration = Duration::from_millis(500);
/// A server without a sign of life for so long has given up.
const GIVEN_UP: Duration = Duration::from_secs(3);
/// The pause between two looks at another server's first start.
const LOOK: Duration = Duration::from_millis(100);

/// The first start of this server; given up when it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    client: Arc<Client>,
    layout: Layout,
    value: Bytes,
    beat: JoinHandle<()>,
}

impl Claim {
    /// Begins a first start. Waits while another server is in one. None if the store has been started.
    pub(crate) async fn begin(client: &Arc<Client>, layout: &Layout, server: ServerId) -> Result<Option<Self>, Fault> {
        let mut seen = (0, Instant::now());
        loop {
            let success = vec![api::range(api::get(layout.head())), api::range(api::get(layout.start()))];
            let answer = client.transact(&TxnRequest { success, ..TxnRequest::default() }).await?;
            let at = api::revision_of(&answer);
            let mut found = api::ranges(answer).map(|found| found.kvs.into_iter().next());
            let (head, other) = (found.next().flatten(), found.next().flatten());
            if head.is_some() {
                return Ok(None);
            }
            let changed = other.map_or(0, |other| other.mod_revision);
            if changed != 0 && (changed != seen.0 || seen.1.elapsed() < GIVEN_UP) {
                if changed != seen.0 {
                    seen = (changed, Instant::now());
                }
                tokio::time::sleep(LOOK).await;
                continue;
            }
            // No other claim has this value: the revision changes with each.
            let value = Bytes::from([&server.0[..], &at.to_be_bytes()].concat());
            let compare = vec![changed_at(layout.head(), 0), changed_at(layout.start(), changed)];
            let success = vec![api::put(layout.start(), value.clone())];
            match client.write(&TxnRequest { compare, success, failure: Vec::new() }).await {
                Ok(answer) if answer.succeeded => {
                    let beat = tokio::spawn(beat(client.clone(), layout.clone(), value.clone()));
                    return Ok(Some(Claim { client: client.clone(), layout: layout.clone(), value, beat }));
                }
                // Another server was first. If the answer was lost, the claim is given up and made again.
                Ok(_) | Err(Fault::Unreachable(_)) => {}
                Err(refused) => return Err(refused),
            }
        }
    }

    /// What no other first start has.
    pub(crate) fn value(&self) -> &Bytes {
        &self.value
    }

    /// Whether the first start is still this server's.
    pub(crate) fn holds(&self) -> Compare {
        has_value(self.layout.start(), self.value.clone())
    }
}

async fn beat(client: Arc<Client>, layout: Layout, value: Bytes) {
    let compare = vec![has_value(layout.start(), value.clone())];
    let again = TxnRequest { compare, success: vec![api::put(layout.start(), value)], failure: Vec::new() };
    loop {
        tokio::time::sleep(BEAT).await;
        if client.transact(&again).await.is_ok_and(|answer| !answer.succeeded) {
            return;
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.beat.abort();
        let end = TxnRequest {
            compare: vec![self.holds()],
            success: vec![api::delete(self.layout.start())],
            failure: Vec::new(),
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let client = self.client.clone();
            // If this fails, others begin when there are no signs of life.
            runtime.spawn(async move { drop(client.transact(&end).await) });
        }
    }
}
