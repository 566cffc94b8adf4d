//! Load generator: a number of workers, each with one call at a time, for a fixed time.

use crate::process::Process;
use anyhow::Result;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The result of one side of a measurement.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load {
    pub calls: u64,
    pub seconds: f64,
    /// Of the server.
    pub cpu_seconds: f64,
}

impl Load {
    pub fn rate(self) -> f64 {
        self.calls as f64 / self.seconds
    }

    /// Microseconds of the server's CPU for one call.
    pub fn cpu_micros(self) -> f64 {
        self.cpu_seconds * 1e6 / self.calls as f64
    }

    pub fn add(&mut self, other: Load) {
        self.calls += other.calls;
        self.seconds += other.seconds;
        self.cpu_seconds += other.cpu_seconds;
    }
}

/// One worker's next call.
pub trait Call: Send + 'static {
    fn call(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// Runs workers for a time. The first error ends the run.
pub async fn run<C: Call>(process: &Process, workers: Vec<C>, time: Duration) -> Result<(Load, Vec<C>)> {
    let stop = Arc::new(AtomicBool::new(false));
    let cpu = process.cpu()?;
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for mut worker in workers {
        let stop = stop.clone();
        tasks.push(tokio::spawn(async move {
            let mut calls = 0u64;
            while !stop.load(Ordering::Relaxed) {
                worker.call().await?;
                calls += 1;
            }
            anyhow::Ok((calls, worker))
        }));
    }
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut load = Load::default();
    let mut workers = Vec::new();
    for task in tasks {
        let (calls, worker) = task.await??;
        load.calls += calls;
        workers.push(worker);
    }
    load.seconds = begun.elapsed().as_secs_f64();
    load.cpu_seconds = process.cpu()? - cpu;
    Ok((load, workers))
}

/// Measures two sides alternately, a second each, after a second of warm-up, so that other load affects both.
pub async fn in_turns<A: Call, B: Call>(
    (a, mut a_workers): (&Process, Vec<A>),
    (b, mut b_workers): (&Process, Vec<B>),
    seconds: u32,
) -> Result<(Load, Load)> {
    let (mut a_load, mut b_load) = (Load::default(), Load::default());
    for turn in 0..=seconds {
        let (load, workers) = run(a, a_workers, Duration::from_secs(1)).await?;
        a_workers = workers;
        let (other, workers) = run(b, b_workers, Duration::from_secs(1)).await?;
        b_workers = workers;
        if turn > 0 {
            a_load.add(load);
            b_load.add(other);
        }
    }
    Ok((a_load, b_load))
}
