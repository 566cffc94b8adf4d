//! Rows that a server has in memory.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bailiwick_storage::{At, Batch, Scan, Store, View};
use bytes::Bytes;
use tokio::task::JoinSet;

use super::{
    Server, SharedDatabase,
    tools::{put, start},
};
use crate::proxy::{Mode, Proxy};

const TIME: Duration = Duration::from_secs(6);
const ROWS: Scan<'_> = Scan { prefix: b"row ", after: None, limit: usize::MAX };

/// A number below a limit that looks random.
fn below(seed: &mut u64, limit: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % limit
}

fn key(number: u64) -> Bytes {
    format!("row {number}").into()
}

/// Puts and removes rows for some time; some changes are refused while there is no connection.
async fn write(store: Arc<impl Store>, mut seed: u64) {
    let begun = Instant::now();
    while begun.elapsed() < TIME {
        let mut batch = Batch::default();
        for number in 0..24 {
            match below(&mut seed, 12) {
                0 => batch.put.push((key(number), seed.to_be_bytes().to_vec().into())),
                1 => batch.delete.push(key(number)),
                _ => {}
            }
        }
        let _ = store.commit(batch).await;
        tokio::time::sleep(Duration::from_millis(below(&mut seed, 6))).await;
    }
}

/// Compares rows that may be in memory with those of a scan, which reads the database, on new views and on older ones. Returns
/// how many were compared.
async fn compare(store: Arc<impl Store>, mut seed: u64) -> usize {
    let (begun, mut views, mut compared) = (Instant::now(), Vec::<Arc<dyn View>>::new(), 0);
    while begun.elapsed() < TIME {
        match store.read(At::Latest).await {
            Ok(view) => views.push(view),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
        if views.is_empty() {
            continue;
        }
        let at = below(&mut seed, views.len() as u64) as usize;
        let view = if views.len() > 3 { views.swap_remove(at) } else { views[at].clone() };
        let mut found = Vec::new();
        for number in (0..24).filter(|_| below(&mut seed, 3) > 0) {
            if let Ok(row) = view.get(&key(number)).await {
                found.push((key(number), row));
            }
        }
        let Ok(rows) = view.scan(ROWS).await else { continue };
        for (key, row) in found {
            let expected = rows.iter().find(|row| row.key == key).map(|row| (&row.value, row.revision));
            let row = row.as_ref().map(|row| (&row.value, row.revision));
            assert_eq!(row, expected, "{key:?} at {:?}", view.revision());
            compared += 1;
        }
    }
    compared
}

/// What is read from memory is what the database has at the revision of the view, whatever servers write and while connections are cut.
pub(super) async fn rows_in_memory_are_those_of_the_view<D: SharedDatabase>() {
    let (database, authenticator, proxy) = (D::create().await, D::authenticator(), Proxy::start(D::port()).await);
    let direct = start(&database, &Server::new::<D>(8), &authenticator).await;
    direct.commit(put("first", "value")).await.expect("a commit");
    let max_staleness = Duration::from_millis(600);
    let server = Server { port: proxy.port, max_staleness, recent: 8, ..Server::new::<D>(7) };
    let store = start(&database, &server, &authenticator).await;
    let generation = store.generation();
    let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
    writers.spawn(write(direct.clone(), 1));
    writers.spawn(write(store.clone(), 2));
    for seed in 3..6 {
        readers.spawn(compare(store.clone(), seed));
    }
    for cut in [0, 50, 200, 1_200] {
        tokio::time::sleep(Duration::from_millis(900)).await;
        proxy.set(Mode::Cut);
        tokio::time::sleep(Duration::from_millis(cut)).await;
        proxy.set(Mode::Open);
    }
    while let Some(done) = writers.join_next().await {
        done.expect("no panics");
    }
    let compared: usize = readers.join_all().await.into_iter().sum();
    assert!(compared > 1_000, "{compared}");
    assert_ne!(store.generation(), generation, "one of the cuts was long");
}
