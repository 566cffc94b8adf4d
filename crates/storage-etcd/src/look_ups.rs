//! Reads of single rows. Those of calls at the same time are one transaction, which costs etcd little more than one of them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bailiwick_storage::{OutageReason, StoreError};
use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot};

use crate::{
    api::{self, KeyValue, RangeRequest, TxnRequest},
    client::Client,
    error::Fault,
    layout::Layout,
    limits::OPERATIONS,
};

/// How many transactions there are at the same time: while one is answered, the next is sent.
const AT_ONCE: usize = 2;

/// Reads of single rows.
#[derive(Debug)]
pub(crate) struct LookUps {
    waiting: Mutex<Vec<LookUp>>,
    turns: Semaphore,
}

/// The revision of the key space that a view shows, and the head at it, which no other history of the cluster has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) at: i64,
    pub(crate) head: Option<KeyValue>,
}

/// A row at a point, if there is one.
type Answer = Result<Option<KeyValue>, StoreError>;

#[derive(Debug)]
struct LookUp {
    point: Point,
    /// As etcd has it.
    key: Bytes,
    answer: oneshot::Sender<Answer>,
}

impl Default for LookUps {
    fn default() -> Self {
        LookUps { waiting: Mutex::default(), turns: Semaphore::new(AT_ONCE) }
    }
}

impl LookUps {
    /// Reads a row.
    pub(crate) async fn get(&self, client: &Client, layout: &Layout, point: &Point, key: Bytes) -> Answer {
        loop {
            let (answer, mut answered) = oneshot::channel();
            self.waiting().push(LookUp { point: point.clone(), key: key.clone(), answer });
            let found = loop {
                tokio::select! {
                    biased;
                    found = &mut answered => break found,
                    turn = self.turns.acquire() => {
                        let turn = turn.map_err(|_| StoreError::Closed)?;
                        let taken = self.take();
                        if taken.is_empty() {
                            // Another call has taken this look-up with its own.
                            drop(turn);
                            break answered.await;
                        }
                        answer_all(client, layout, taken).await;
                    }
                }
            };
            // A call that was dropped does not answer those that it has taken.
            if let Ok(found) = found {
                return found;
            }
        }
    }

    /// Takes the look-ups that have waited longest, as many as a transaction has room for: each may add two reads. Those of calls
    /// that were dropped are left out.
    fn take(&self) -> Vec<LookUp> {
        let mut waiting = self.waiting();
        waiting.retain(|look_up| !look_up.answer.is_closed());
        let count = waiting.len().min(OPERATIONS / 2);
        waiting.drain(..count).collect()
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<LookUp>> {
        // It is consistent at every step.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer_all(client: &Client, layout: &Layout, taken: Vec<LookUp>) {
    let mut fault = match read(client, layout, &taken).await {
        Ok(found) => return answer(taken, found),
        Err(fault) => fault,
    };
    let groups = by_point(taken);
    // One of the points may be the reason, such as a revision that etcd does not keep any more.
    let is_one = groups.len() == 1;
    for group in groups {
        // While the cluster is gone, each further read would take as long.
        if !is_one && !matches!(fault, Fault::Unreachable(_)) {
            match read(client, layout, &group).await {
                Ok(found) => {
                    answer(group, found);
                    continue;
                }
                Err(other) => fault = other,
            }
        }
        let found = group.iter().map(|_| Err(fault.clone().into())).collect();
        answer(group, found);
    }
}

/// Answers look-ups; their callers may have been dropped.
fn answer(look_ups: Vec<LookUp>, found: Vec<Answer>) {
    for (look_up, found) in look_ups.into_iter().zip(found) {
        let _ = look_up.answer.send(found);
    }
}

/// Puts those of each point together.
fn by_point(look_ups: Vec<LookUp>) -> Vec<Vec<LookUp>> {
    let mut groups: Vec<Vec<LookUp>> = Vec::new();
    for look_up in look_ups {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| first.point == look_up.point)) {
            Some(group) => group.push(look_up),
            None => groups.push(vec![look_up]),
        }
    }
    groups
}

/// Reads rows in one transaction.
async fn read(client: &Client, layout: &Layout, look_ups: &[LookUp]) -> Result<Vec<Answer>, Fault> {
    let mut points: Vec<&Point> = Vec::new();
    for look_up in look_ups {
        if !points.contains(&&look_up.point) {
            points.push(&look_up.point);
        }
    }
    let heads = points.iter().map(|point| (layout.head(), point.at));
    let rows = look_ups.iter().map(|look_up| (look_up.key.clone(), look_up.point.at));
    let reads: Vec<(Bytes, i64)> = heads.chain(rows).collect();
    let transaction = |serializable| {
        let read = |(key, revision): &(Bytes, i64)| {
            api::range(RangeRequest { revision: *revision, serializable, ..api::get(key.clone()) })
        };
        TxnRequest { success: reads.iter().map(read).collect(), ..TxnRequest::default() }
    };
    let mut answer = client.transact(&transaction(true)).await;
    if matches!(answer, Err(Fault::Future)) {
        answer = client.transact(&transaction(false)).await;
    }
    let mut found = api::ranges(answer?).map(|found| found.kvs.into_iter().next());
    let is_same: Vec<bool> = points.iter().map(|point| found.next() == Some(point.head.clone())).collect();
    let rows = look_ups.iter().map(|look_up| {
        let row = found.next();
        let point = points.iter().position(|point| **point == look_up.point);
        match (row, point.and_then(|point| is_same.get(point))) {
            (Some(row), Some(true)) => Ok(row),
            _ => Err(StoreError::Unreachable(OutageReason::OtherHistory.into())),
        }
    });
    Ok(rows.collect())
}
