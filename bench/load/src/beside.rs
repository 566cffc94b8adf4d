//! The times of `Authorize` beside other calls, against its times without them.

use crate::drive::{Call, run};
use crate::grpc::Unary;
use crate::process::Process;
use crate::report::Row;
use crate::world::World;
use anyhow::{Result, ensure};
use bailiwick_api::authz::{AuthorizeRequest, AuthorizeResponse};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Callers of `Authorize`.
#[derive(Clone, Copy)]
pub struct Callers {
    pub count: usize,
    /// How long each waits between two calls.
    pub pause: Duration,
}

/// A load that leaves processors idle, so that the time of a call is that of the server and not that of a queue of the
/// client's making.
pub const PACED: Callers = Callers { count: 8, pause: Duration::from_millis(4) };
/// A load that leaves none idle.
pub const BUSY: Callers = Callers { count: 64, pause: Duration::ZERO };
/// Rounds of a measurement without the other calls and one with them. The first is a warm-up and is not counted.
const ROUNDS: u32 = 6;

/// Times in microseconds, and the number of other calls.
pub struct Times {
    quiet: Vec<f64>,
    busy: Vec<f64>,
    others: u64,
}

/// Measures with and without these other callers in turns, and returns the others.
pub async fn measure<C: Call>(
    process: &Process,
    world: &World,
    Callers { count, pause }: Callers,
    mut others: Vec<C>,
    seconds: u32,
) -> Result<(Times, Vec<C>)> {
    let mut callers = Vec::new();
    for worker in world.authorize(process).workers(count, 0).await? {
        callers.push(Paced::new(worker, pause));
    }
    let mut times = Times { quiet: Vec::new(), busy: Vec::new(), others: 0 };
    let time = Duration::from_secs(seconds.into());
    for round in 0..ROUNDS {
        for is_busy in [false, true] {
            let calling = if is_busy { Some(Others::start(std::mem::take(&mut others))) } else { None };
            let (_, workers) = run(process, callers, time / ROUNDS * 2).await?;
            callers = workers;
            let mut finished = 0;
            if let Some(calling) = calling {
                (finished, others) = calling.stop().await?;
            }
            let taken = callers.iter_mut().flat_map(Paced::take_times);
            if round > 0 {
                times.others += finished;
                if is_busy { &mut times.busy } else { &mut times.quiet }.extend(taken);
            } else {
                taken.for_each(drop);
            }
        }
    }
    ensure!(times.others > 0, "there were no other calls");
    Ok((times, others))
}

impl Times {
    /// The ratio at a percentile, such as 0.99.
    pub fn row(&self, name: &str, others: &str, at: f64) -> Row {
        let (with, without) = (percentile(&self.busy, at), percentile(&self.quiet, at));
        let detail =
            format!("{with:.0} µs, without {without:.0} µs; {} calls, {} {others}", self.busy.len(), self.others);
        Row::new(name.to_owned(), with / without, "x", detail)
    }
}

/// The value that this part of them does not exceed.
pub fn percentile(times: &[f64], at: f64) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * at) as usize]
}

/// A caller that waits between calls and keeps their times.
pub struct Paced {
    worker: Unary<AuthorizeRequest, AuthorizeResponse>,
    pause: Duration,
    times: Vec<f64>,
}

impl Paced {
    pub fn new(worker: Unary<AuthorizeRequest, AuthorizeResponse>, pause: Duration) -> Self {
        Paced { worker, pause, times: Vec::new() }
    }

    /// The times since the last look, in microseconds.
    pub fn take_times(&mut self) -> Vec<f64> {
        std::mem::take(&mut self.times)
    }
}

impl Call for Paced {
    async fn call(&mut self) -> Result<()> {
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        let begun = Instant::now();
        self.worker.call().await?;
        self.times.push(begun.elapsed().as_secs_f64() * 1e6);
        Ok(())
    }
}

/// Callers that call again and again.
struct Others<C> {
    stop: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<Result<C>>>,
}

impl<C: Call> Others<C> {
    fn start(callers: Vec<C>) -> Self {
        let mut others = Others { stop: Arc::default(), count: Arc::default(), tasks: Vec::new() };
        for mut caller in callers {
            let (stop, count) = (Arc::clone(&others.stop), Arc::clone(&others.count));
            others.tasks.push(tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    caller.call().await?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(caller)
            }));
        }
        others
    }

    /// Waits for the last calls. Returns the number of all.
    async fn stop(self) -> Result<(u64, Vec<C>)> {
        self.stop.store(true, Ordering::Relaxed);
        let mut callers = Vec::new();
        for task in self.tasks {
            callers.push(task.await??);
        }
        Ok((self.count.load(Ordering::Relaxed), callers))
    }
}
