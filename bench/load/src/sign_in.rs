//! `Authorize` while people sign in: the computation of a password's hash takes tens of milliseconds of a processor.

use crate::drive::{Call, run};
use crate::grpc::{Target, Unary};
use crate::measure::started;
use crate::process::{ACCOUNT, Process};
use crate::report::Row;
use crate::world;
use anyhow::{Result, ensure};
use bailiwick_api::authz::{AuthorizeRequest, AuthorizeResponse};
use bailiwick_api::signin::{SignInRequest, SignInResponse};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// People that sign in at the same time.
const PEOPLE: usize = 64;
const PASSWORD: &str = "heron-In-7-reeds";
/// Callers of `Authorize`, each of which waits between two calls: a load that leaves processors idle, so that the time
/// of a call is that of the server and not that of a queue of the client's making.
const CALLERS: usize = 8;
const PAUSE: Duration = Duration::from_millis(4);
/// Rounds of a measurement without sign-ins and one with them. The first is a warm-up and is not counted.
const ROUNDS: u32 = 6;

/// The 99th percentile and the median of `Authorize`'s times during sign-ins, against those without.
pub async fn all(server: &Path, folder: &Path, seconds: u32) -> Result<Vec<Row>> {
    let process = started(server, &folder.join("sign-in")).await?;
    let world = world::make(&process).await?;
    for number in 0..PEOPLE {
        let user = ("UserName", &*person(number as u64));
        world::iam(&process, "CreateUser", &[user]).await?;
        world::iam(&process, "CreateLoginProfile", &[user, ("Password", PASSWORD)]).await?;
    }
    let mut callers = Vec::new();
    for worker in world.authorize(&process).workers(CALLERS, 0).await? {
        callers.push(Paced { worker, times: Vec::new() });
    }
    let (mut quiet, mut busy) = (Vec::new(), Vec::new());
    let mut signed_in = 0;
    let time = Duration::from_secs(seconds.into());
    for round in 0..ROUNDS {
        for is_busy in [false, true] {
            let people = if is_busy { Some(People::start(&process).await?) } else { None };
            let (_, workers) = run(&process, callers, time / ROUNDS * 2).await?;
            callers = workers;
            let finished = match people {
                Some(people) => people.stop().await?,
                None => 0,
            };
            let times = callers.iter_mut().flat_map(|caller| std::mem::take(&mut caller.times));
            if round > 0 {
                signed_in += finished;
                if is_busy { &mut busy } else { &mut quiet }.extend(times);
            } else {
                times.for_each(drop);
            }
        }
    }
    ensure!(signed_in > 0, "no one signed in");
    let row = |name: &str, at: f64| {
        let (with, without) = (percentile(&mut busy.clone(), at), percentile(&mut quiet.clone(), at));
        let detail = format!("{with:.0} µs, without {without:.0} µs; {} calls, {signed_in} sign-ins", busy.len());
        Row::new(format!("authorize while 64 sign in: {name}"), with / without, "x", detail)
    };
    Ok(vec![row("99th percentile", 0.99).at_most(1.5), row("median", 0.5)])
}

fn person(number: u64) -> String {
    format!("person-{}", number % PEOPLE as u64)
}

fn percentile(times: &mut [f64], at: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * at) as usize]
}

/// A caller that waits between calls and keeps their times, in microseconds.
struct Paced {
    worker: Unary<AuthorizeRequest, AuthorizeResponse>,
    times: Vec<f64>,
}

impl Call for Paced {
    async fn call(&mut self) -> Result<()> {
        tokio::time::sleep(PAUSE).await;
        let begun = Instant::now();
        self.worker.call().await?;
        self.times.push(begun.elapsed().as_secs_f64() * 1e6);
        Ok(())
    }
}

/// People that sign in again and again.
struct People {
    stop: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<Result<()>>>,
}

impl People {
    async fn start(process: &Process) -> Result<Self> {
        let target = Target::<SignInRequest, SignInResponse> {
            process,
            method: "/bailiwick.signin.v1.SignInService/SignIn",
            bearer: None,
            next: Arc::new(|number| SignInRequest {
                account: Some(ACCOUNT.into()),
                user_name: Some(person(number)),
                password: Some(PASSWORD.into()),
                ..Default::default()
            }),
            fine: |answer| answer.session.is_some(),
        };
        let mut people = People { stop: Arc::default(), count: Arc::default(), tasks: Vec::new() };
        for mut worker in target.workers(PEOPLE, 0).await? {
            let (stop, count) = (Arc::clone(&people.stop), Arc::clone(&people.count));
            people.tasks.push(tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    worker.call().await?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            }));
        }
        Ok(people)
    }

    /// Waits for the last sign-ins. Returns the number of all.
    async fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await??;
        }
        Ok(self.count.load(Ordering::Relaxed))
    }
}
