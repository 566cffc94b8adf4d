//! Three servers on one database, beside a server with the embedded store, and beside bare commits to the same database.

mod bare;

use crate::drive::{Load, in_turns, run};
use crate::measure::{MIB, creating, name, started};
use crate::process::Process;
use crate::query::{once, signed_form};
use crate::report::Row;
use crate::world::{self, World, iam};
use anyhow::{Context, Result};
use bailiwick_api::authz::Decision;
use bare::Bare;
use std::path::Path;
use std::time::{Duration, Instant};

const SERVERS: usize = 3;
const IN_FLIGHT: usize = 16;
const TOGETHER: usize = 64;
/// An account holds five thousand users.
const USERS: u64 = 3_200;
/// How often a permission is given and taken away.
const CHANGES: usize = 100;
const DENIES: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}]}"#;

/// All measurements with the database at this address, which is empty.
pub async fn all(server: &Path, database: &str, seconds: u32) -> Result<Vec<Row>> {
    let beside = server.parent().context("the server has no folder")?;
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?;
    let folder = folder.path();
    let embedded = started(server, &folder.join("embedded")).await?;
    let embedded_world = world::make(&embedded).await?;
    let mut servers = Vec::new();
    for number in 0..SERVERS {
        let process = Process::sharing(server, &folder.join(format!("shared-{number}")), database)?;
        process.wait_until_it_listens()?;
        servers.push(process);
    }
    let world = world::make(&servers[0]).await?;
    until_known(&servers, &world).await?;
    let (row, one) = decisions((&servers[0], &world), (&embedded, &embedded_world), seconds).await?;
    let mut rows = vec![row, total(&servers, &world, one, seconds).await?];
    rows.extend(effect(&servers, &world).await?);
    rows.extend(writes(&servers[0], &world, database).await?);
    for process in servers {
        process.stop()?;
    }
    rows.push(start(server, &folder.join("shared-0"), database).await?);
    Ok(rows)
}

/// Waits until every server decides about the caller.
async fn until_known(servers: &[Process], world: &World) -> Result<()> {
    for process in servers {
        let begun = Instant::now();
        while !is_allowed(process, world).await.unwrap_or(false) {
            anyhow::ensure!(begun.elapsed() < Duration::from_secs(10), "a server does not know the caller");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(())
}

async fn is_allowed(process: &Process, world: &World) -> Result<bool> {
    let answer = world.authorize(process).workers(1, 0).await?.remove(0).ask().await?;
    Ok(answer.decision() == Decision::Allow)
}

/// `Authorize` on a server with the database against one with the embedded store; also the load of the former.
async fn decisions(
    (shared, world): (&Process, &World),
    (embedded, embedded_world): (&Process, &World),
    seconds: u32,
) -> Result<(Row, Load)> {
    let ours = world.authorize(shared).workers(IN_FLIGHT, 0).await?;
    let theirs = embedded_world.authorize(embedded).workers(IN_FLIGHT, 0).await?;
    let (ours, theirs) = in_turns((shared, ours), (embedded, theirs), seconds).await?;
    let detail = format!(
        "{:.0}/s, embedded {:.0}/s; CPU {:.1} and {:.1} µs",
        ours.rate(),
        theirs.rate(),
        ours.cpu_micros(),
        theirs.cpu_micros()
    );
    Ok((
        Row::new("decisions, against the embedded store", ours.rate() / theirs.rate(), "x", detail).at_least(0.95),
        ours,
    ))
}

/// All servers at once, against one: where there are no cores for them, the processor time of a decision must not grow.
async fn total(servers: &[Process], world: &World, one: Load, seconds: u32) -> Result<Row> {
    let mut runs = Vec::new();
    for process in servers {
        runs.push((process, world.authorize(process).workers(IN_FLIGHT, 0).await?));
    }
    let time = Duration::from_secs(seconds.into());
    let [(a, a_workers), (b, b_workers), (c, c_workers)] =
        <[_; SERVERS]>::try_from(runs).ok().context("three servers")?;
    let (a, b, c) = tokio::try_join!(run(a, a_workers, time), run(b, b_workers, time), run(c, c_workers, time))?;
    let (mut all, mut rate) = (Load::default(), 0.0);
    for (load, _) in [a, b, c] {
        rate += load.rate();
        all.add(load);
    }
    let each = all.cpu_micros() / one.cpu_micros();
    let detail = format!(
        "{:.1} µs, one server {:.1} µs; {rate:.0}/s together, {:.2} times one",
        all.cpu_micros(),
        one.cpu_micros(),
        rate / one.rate()
    );
    Ok(Row::new("three servers: CPU per decision", each, "x", detail).at_most(1.1))
}

/// From the answer to a change to its effect on the decisions of the other servers.
async fn effect(servers: &[Process], world: &World) -> Result<Vec<Row>> {
    let mut times = Vec::new();
    let mut workers = Vec::new();
    for process in &servers[1..] {
        workers.push(world.authorize(process).workers(1, 0).await?.remove(0));
    }
    let (user, policy) = (("UserName", "client"), ("PolicyName", "denies"));
    for number in 0..CHANGES {
        let is_allowed = number % 2 == 1;
        match is_allowed {
            true => iam(&servers[0], "DeleteUserPolicy", &[user, policy]).await?,
            false => iam(&servers[0], "PutUserPolicy", &[user, policy, ("PolicyDocument", DENIES)]).await?,
        };
        let begun = Instant::now();
        let seen = workers.iter_mut().map(async |worker| {
            while (worker.ask().await?.decision() == Decision::Allow) != is_allowed {
                anyhow::ensure!(begun.elapsed() < Duration::from_secs(10), "a change has no effect");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            anyhow::Ok(begun.elapsed().as_secs_f64() * 1e3)
        });
        let [first, second] = <[_; SERVERS - 1]>::try_from(seen.collect::<Vec<_>>()).ok().context("two servers")?;
        let (first, second) = tokio::try_join!(first, second)?;
        times.extend([first, second]);
    }
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    let row = |of: &str, part: f64| {
        let detail = format!("of {} changes on two servers", CHANGES);
        Row::new(format!("change to effect elsewhere: {of}"), at(part), "ms", detail)
    };
    Ok(vec![row("median", 0.5), row("p99", 0.99), row("most", 1.0).at_most(1000.0)])
}

/// CreateUser, 64 at once, against bare commits of the same rows in groups of 64 and one at a time.
async fn writes(process: &Process, world: &World, database: &str) -> Result<Vec<Row>> {
    let mut worker = creating(process, &world.root_bearer).workers(1, 0).await?.remove(0);
    let warm = 20;
    for _ in 0..warm {
        worker.ask().await?;
    }
    let mut bare = Bare::of(database, &name(warm - 1)).await?;
    let grouped = bare.rate(TOGETHER, 40).await?;
    let single = bare.rate(1, 200).await?;
    let mut tasks = Vec::new();
    let begun = Instant::now();
    for mut worker in creating(process, &world.root_bearer).workers(TOGETHER, warm).await? {
        tasks.push(tokio::spawn(async move {
            for _ in 0..USERS / TOGETHER as u64 {
                worker.ask().await?;
            }
            anyhow::Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    let ours = USERS as f64 / begun.elapsed().as_secs_f64();
    let grouped = (grouped + bare.rate(TOGETHER, 40).await?) / 2.0;
    let (keys, bytes) = bare.size();
    let detail = format!("{ours:.0}/s, bare groups of 64 of {keys} keys and {bytes} bytes {grouped:.0}/s");
    let alone = format!("{ours:.0}/s, one at a time {single:.0}/s");
    Ok(vec![
        Row::new("create user, against bare grouped commits", ours / grouped, "x", detail).at_least(0.7),
        Row::new("create user, against single commits", ours / single, "x", alone).at_least(20.0),
    ])
}

/// From the start of a server to its first answer, with the users of the measurement of writes.
async fn start(server: &Path, data: &Path, database: &str) -> Result<Row> {
    let begun = Instant::now();
    let process = Process::sharing(server, data, database)?;
    process.wait_until_it_listens()?;
    let form = signed_form(process.address, "sts", "Action=GetCallerIdentity&Version=2011-06-15")?;
    once(process.address, form).await?;
    let millis = begun.elapsed().as_secs_f64() * 1e3;
    let detail = format!("{USERS} users; {:.0} MiB resident", process.memory()? as f64 / MIB);
    Ok(Row::new("start to first answer, from the database", millis, "ms", detail))
}
