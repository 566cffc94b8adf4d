//! The measurements, one function each.

use crate::drive::{Load, in_turns, run};
use crate::grpc::Target;
use crate::process::Process;
use crate::query::{Repeat, once, signed_form};
use crate::report::Row;
use crate::{commit, credentials, flooded, many_calls, sign_in, world};
use anyhow::{Context, Result};
use bailiwick_api::authz::{AuthorizeItem, BatchAuthorizeRequest, BatchAuthorizeResponse, Decision};
use bailiwick_api::iam::{CreateUserRequest, CreateUserResponse};
use prost::Message;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const BATCH_AUTHORIZE: &str = "/bailiwick.authz.v1.AuthorizationService/BatchAuthorize";
const CREATE_USER: &str = "/bailiwick.iam.v1.UserService/CreateUser";
pub const GET_USER: &str = "Action=GetUser&Version=2010-05-08&UserName=client";
const IN_FLIGHT: [usize; 3] = [1, 16, 64];
const BATCH: usize = 100;
pub const MIB: f64 = 1024.0 * 1024.0;

/// All measurements whose name contains the filter.
pub async fn all(server: &Path, seconds: u32, filter: Option<&str>) -> Result<Vec<Row>> {
    let wanted = |name: &str| filter.is_none_or(|filter| name.contains(filter));
    // In the build folder, so that writes go to a disk and not to memory.
    let beside = server.parent().context("the server has no folder")?;
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?;
    let mut rows = Vec::new();
    if wanted("start and size") {
        rows.extend(start_and_size(server, folder.path()).await?);
    }
    if wanted("authorize") {
        rows.extend(authorize(server, folder.path(), seconds).await?);
    }
    if wanted("get user") {
        rows.extend(get_user(server, folder.path(), seconds).await?);
    }
    if wanted("create user") {
        rows.extend(create_user(server, folder.path()).await?);
    }
    if wanted("assume role") {
        rows.push(credentials::assume_role(server, folder.path(), seconds).await?);
    }
    if wanted("sign in") {
        rows.extend(sign_in::all(server, folder.path(), seconds).await?);
    }
    if wanted("many calls") {
        rows.extend(many_calls::all(server, folder.path(), seconds).await?);
    }
    if wanted("flood") {
        rows.extend(flooded::all(server, folder.path(), seconds).await?);
    }
    Ok(rows)
}

pub async fn started(server: &Path, data: &Path) -> Result<Process> {
    let process = Process::bailiwick(server, data)?;
    process.wait_until_it_listens()?;
    Ok(process)
}

/// The time of a first start until a signed call is answered; the memory of an idle server; the size of the binary.
async fn start_and_size(server: &Path, folder: &Path) -> Result<Vec<Row>> {
    let mut times = Vec::new();
    let mut memory = 0;
    for number in 0..7 {
        let begun = Instant::now();
        let process = started(server, &folder.join(format!("start-{number}"))).await?;
        once(process.address, signed_form(process.address, "sts", "Action=GetCallerIdentity&Version=2011-06-15")?)
            .await?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
        if number == 0 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            memory = process.memory()?;
        }
    }
    times.sort_by(f64::total_cmp);
    let size = std::fs::metadata(server)?.len();
    let spread = format!("of {} starts: {:.0} to {:.0} ms", times.len(), times[0], times[times.len() - 1]);
    Ok(vec![
        Row::new("start to first answer, empty store", times[times.len() / 2], "ms", spread).at_most(200.0),
        Row::new("idle memory", memory as f64 / MIB, "MiB", "resident, after one call".into()).at_most(40.0),
        Row::new("binary", size as f64 / MIB, "MiB", server.display().to_string()).at_most(40.0),
    ])
}

fn against(name: &str, ours: Load, theirs: Load, cpu: f64, rate: f64) -> Vec<Row> {
    let cpu_detail = format!("{:.1} µs, echo {:.1} µs", ours.cpu_micros(), theirs.cpu_micros());
    let rate_detail = format!("{:.0}/s, echo {:.0}/s", ours.rate(), theirs.rate());
    vec![
        Row::new(format!("{name}: server CPU"), ours.cpu_micros() / theirs.cpu_micros(), "x", cpu_detail).at_most(cpu),
        Row::new(format!("{name}: rate"), ours.rate() / theirs.rate(), "x", rate_detail).at_least(rate),
    ]
}

/// `Authorize` against an empty tonic echo of the same messages; `BatchAuthorize` against single calls.
async fn authorize(server: &Path, folder: &Path, seconds: u32) -> Result<Vec<Row>> {
    let process = started(server, &folder.join("authorize")).await?;
    let world = world::make(&process).await?;
    let question = &world.question;
    let answer = world.authorize(&process).workers(1, 0).await?.remove(0).ask().await.context("Authorize")?;
    let file = folder.join("answer");
    std::fs::write(&file, answer.encode_to_vec())?;
    let echo = Process::baseline("echo-grpc", &[&file])?;
    let mut rows = Vec::new();
    let mut single = 0.0;
    for in_flight in IN_FLIGHT {
        let ours = world.authorize(&process).workers(in_flight, 0).await?;
        let theirs = world.authorize(&echo).workers(in_flight, 0).await?;
        let (ours, theirs) = in_turns((&process, ours), (&echo, theirs), seconds).await?;
        rows.extend(against(&format!("authorize, {in_flight} in flight"), ours, theirs, 1.3, 0.8));
        if in_flight == 16 {
            single = ours.cpu_micros();
        }
    }
    let items = (0..BATCH).map(|number| AuthorizeItem {
        action: "s3:GetObject".into(),
        resource: format!("arn:aws:s3:::reports/2026/03/{number}.csv"),
        resource_account: question.resource_account.clone(),
        ..Default::default()
    });
    let batch = BatchAuthorizeRequest { caller: question.caller.clone(), items: items.collect(), ..Default::default() };
    let batches = Target::<BatchAuthorizeRequest, BatchAuthorizeResponse> {
        process: &process,
        method: BATCH_AUTHORIZE,
        bearer: Some(&world.bearer),
        next: Arc::new(move |_| batch.clone()),
        fine: |answer| answer.results.len() == BATCH && answer.results.iter().all(|r| r.decision() == Decision::Allow),
    };
    let workers = batches.workers(16, 0).await?;
    let (_, workers) = run(&process, workers, Duration::from_secs(1)).await?;
    let (load, _) = run(&process, workers, Duration::from_secs(seconds.into())).await?;
    let each = load.cpu_micros() / BATCH as f64;
    let detail = format!("{each:.2} µs, single {single:.1} µs; {:.0} decisions/s", load.rate() * BATCH as f64);
    rows.push(Row::new("authorize, batch of 100: CPU per decision", each / single, "x", detail).at_most(0.125));
    Ok(rows)
}

/// GetUser by AWS Query, signature verified, against an axum handler that echoes the same form.
async fn get_user(server: &Path, folder: &Path, seconds: u32) -> Result<Vec<Row>> {
    let process = started(server, &folder.join("get-user")).await?;
    world::make(&process).await?;
    let echo = Process::baseline("echo-form", &[])?;
    let mut rows = Vec::new();
    for in_flight in IN_FLIGHT {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..in_flight {
            let request = signed_form(process.address, "iam", GET_USER)?;
            theirs.push(Repeat::connect(&echo, request.clone()).await?);
            ours.push(Repeat::connect(&process, request).await?);
        }
        let (ours, theirs) = in_turns((&process, ours), (&echo, theirs), seconds).await?;
        let detail = format!(
            "{:.0}/s, echo {:.0}/s; CPU {:.1} and {:.1} µs",
            ours.rate(),
            theirs.rate(),
            ours.cpu_micros(),
            theirs.cpu_micros()
        );
        let name = format!("get user by AWS Query, {in_flight} in flight: rate");
        rows.push(Row::new(name, ours.rate() / theirs.rate(), "x", detail).at_least(0.6));
    }
    Ok(rows)
}

/// A durable CreateUser against a bare commit of the same keys and bytes, and many at once against one at a time.
async fn create_user(server: &Path, folder: &Path) -> Result<Vec<Row>> {
    // An account holds five thousand users, so this counts calls instead of seconds.
    const BLOCK: u64 = 50;
    const BLOCKS: u64 = 16;
    const TOGETHER: u64 = 3200;
    let data = folder.join("create-user");
    let process = started(server, &data).await?;
    let world = world::make(&process).await?;
    // A few first, to read the rows of one call from the store.
    let mut worker = creating(&process, &world.root_bearer).workers(1, 0).await?.remove(0);
    let warm = 20;
    for _ in 0..warm {
        worker.ask().await?;
    }
    drop(worker);
    process.stop()?;
    let written = commit::read(&data.join("bailiwick.redb"), &name(warm - 1))?;
    let mut bare = commit::Bare::new(&written, &folder.join("bare.redb"))?;
    let process = started(server, &data).await?;
    let mut worker = creating(&process, &world.root_bearer).workers(1, warm).await?.remove(0);
    // Alternately, so that other load of the disk affects both; the first block of each is a warm-up.
    let (mut alone, mut floor) = (0.0, 0.0);
    for block in 0..=BLOCKS {
        let begun = Instant::now();
        for _ in 0..BLOCK {
            worker.ask().await?;
        }
        let ours = begun.elapsed().as_secs_f64();
        let theirs = bare.repeat(BLOCK)?;
        if block > 0 {
            alone += ours;
            floor += theirs;
        }
    }
    let (alone, floor) = (alone / (BLOCK * BLOCKS) as f64, floor / (BLOCK * BLOCKS) as f64);
    let mut tasks = Vec::new();
    let begun = Instant::now();
    for mut worker in creating(&process, &world.root_bearer).workers(64, warm + BLOCK * (BLOCKS + 1)).await? {
        tasks.push(tokio::spawn(async move {
            for _ in 0..TOGETHER / 64 {
                worker.ask().await?;
            }
            anyhow::Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    let together = begun.elapsed().as_secs_f64() / TOGETHER as f64;
    let (keys, bytes) = written.size();
    let detail = format!("{:.0} µs, bare commit of {keys} keys and {bytes} bytes {:.0} µs", alone * 1e6, floor * 1e6);
    let many = format!("{:.0}/s, one at a time {:.0}/s", 1.0 / together, 1.0 / alone);
    Ok(vec![
        Row::new("create user alone: time", alone / floor, "x", detail).at_most(1.5),
        Row::new("create user, 64 in flight: rate", alone / together, "x", many).at_least(3.0),
    ])
}

pub fn name(number: u64) -> String {
    format!("measured-{number:06}")
}

pub fn creating<'a>(process: &'a Process, bearer: &'a str) -> Target<'a, CreateUserRequest, CreateUserResponse> {
    Target {
        process,
        method: CREATE_USER,
        bearer: Some(bearer),
        next: Arc::new(|number| CreateUserRequest { user_name: Some(name(number)), ..Default::default() }),
        fine: |answer| answer.user.is_some(),
    }
}
