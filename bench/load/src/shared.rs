//! Three servers on one database, beside a server with the embedded store, and beside bare commits to the same database.

mod bare;
mod cost;

use crate::drive::{Load, in_turns, run};
use crate::measure::{MIB, creating, name, started};
use crate::process::Process;
use crate::query::{once, signed_form};
use crate::report::Row;
use crate::world::{self, World, iam};
use anyhow::{Context, Result};
use bailiwick_api::authz::Decision;
use bare::Bare;
use cost::{Cost, Database};
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

/// The measurements whose name contains the filter, with the database at this address, which is empty.
pub async fn all(server: &Path, database: &str, seconds: u32, filter: Option<&str>) -> Result<Vec<Row>> {
    let is_wanted = |name: &str| filter.is_none_or(|filter| name.contains(filter));
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
    let mut rows = Vec::new();
    if is_wanted("decisions") {
        let (row, one, embedded_one) = decisions((&servers[0], &world), (&embedded, &embedded_world), seconds).await?;
        let all: Vec<_> = servers.iter().map(|process| (process, &world)).collect();
        rows.extend([row, total("three servers: CPU per decision", &all, one, seconds).await?.at_most(1.1)]);
        rows.push(of_embedded((&embedded, &embedded_world), server, folder, embedded_one, seconds).await?);
    }
    if is_wanted("change to effect elsewhere") {
        rows.extend(effect(&servers, &world).await?);
    }
    if is_wanted("create user") {
        rows.extend(writes(&servers, &world, database).await?);
        let (of_embedded, first) = (std::slice::from_ref(&embedded), 0);
        let (rate, cost) = creations(of_embedded, &embedded_world, first, None).await?;
        rows.push(cost.row(&format!("create user, embedded store, {rate:.0}/s: CPU")));
    }
    for process in servers {
        process.stop()?;
    }
    if is_wanted("start to first answer") {
        rows.push(start(server, &folder.join("shared-0"), database).await?);
    }
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

/// `Authorize` on a server with the database against one with the embedded store; also the loads of both.
async fn decisions(
    (shared, world): (&Process, &World),
    (embedded, embedded_world): (&Process, &World),
    seconds: u32,
) -> Result<(Row, Load, Load)> {
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
        theirs,
    ))
}

/// As `total`, of servers that share nothing: what the processors and not the database add to the cost of a decision.
async fn of_embedded(
    (first, first_world): (&Process, &World),
    server: &Path,
    folder: &Path,
    one: Load,
    seconds: u32,
) -> Result<Row> {
    let second = started(server, &folder.join("embedded-1")).await?;
    let second_world = world::make(&second).await?;
    let third = started(server, &folder.join("embedded-2")).await?;
    let third_world = world::make(&third).await?;
    let all = [(first, first_world), (&second, &second_world), (&third, &third_world)];
    total("three embedded servers: CPU per decision", &all, one, seconds).await
}

/// All servers at once, against one: where there are no cores for them, the processor time of a decision must not grow.
async fn total(name: &str, servers: &[(&Process, &World)], one: Load, seconds: u32) -> Result<Row> {
    let mut runs = Vec::new();
    for (process, world) in servers {
        let process: &Process = process;
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
    Ok(Row::new(name, each, "x", detail))
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
async fn writes(servers: &[Process], world: &World, database: &str) -> Result<Vec<Row>> {
    let process = &servers[0];
    let processes = Database::of(database)?;
    let mut worker = creating(process, &world.root_bearer).workers(1, 0).await?.remove(0);
    let warm = 20;
    for _ in 0..warm {
        worker.ask().await?;
    }
    let mut bare = Bare::of(database, &name(warm - 1)).await?;
    let before = Cost::now(servers, Some(&processes))?;
    let grouped = bare.rate(TOGETHER, 40).await?;
    let bare_cost = Cost::now(servers, Some(&processes))?.since(before, TOGETHER as u64 * 40);
    let single = bare.rate(1, 200).await?;
    let (ours, cost) = creations(servers, world, warm, Some(&processes)).await?;
    let grouped = (grouped + bare.rate(TOGETHER, 40).await?) / 2.0;
    let (keys, bytes) = bare.size();
    let detail = format!("{ours:.0}/s, bare groups of 64 of {keys} keys and {bytes} bytes {grouped:.0}/s");
    let alone = format!("{ours:.0}/s, one at a time {single:.0}/s");
    Ok(vec![
        Row::new("create user, against bare grouped commits", ours / grouped, "x", detail).at_least(0.7),
        Row::new("create user, against single commits", ours / single, "x", alone).at_least(20.0),
        cost.row("create user: CPU of all processes"),
        bare_cost.row("bare grouped commits: CPU of all processes"),
    ])
}

/// CreateUser on the first server, 64 at once: calls per second, and what each costs. `first` is the number of the first name.
async fn creations(servers: &[Process], world: &World, first: u64, database: Option<&Database>) -> Result<(f64, Cost)> {
    let mut tasks = Vec::new();
    let workers = creating(&servers[0], &world.root_bearer).workers(TOGETHER, first).await?;
    let (begun, before) = (Instant::now(), Cost::now(servers, database)?);
    for mut worker in workers {
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
    let rate = USERS as f64 / begun.elapsed().as_secs_f64();
    Ok((rate, Cost::now(servers, database)?.since(before, USERS)))
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
