//! PostgreSQL for the tests of the store on it: Debian's `postgresql`, in a temporary folder.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::debian::Program;
use crate::run;

pub(crate) const POSTGRES: Program = Program {
    checks: "the store on PostgreSQL",
    name: "PostgreSQL",
    packages: &["postgresql"],
    is_installed: || {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        run::installed("initdb", &["--version"]) || versions.into_iter().any(|version| has_server(&version.path()))
    },
};

fn has_server(version: &Path) -> bool {
    version.join("bin/initdb").is_file()
}

/// A running server. It ends with this value, or with this process.
pub(crate) struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// The variable that names the port of the server to the tests.
    pub(crate) const VARIABLE: &str = "BAILIWICK_TEST_POSTGRES";

    /// Starts a server without `fsync`, since its folder is removed at its end.
    pub(crate) fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut child = Command::new(run::root().join("tests/stores/postgres.sh"))
            .args([&port.to_string(), "fsync=off"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run tests/stores/postgres.sh")?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        if line != "ready\n" {
            bail!("PostgreSQL does not start: see the messages above");
        }
        Ok(Server { child, port })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It stops the server and removes the folder.
        let _ = self.child.wait();
    }
}
