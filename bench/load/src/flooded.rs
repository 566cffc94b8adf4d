//! Throughput of authenticated clients while clients without credentials flood the server, beside throughput without.

use crate::drive::{Call, Load, run};
use crate::flood::{self, Kind};
use crate::process::Process;
use crate::query::{Repeat, signed_form};
use crate::report::Row;
use crate::world;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::Full;
use std::path::Path;
use std::time::Duration;

const MIB: f64 = 1024.0 * 1024.0;
/// Rounds of a measurement without the flood and one with it. The first is a warm-up and is not counted.
const ROUNDS: u32 = 3;
/// Concurrent calls over connections that stay open.
const IN_FLIGHT: usize = 16;
/// Concurrent clients that make a connection for each call.
const NEW_CONNECTIONS: usize = 4;

/// Measures each kind of flood: calls over connections that stay open, calls over a new connection each, and the
/// server's memory.
pub async fn all(server: &Path, folder: &Path, seconds: u32) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for kind in flood::ALL {
        let name = format!("flood of {}", format!("{kind:?}").to_lowercase());
        rows.extend(under(server, &folder.join(&name), kind, &name, seconds).await.context(name)?);
    }
    Ok(rows)
}

async fn under(server: &Path, data: &Path, kind: Kind, name: &str, seconds: u32) -> Result<Vec<Row>> {
    let process = Process::bailiwick(server, data)?;
    process.wait_until_it_listens()?;
    let world = world::make(&process).await?;
    let mut stays = world.authorize(&process).workers(IN_FLIGHT, 0).await?;
    let mut new = (0..NEW_CONNECTIONS).map(|_| NewConnection::new(&process)).collect::<Result<Vec<_>>>()?;
    let (mut quiet, mut flooded) = (Loads::default(), Loads::default());
    let quiet_files = process.open_files()?;
    let (mut memory, mut files) = (0, 0);
    for round in 0..ROUNDS {
        let time = Duration::from_secs(u64::from(seconds.div_ceil(ROUNDS)));
        for is_flooded in [false, true] {
            let attackers = if is_flooded { Some(Process::flood(&process, kind)?) } else { None };
            if is_flooded {
                flood::settled(&process).await?;
            }
            let (staying, workers) = run(&process, stays, time).await?;
            stays = workers;
            memory = memory.max(process.memory()?);
            files = files.max(process.open_files()?);
            let (connecting, workers) = run(&process, new, time).await?;
            new = workers;
            memory = memory.max(process.memory()?);
            if let Some(attackers) = attackers {
                // Without this a flood that did not happen would look like a good result.
                ensure!(
                    attackers.open_files().is_ok_and(|open| open > 0),
                    "the flood ended before the measurement did"
                );
            }
            if round > 0 {
                let loads = if is_flooded { &mut flooded } else { &mut quiet };
                loads.staying.add(staying);
                loads.new.add(connecting);
            }
        }
    }
    ensure!(files > quiet_files, "the flood does not reach the server");
    let held = format!("resident, at most; {} connections of the flood", files - quiet_files);
    let ratio = |what: &str, with: Load, without: Load| {
        let detail = format!("{:.0}/s, without {:.0}/s", with.rate(), without.rate());
        Row::new(format!("{name}: {what}"), with.rate() / without.rate(), "x", detail).at_least(0.5)
    };
    Ok(vec![
        ratio("authorize, 16 in flight", flooded.staying, quiet.staying),
        ratio("get user, new connections", flooded.new, quiet.new),
        Row::new(format!("{name}: memory"), memory as f64 / MIB, "MiB", held).at_most(256.0),
    ])
}

/// Load over connections that stay open and over new ones.
#[derive(Default)]
struct Loads {
    staying: Load,
    new: Load,
}

/// A client that makes a connection for each call, as the AWS CLI does.
struct NewConnection {
    server: std::net::SocketAddr,
    request: http::Request<Full<Bytes>>,
}

impl NewConnection {
    fn new(process: &Process) -> Result<Self> {
        let form = "Action=GetUser&Version=2010-05-08&UserName=client";
        Ok(NewConnection { server: process.address, request: signed_form(process.address, "iam", form)? })
    }
}

impl Call for NewConnection {
    async fn call(&mut self) -> Result<()> {
        Repeat::connect_to(self.server, self.request.clone()).await?.call().await
    }
}
