//! A durable commit of what a CreateUser writes, an audit event of some 900 bytes included.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use bailiwick_model::limits::Quotas;
use bailiwick_model::{IdKind, Path as UserPath, Tags, UserName};
use bailiwick_storage::{At, Store, Tx, User};
use bailiwick_storage_redb::{Options, RedbStore};
use jiff::Timestamp;

use crate::report::Row;
use crate::{ratio, sides, world};

/// Commits of one turn, for each of those in flight.
const TURN: u64 = 64;

pub fn measure(folder: &Path, rounds: u32, rows: &mut Vec<Row>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut stores = Vec::new();
    for (name, authenticator) in sides()? {
        let store = RedbStore::open(&folder.join(format!("commit-{name}")), &Options::default(), authenticator)?;
        stores.push(Arc::new(store) as Arc<dyn Store>);
    }
    let quotas = Arc::new(Quotas { users: u64::MAX, ..Quotas::default() });
    let mut number = 0;
    for (in_flight, name) in [(1, "commit, one at a time"), (16, "commit, 16 in flight")] {
        eprintln!("{name} …");
        let mut times = [Vec::new(), Vec::new()];
        // The first round warms up.
        for round in 0..=rounds {
            for (store, times) in stores.iter().zip(&mut times) {
                let begun = Instant::now();
                runtime.block_on(async {
                    let tasks: Vec<_> = (0..in_flight)
                        .map(|task| tokio::spawn(create(store.clone(), quotas.clone(), number + task * TURN)))
                        .collect();
                    for task in tasks {
                        task.await??;
                    }
                    anyhow::Ok(())
                })?;
                if round > 0 {
                    times.push(begun.elapsed().as_secs_f64() * 1e6 / (TURN * in_flight) as f64);
                }
            }
            number += in_flight * TURN;
        }
        rows.push(ratio(name, times, "µs").at_most(1.1));
    }
    Ok(())
}

async fn create(store: Arc<dyn Store>, quotas: Arc<Quotas>, from: u64) -> Result<()> {
    for number in from..from + TURN {
        let mut tx = Tx::begin(store.clone(), quotas.clone(), At::Latest).await?;
        tx.create(&User {
            account: world::account()?,
            id: world::id(IdKind::User, number),
            name: UserName::parse(&format!("user-{number}")).context("a name")?,
            path: UserPath::root(),
            created: Timestamp::UNIX_EPOCH,
            tags: Tags::new(),
            boundary: None,
            password_last_used: None,
            sessions_valid_after: None,
        })
        .await?;
        tx.append_outbox(&number.to_be_bytes(), vec![7; 900].into(), u64::MAX).await?;
        tx.commit().await?;
    }
    Ok(())
}
