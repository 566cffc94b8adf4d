//! The cost of a durable commit, as ratios in one run: a store with one commit at a time, and with many in flight,
//! compared with a bare redb commit of the same keys and bytes with the same settings.
//!
//! `cargo bench -p bailiwick-storage-redb`. The folder is `BENCH_DIR`, or a temporary one.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bailiwick_seal::Keyring;
use bailiwick_storage::{Add, Authenticator, Batch, Expect, Store};
use bailiwick_storage_redb::{Options, RedbStore};
use bytes::Bytes;
use redb::{Database, TableDefinition};

const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
const ROUNDS: u64 = 400;

/// The writes of CreateUser: record, name, two counters, and an audit event of about 900 bytes.
fn rows(n: u64) -> [(Bytes, Bytes); 3] {
    // Ids are random; names come in any order.
    let id = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    [
        (format!("12345\x10AIDA{id:017x}").into(), vec![1; 120].into()),
        (format!("12345\x11user-{id:x}").into(), vec![2; 21].into()),
        (format!("00000\x07{n:032x}").into(), vec![3; 900].into()),
    ]
}

const COUNTERS: [&str; 2] = ["12345\x70\x10", "00000\x70\x02"];

fn batch(n: u64) -> Batch {
    let put = rows(n).to_vec();
    let expect = put.iter().take(2).map(|(key, _)| Expect { key: key.clone(), revision: None }).collect();
    let add = COUNTERS.map(|key| Add { key: key.into(), delta: 1, max: None }).to_vec();
    Batch { expect, put, delete: Vec::new(), add }
}

fn bare(database: &Database, n: u64) {
    let mut txn = database.begin_write().expect("a transaction");
    txn.set_two_phase_commit(true);
    txn.set_quick_repair(true);
    {
        let mut table = txn.open_table(ROWS).expect("a table");
        for (key, value) in rows(n) {
            table.insert(&*key, &*value).expect("a row");
        }
        for key in COUNTERS {
            table.insert(key.as_bytes(), n.to_be_bytes().as_slice()).expect("a row");
        }
    }
    txn.commit().expect("a commit");
}

fn per_op(start: Instant, ops: u64) -> Duration {
    start.elapsed() / u32::try_from(ops).expect("few")
}

async fn in_flight(store: &Arc<RedbStore>, tasks: u64, from: u64) -> Duration {
    let start = Instant::now();
    let each = ROUNDS * 4 / tasks;
    let tasks: Vec<_> = (0..tasks)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..each {
                    store.commit(batch(from + task * each + n)).await.expect("a commit");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a task");
    }
    per_op(start, ROUNDS * 4)
}

fn measure(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let database = Database::create(folder.join("bare.redb")).expect("a database");
    let keyring = Keyring::generate(0).expect("a keyring");
    let key = keyring.row_key().expect("a key").expect("new keyrings have one");
    let store = RedbStore::open(&folder.join("data"), &Options::default(), Authenticator::new(key));
    let store = Arc::new(store.expect("a store"));
    let (mut bare_best, mut alone_best) = (Duration::MAX, Duration::MAX);
    let mut many_best = [Duration::MAX; 3];
    let widths = [1, 16, 64];
    for round in 0..5 {
        let start = Instant::now();
        for n in 0..ROUNDS {
            bare(&database, round * ROUNDS + n);
        }
        bare_best = bare_best.min(per_op(start, ROUNDS));
        let start = Instant::now();
        runtime.block_on(async {
            for n in 0..ROUNDS {
                store.commit(batch(round * ROUNDS + n)).await.expect("a commit");
            }
        });
        alone_best = alone_best.min(per_op(start, ROUNDS));
        for (i, (width, best)) in widths.into_iter().zip(&mut many_best).enumerate() {
            let from = (1 + round * 3 + i as u64) << 32;
            *best = (*best).min(runtime.block_on(in_flight(&store, width, from)));
        }
    }
    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
    println!("bare redb commit      {bare_best:>10.1?}");
    println!("store, alone          {alone_best:>10.1?}   {:.2} times a bare commit", ratio(alone_best, bare_best));
    for (width, best) in widths.into_iter().zip(many_best) {
        println!(
            "store, {width:>2} in flight   {best:>10.1?}   {:.2} times the rate of one",
            ratio(many_best[0], best)
        );
    }
}

fn main() {
    match std::env::var_os("BENCH_DIR") {
        Some(folder) => measure(Path::new(&folder)),
        None => measure(tempfile::tempdir().expect("a folder").path()),
    }
}
