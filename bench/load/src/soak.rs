//! Hours of mixed use, with memory, open files and latency in each minute: nothing may grow.

use crate::beside::{PACED, Paced, percentile};
use crate::drive::Call;
use crate::grpc::Target;
use crate::measure::started;
use crate::process::{ACCOUNT, Process};
use crate::query::{Repeat, signed_form_by};
use crate::report::Row;
use crate::world::{self, Key};
use anyhow::{Context, Result, bail, ensure};
use bailiwick_api::signin::{SignInRequest, SignInResponse};
use bailiwick_api::sts::{AssumeRoleRequest, AssumeRoleResponse};
use http::StatusCode;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

const MINUTE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "egret-On-9-posts";
const ASSUMING: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["sts:AssumeRole","bailiwick:CreateToken"],"Resource":"*"}}"#;
const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"iam:Delete*","Resource":"*"}}"#;
/// What is not a request, each sent over a connection of its own.
const GARBAGE: [&[u8]; 5] = [
    b"GET / HTTP/1.1\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\nAction=",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 14\r\n\r\nAction=Nothing",
];

/// The server in one minute.
struct Minute {
    memory: f64,
    open_files: f64,
    median: f64,
    p99: f64,
}

/// Runs the mix for a number of minutes, at least three. The figures of the last third are compared with those of the
/// second; the first is a warm-up. The store is checked at the end.
pub async fn run(server: &Path, minutes: u32) -> Result<Vec<Row>> {
    ensure!(minutes >= 3, "a soak takes at least 3 minutes");
    let beside = server.parent().context("the server has no folder")?;
    let folder = tempfile::Builder::new().prefix("soak-").tempdir_in(beside)?;
    let data = folder.path().join("data");
    let process = started(server, &data).await?;
    let mut world = world::make(&process).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut others = Others { stop: Arc::clone(&stop), tasks: Vec::new() };
    others.begin(&process).await?;
    let mut seen = Vec::new();
    for number in 1..=minutes {
        // Handles end after five minutes, so that services authenticate their callers again.
        world.renew(&process).await?;
        let workers = world.authorize(&process).workers(PACED.count, 0).await?;
        let callers = workers.into_iter().map(|worker| Paced::new(worker, PACED.pause)).collect();
        let (_, mut callers) = crate::drive::run(&process, callers, MINUTE).await?;
        let times: Vec<f64> = callers.iter_mut().flat_map(Paced::take_times).collect();
        let minute = Minute {
            memory: process.memory()? as f64 / (1024.0 * 1024.0),
            open_files: process.open_files()? as f64,
            median: percentile(&times, 0.5),
            p99: percentile(&times, 0.99),
        };
        eprintln!(
            "minute {number} of {minutes}: {:.1} MiB, {} open files, authorize {:.0} µs, 99th percentile {:.0} µs",
            minute.memory, minute.open_files, minute.median, minute.p99
        );
        seen.push(minute);
        others.check().await?;
    }
    stop.store(true, Ordering::Relaxed);
    others.end().await?;
    drop(world);
    process.stop()?;
    check(server, &data, &["doctor", "--data-dir"])?;
    check(server, &data, &["audit", "verify", "--data-dir"])?;
    Ok(rows(&seen))
}

fn rows(seen: &[Minute]) -> Vec<Row> {
    let third = seen.len() / 3;
    let (before, after) = (&seen[third..2 * third], &seen[seen.len() - third..]);
    let row = |name: &str, unit: &str, of: fn(&Minute) -> f64, most: f64| {
        let middle = |part: &[Minute]| percentile(&part.iter().map(of).collect::<Vec<_>>(), 0.5);
        let (second, last) = (middle(before), middle(after));
        let detail = format!("{last:.0} {unit} in the last third, {second:.0} in the second");
        Row::new(format!("soak: {name}"), last / second, "x", detail).at_most(most)
    };
    vec![
        row("memory", "MiB", |m| m.memory, 1.1),
        row("open files", "", |m| m.open_files, 1.1),
        row("authorize, median", "µs", |m| m.median, 1.2),
        row("authorize, 99th percentile", "µs", |m| m.p99, 1.5),
    ]
}

/// Runs a command of the binary on the folder of the stopped server.
fn check(server: &Path, data: &Path, arguments: &[&str]) -> Result<()> {
    let done = std::process::Command::new(server).args(arguments).arg(data).env_clear().output()?;
    let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "bailiwick {}: {said}", arguments.join(" "));
    Ok(())
}

/// The callers besides those of `Authorize`.
struct Others {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Result<()>>>,
}

impl Others {
    async fn begin(&mut self, process: &Process) -> Result<()> {
        let address = process.address;
        let refused = world::user(process, "refused", NOTHING).await?;
        let assuming = world::user(process, "assuming", ASSUMING).await?;
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:user/assuming"}},"Action":"sts:AssumeRole"}}}}"#
        );
        world::iam(process, "CreateRole", &[("RoleName", "soaked"), ("AssumeRolePolicyDocument", &trust)]).await?;
        world::iam(process, "CreateUser", &[("UserName", "person")]).await?;
        world::iam(process, "CreateLoginProfile", &[("UserName", "person"), ("Password", PASSWORD)]).await?;
        let bearer = world::token(process, &assuming).await?;

        let request = AssumeRoleRequest {
            role_arn: Some(format!("arn:aws:iam::{ACCOUNT}:role/soaked")),
            role_session_name: Some("soak".into()),
            ..Default::default()
        };
        let issuing = Target::<AssumeRoleRequest, AssumeRoleResponse> {
            process,
            method: "/bailiwick.sts.v1.AssumeRoleService/AssumeRole",
            bearer: Some(&bearer),
            next: Arc::new(move |_| request.clone()),
            fine: |answer| answer.credentials.is_some(),
        };
        for worker in issuing.workers(2, 0).await? {
            self.every(Duration::from_millis(20), worker);
        }
        let signing_in = Target::<SignInRequest, SignInResponse> {
            process,
            method: "/bailiwick.signin.v1.SignInService/SignIn",
            bearer: None,
            next: Arc::new(|_| SignInRequest {
                account: Some(ACCOUNT.into()),
                user_name: Some("person".into()),
                password: Some(PASSWORD.into()),
                ..Default::default()
            }),
            fine: |answer| answer.session.is_some(),
        };
        self.every(Duration::from_millis(500), signing_in.workers(1, 0).await?.remove(0));
        for number in 0..2 {
            self.every(Duration::from_millis(100), Other::Writes { server: address, number, round: 0 });
        }
        self.every(Duration::from_millis(50), Other::IsDenied { server: address, key: refused });
        self.every(Duration::from_millis(50), Other::SendsGarbage { server: address, round: 0 });
        Ok(())
    }

    /// Calls again and again until the soak ends, with a pause before each call.
    fn every(&mut self, pause: Duration, mut caller: impl Call) {
        let stop = Arc::clone(&self.stop);
        self.tasks.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                tokio::time::sleep(pause).await;
                caller.call().await?;
            }
            Ok(())
        }));
    }

    /// Fails if one of them has failed.
    async fn check(&mut self) -> Result<()> {
        while let Some(at) = self.tasks.iter().position(JoinHandle::is_finished) {
            self.tasks.swap_remove(at).await??;
        }
        Ok(())
    }

    async fn end(self) -> Result<()> {
        for task in self.tasks {
            task.await??;
        }
        Ok(())
    }
}

/// A caller that opens a connection for each of its calls.
enum Other {
    Writes { server: SocketAddr, number: usize, round: u64 },
    IsDenied { server: SocketAddr, key: Key },
    SendsGarbage { server: SocketAddr, round: usize },
}

impl Call for Other {
    async fn call(&mut self) -> Result<()> {
        match self {
            Other::Writes { server, number, round } => {
                *round += 1;
                user_comes_and_goes(*server, &format!("writer-{number}-{round}")).await
            }
            Other::IsDenied { server, key } => is_denied(*server, key).await,
            Other::SendsGarbage { server, round } => {
                *round += 1;
                send_garbage(*server, GARBAGE[*round % GARBAGE.len()]).await
            }
        }
    }
}

/// Creates a user with policy and key, and deletes all of them, each over a connection of its own.
async fn user_comes_and_goes(server: SocketAddr, name: &str) -> Result<()> {
    let user = ("UserName", name);
    let policy = ("PolicyName", "own");
    world::iam_at(server, "CreateUser", &[user]).await?;
    world::iam_at(server, "PutUserPolicy", &[user, policy, ("PolicyDocument", NOTHING)]).await?;
    let key = Key::of(&world::iam_at(server, "CreateAccessKey", &[user]).await?)?;
    world::iam_at(server, "DeleteAccessKey", &[user, ("AccessKeyId", &key.id)]).await?;
    world::iam_at(server, "DeleteUserPolicy", &[user, policy]).await?;
    world::iam_at(server, "DeleteUser", &[user]).await?;
    Ok(())
}

async fn is_denied(server: SocketAddr, key: &Key) -> Result<()> {
    let form = "Action=ListUsers&Version=2010-05-08";
    let request = signed_form_by(&key.id, &key.secret, server, "iam", form)?;
    let (status, body) = Repeat::connect_to(server, request).await?.ask().await?;
    if status != StatusCode::FORBIDDEN {
        bail!("a call that no policy allows: {status}: {}", String::from_utf8_lossy(&body));
    }
    Ok(())
}

/// Sends bytes that do not form a request and closes the connection, after an answer if there is one soon.
async fn send_garbage(server: SocketAddr, bytes: &[u8]) -> Result<()> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(bytes).await?;
    let mut answer = [0; 256];
    // The server may answer, close the connection, or wait for more.
    let _ = tokio::time::timeout(Duration::from_millis(20), stream.read(&mut answer)).await;
    Ok(())
}
