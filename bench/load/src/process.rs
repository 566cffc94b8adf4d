//! A server as a process: started on free ports, its CPU time and memory read from the kernel, ended with the handle.

use crate::flood::Kind;
use anyhow::{Context, Result, bail};
use clap::ValueEnum as _;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The kernel counts CPU time in hundredths of a second, whatever its own clock.
const TICKS_PER_SECOND: f64 = 100.0;

pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

/// Root credentials of one measurement.
pub const ACCESS_KEY_ID: &str = "AKIABAILIWICKBENCHAA";
pub const SECRET_ACCESS_KEY: &str = "only-for-measuring-and-gone-with-it-0123";
pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "us-east-1";

impl Process {
    /// Starts the real server over a folder, without waiting.
    pub fn bailiwick(binary: &Path, data: &Path) -> Result<Process> {
        Self::serve(binary, data, None)
    }

    /// Starts one of several servers on a database. Its data folder is beside those of the others, with one master key.
    pub fn sharing(binary: &Path, data: &Path, database: &str) -> Result<Process> {
        Self::serve(binary, data, Some(database))
    }

    fn serve(binary: &Path, data: &Path, database: Option<&str>) -> Result<Process> {
        let (address, metrics) = (free_address()?, free_address()?);
        let mut command = Command::new(binary);
        command.arg("serve").args(["--listen", &address.to_string(), "--metrics-listen", &metrics.to_string()]);
        command.arg("--data-dir").arg(data).env_clear();
        command.env("BAILIWICK_ROOT_ACCESS_KEY_ID", ACCESS_KEY_ID);
        command.env("BAILIWICK_ROOT_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY).env("BAILIWICK_ACCOUNT_ID", ACCOUNT);
        if let Some(database) = database {
            command.env("BAILIWICK_STORE", database).arg("--master-key-file").arg(data.with_file_name("shared.key"));
        }
        Self::spawn(command, address)
    }

    /// Starts one of this program's own baselines, and waits until it listens.
    pub fn baseline(name: &str, arguments: &[&Path]) -> Result<Process> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(name).arg(address.to_string()).args(arguments);
        let process = Self::spawn(command, address)?;
        process.wait_until_it_listens()?;
        Ok(process)
    }

    /// Starts a flood of a server, which lasts until the handle is dropped.
    pub fn flood(server: &Process, kind: Kind) -> Result<Process> {
        let name = kind.to_possible_value().context("a kind without a name")?;
        let mut command = Command::new("sh");
        // Thousands of connections exceed the usual limit of open files.
        command.args(["-c", "ulimit -n $(ulimit -Hn); exec \"$0\" \"$@\""]).arg(std::env::current_exe()?);
        command.arg("send-flood").arg(server.address.to_string()).arg(name.get_name());
        Self::spawn(command, server.address)
    }

    fn spawn(mut command: Command, address: SocketAddr) -> Result<Process> {
        // The log goes to a pipe whose reader discards it.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        Ok(Process { child, address })
    }

    pub fn wait_until_it_listens(&self) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if begun.elapsed() > Duration::from_secs(30) {
                bail!("nothing listens on {} after 30 s", self.address);
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        Ok(())
    }

    /// Seconds of CPU time of the process, in user and kernel mode.
    pub fn cpu(&self) -> Result<f64> {
        cpu_of(self.child.id())
    }

    /// The resident memory of the process, in bytes.
    pub fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("unexpected /proc/…/status")?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib * 1024)
    }

    /// Files and sockets that the process has open.
    pub fn open_files(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.child.id()))?.count())
    }

    /// Stops the server and waits, so that its store can be opened.
    pub fn stop(mut self) -> Result<()> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Seconds of CPU time of a process, in user and kernel mode.
pub fn cpu_of(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).context("this bench needs Linux")?;
    // The name, in parentheses, may hold anything; the fields after it do not.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).context("unexpected /proc/…/stat");
    Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
