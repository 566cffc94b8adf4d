//! Servers of the stores on other machines, in temporary folders.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::run;

/// A running server. It ends with this value, or with this process.
pub(crate) struct StoreServer {
    child: Child,
    port: u16,
}

impl StoreServer {
    /// Runs a script of `tests/stores`, which gets a port and these arguments.
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut child = Command::new(run::root().join("tests/stores").join(script))
            .arg(port.to_string())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run tests/stores/{script}"))?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        if !line.starts_with("ready") {
            bail!("the server of tests/stores/{script} does not start: see the messages above");
        }
        Ok(StoreServer { child, port })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for StoreServer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It stops the server and removes the folder.
        let _ = self.child.wait();
    }
}
