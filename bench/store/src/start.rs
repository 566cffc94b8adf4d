//! A start: opens the file, and reads, checks and compiles all data for decisions.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use bailiwick_model::Partition;
use bailiwick_snapshot::Snapshots;
use bailiwick_storage::{Authenticator, Store};
use bailiwick_storage_redb::{Options, RedbStore};
use tokio::runtime::{Builder, Runtime};

use crate::report::Row;
use crate::{ratio, sides, world};

pub fn measure(folder: &Path, principals: u64, rounds: u32, rows: &mut Vec<Row>) -> Result<()> {
    let server = Builder::new_multi_thread().enable_all().build()?;
    let single = Builder::new_current_thread().enable_all().build()?;
    // As the server has it.
    let options = Options { cache_bytes: 64 << 20, ..Options::default() };
    let mut files = Vec::new();
    for (name, authenticator) in sides()? {
        eprintln!("a world of {principals} principals, {name} …");
        let file = folder.join(format!("start-{name}"));
        let store: Arc<dyn Store> = Arc::new(RedbStore::open(&file, &options, authenticator.clone())?);
        server.block_on(world::populate(&store, principals))?;
        drop(store);
        let size = std::fs::metadata(file.join("bailiwick.redb"))?.len();
        files.push((file, authenticator, size));
    }
    let all = [(&server, "start, as the server does it"), (&single, "start, on one thread")];
    for (runtime, name) in all {
        eprintln!("{name} …");
        let (mut times, mut processor) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        for round in 0..=rounds {
            for (side, (file, authenticator, _)) in files.iter().enumerate() {
                let (took, worked) = start(runtime, file, &options, authenticator)?;
                if round > 0 {
                    times[side].push(took);
                    processor[side].push(worked);
                }
            }
        }
        rows.push(ratio(name, times, "s").at_most(1.1));
        rows.push(ratio("  processor time of it", processor, "s"));
    }
    let size = |at: usize| files[at].2 as f64 / 1e6;
    let detail = format!("plain {:.1} MB, authenticated {:.1} MB", size(0), size(1));
    rows.push(Row::new("size of the file", size(1) / size(0), "x", detail));
    Ok(())
}

/// Seconds that a start takes, and seconds of processor time.
fn start(runtime: &Runtime, file: &Path, options: &Options, authenticator: &Authenticator) -> Result<(f64, f64)> {
    let (begun, worked) = (Instant::now(), processor_time());
    let store: Arc<dyn Store> = Arc::new(RedbStore::open(file, options, authenticator.clone())?);
    let snapshots = runtime.block_on(Snapshots::start(store.clone(), Partition::Aws))?;
    let took = (begun.elapsed().as_secs_f64(), processor_time() - worked);
    drop(snapshots);
    // The follower ends when its task is next polled, and has the store until then.
    while Arc::strong_count(&store) > 1 {
        runtime.block_on(tokio::task::yield_now());
    }
    Ok(took)
}

/// Seconds of processor time of this process.
fn processor_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
