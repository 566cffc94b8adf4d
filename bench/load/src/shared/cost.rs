//! The CPU time that a call costs each process that has a part in it.

use crate::process::{Process, cpu_of};
use crate::report::Row;
use anyhow::{Context, Result};
use std::collections::HashSet;
use std::fs;

/// CPU times at one moment, in seconds.
#[derive(Clone, Copy)]
pub struct Cost {
    /// The server that is called.
    writer: f64,
    /// The other servers.
    followers: f64,
    database: f64,
    /// This program.
    load: f64,
}

impl Cost {
    /// Reads the CPU times of the servers, of which the first is called, and of their database.
    pub fn now(servers: &[Process], database: Option<&Database>) -> Result<Cost> {
        let (first, others) = servers.split_first().context("no server")?;
        let followers = others.iter().map(Process::cpu).sum::<Result<f64>>()?;
        Ok(Cost {
            writer: first.cpu()?,
            followers,
            database: database.map_or(0.0, Database::cpu),
            load: cpu_of(std::process::id())?,
        })
    }

    /// Microseconds for each of so many calls since then.
    pub fn since(self, before: Cost, calls: u64) -> Cost {
        let each = |now: f64, before: f64| (now - before) * 1e6 / calls as f64;
        Cost {
            writer: each(self.writer, before.writer),
            followers: each(self.followers, before.followers),
            database: each(self.database, before.database),
            load: each(self.load, before.load),
        }
    }

    /// The microseconds as a result.
    pub fn row(self, name: &str) -> Row {
        let Cost { writer, followers, database, load } = self;
        let detail =
            format!("called server {writer:.0}, others {followers:.0}, database {database:.0}, load {load:.0}");
        Row::new(name, writer + followers + database + load, "µs", detail)
    }
}

/// The processes of a database on this machine.
pub struct Database {
    listener: u32,
}

impl Database {
    /// Those of the process that listens on the port of an address such as `etcd://127.0.0.1:2379`, and of its children.
    pub fn of(address: &str) -> Result<Database> {
        let host = address.split('/').nth(2).context("an address without a host")?;
        let port: u16 =
            host.rsplit(':').next().and_then(|port| port.parse().ok()).context("an address without a port")?;
        let sockets = listening(port)?;
        let listener = processes()?.into_iter().find(|process| has_socket(*process, &sockets));
        Ok(Database { listener: listener.with_context(|| format!("no process of ours listens on port {port}"))? })
    }

    fn cpu(&self) -> f64 {
        let ours = processes().unwrap_or_default();
        let ours = ours.into_iter().filter(|id| *id == self.listener || parent_of(*id) == Some(self.listener));
        // One that has just ended counts as its parent's child, which is not counted.
        ours.filter_map(|process| cpu_of(process).ok()).sum()
    }
}

fn processes() -> Result<Vec<u32>> {
    let names = fs::read_dir("/proc").context("this bench needs Linux")?.flatten();
    Ok(names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
}

/// The sockets that listen on a port, as links of open files name them.
fn listening(port: u16) -> Result<HashSet<String>> {
    let mut sockets = HashSet::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in fs::read_to_string(table).unwrap_or_default().lines() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            // The local address, the state (0A: it listens) and the inode.
            if let (Some(local), Some(&"0A"), Some(inode)) = (fields.get(1), fields.get(3), fields.get(9))
                && local.ends_with(&format!(":{port:04X}"))
            {
                sockets.insert(format!("socket:[{inode}]"));
            }
        }
    }
    anyhow::ensure!(!sockets.is_empty(), "nothing listens on port {port}");
    Ok(sockets)
}

fn has_socket(process: u32, sockets: &HashSet<String>) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{process}/fd")) else { return false };
    let links = files.flatten().filter_map(|file| fs::read_link(file.path()).ok());
    links.into_iter().any(|link| link.to_str().is_some_and(|link| sockets.contains(link)))
}

fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()
}
