//! Random batches of several servers at the same time, compared with the change log.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use bailiwick_storage::{Add, At, Batch, Change, ChangeSet, Expect, Revision, Store, StoreError, Versioned};
use bytes::Bytes;
use tokio::task::JoinSet;

use super::{Server, SharedDatabase, tools::start};
use crate::proxy::{Mode, Proxy};

const TIME: Duration = Duration::from_secs(4);
/// How many rows change at the same time; after this time, the next ones do, which the servers have not read.
const KEYS: u64 = 10;
const STEP: Duration = Duration::from_millis(20);
const COUNTERS: u64 = 4;

type Rows = BTreeMap<Bytes, Versioned>;

/// A batch, the revisions that the store had before and after it at least, and its outcome.
struct Done {
    batch: Batch,
    before: Revision,
    after: Revision,
    outcome: Result<Revision, StoreError>,
}

/// A number below a limit that looks random.
fn below(seed: &mut u64, limit: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % limit
}

fn key(number: u64) -> Bytes {
    format!("row {number}").into()
}

/// Commits batches for some time, which change rows and depend on whether they are there. `direct` is a server whose connections are not
/// cut.
async fn write<S: Store>(store: Arc<S>, direct: Arc<S>, mut seed: u64) -> Vec<Done> {
    let (begun, mut all) = (Instant::now(), Vec::new());
    while begun.elapsed() < TIME {
        let view = direct.read(At::Latest).await.expect("a view");
        let mut batch = Batch::default();
        let value = |seed: &u64| Bytes::copy_from_slice(&seed.to_be_bytes());
        let first = (begun.elapsed().as_micros() / STEP.as_micros()) as u64 * 3;
        for number in first..first + KEYS {
            let (absent, key) = (Expect { key: key(number), revision: None }, key(number));
            match below(&mut seed, 30) {
                0 | 1 => {
                    batch.expect.push(absent);
                    batch.put.push((key, value(&seed)));
                }
                2 => batch.expect.push(absent),
                3 => {
                    let revision = view.get(&key).await.expect("a read").map(|row| row.revision);
                    batch.expect.push(Expect { key: key.clone(), revision });
                    batch.put.push((key, value(&seed)));
                }
                4 => batch.put.push((key, value(&seed))),
                5 | 6 => batch.delete.push(key),
                _ => {}
            }
        }
        if below(&mut seed, 3) == 0 {
            let (number, delta) = (below(&mut seed, COUNTERS), if below(&mut seed, 2) == 0 { 1 } else { -1 });
            batch.add.push(Add { key: format!("counter {number}").into(), delta, max: Some(3) });
        }
        if batch.is_empty() {
            continue;
        }
        let outcome = store.commit(batch.clone()).await;
        let after = direct.head().await.expect("the head");
        all.push(Done { batch, before: view.revision(), after, outcome });
    }
    all
}

/// Each batch is committed once, on rows on which its expectations hold, and refused only if they do not, or if there is no connection:
/// whether its rows are known to its server or not, whatever is in the same group, and when answers are lost.
pub(super) async fn each_batch_is_committed_on_what_it_expects<D: SharedDatabase>() {
    let (database, authenticator, proxy) = (D::create().await, D::authenticator(), Proxy::start(D::port()).await);
    let before = start(&database, &Server::new::<D>(0), &authenticator).await;
    let last = (TIME.as_micros() / STEP.as_micros()) as u64 * 3;
    for first in (0..last).step_by(100) {
        let rows = (first..first + 100).filter(|number| number % 3 == 0).map(|number| (key(number), "before".into()));
        before.commit(Batch { put: rows.collect(), ..Batch::default() }).await.expect("a commit");
    }
    let begun = before.head().await.expect("the head");
    let direct = start(&database, &Server::new::<D>(1), &authenticator).await;
    let cut = start(&database, &Server { port: proxy.port, ..Server::new::<D>(2) }, &authenticator).await;
    let mut tasks = JoinSet::new();
    for number in 0..16 {
        let store = if number % 2 == 0 { &direct } else { &cut };
        tasks.spawn(write(store.clone(), direct.clone(), number * 7919 + 1));
    }
    for number in 0..8 {
        tokio::time::sleep(TIME / 10).await;
        proxy.set(if number % 2 == 0 { Mode::NoAnswers } else { Mode::Cut });
        tokio::time::sleep(Duration::from_millis(5)).await;
        proxy.set(Mode::Cut);
        tokio::time::sleep(Duration::from_millis(5)).await;
        proxy.set(Mode::Open);
    }
    let all: Vec<Done> = tasks.join_all().await.into_iter().flatten().collect();
    let (states, sets) = history(&*direct).await;
    let changes = |at: Revision| &sets[at.number() as usize - 1].changes;
    let (mut written, mut refused, mut unknown) = (HashSet::new(), 0, Vec::new());
    for Done { batch, before, after, outcome } in &all {
        let (from, to) = (before.number() as usize, after.number() as usize);
        match outcome {
            Ok(revision) => {
                let found = plan(batch, &states[revision.number() as usize - 1]);
                assert_eq!(found.as_ref(), Some(changes(*revision)), "{batch:?} at {revision:?}");
                assert!(written.insert(*revision) && revision > before, "{revision:?}");
            }
            Err(error) if error.is_conflict() => {
                let is_refused = states[from..=to].iter().any(|rows| plan(batch, rows).is_none());
                assert!(is_refused, "{batch:?} at {before:?} to {after:?}: {error}");
                refused += 1;
            }
            Err(StoreError::ReadOnly(_)) => {}
            Err(StoreError::Unknown(_)) => unknown.push(batch),
            Err(error) => panic!("{error}"),
        }
    }
    let others = (begun.number() + 1..=states.len() as u64 - 1).map(Revision::new).filter(|at| !written.contains(at));
    for at in others {
        let rows = &states[at.number() as usize - 1];
        let of = unknown.iter().position(|batch| plan(batch, rows).as_ref() == Some(changes(at)));
        unknown.swap_remove(of.unwrap_or_else(|| panic!("{at:?} is of no batch that may have been written")));
    }
    assert!(written.len() > 100 && refused > 100, "{} written, {refused} refused", written.len());
}

/// What a batch changes, if it may be committed on these rows.
fn plan(batch: &Batch, rows: &Rows) -> Option<Vec<Change>> {
    batch.clone().plan(|key| Ok(rows.get(key).cloned())).ok()
}

/// The rows at each revision, and the change sets.
async fn history(store: &impl Store) -> (Vec<Rows>, Vec<Arc<ChangeSet>>) {
    let (mut states, mut sets) = (vec![Rows::new()], Vec::new());
    let head = store.head().await.expect("the head");
    let mut log = store.watch(Revision::ZERO).await.expect("a subscription");
    for number in 1..=head.number() {
        let (set, mut rows) = (log.next().await.expect("a change set"), states[states.len() - 1].clone());
        assert_eq!(set.revision.number(), number);
        for Change { key, value } in &set.changes {
            match value.clone() {
                Some(value) => rows.insert(key.clone(), Versioned { value, revision: set.revision }),
                None => rows.remove(key),
            };
        }
        states.push(rows);
        sets.push(set);
    }
    (states, sets)
}
