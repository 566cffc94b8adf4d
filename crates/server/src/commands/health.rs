//! `bailiwick health`: whether a server on this machine is ready, for containers and service managers.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;

use crate::failure::Failure;
use crate::options::OptionalListenAddress;
use crate::output;

/// The time for connection, request and answer.
const TIMEOUT: Duration = Duration::from_secs(4);
/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 4 * 1024;

/// Ask the server on this machine whether it is ready
///
/// Asks the port of the metrics. Exit codes: 0 changes and decisions are accepted, 1 they are not or nothing answers, 2 wrong
/// usage.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick health
  bailiwick health --live")]
pub(crate) struct Options {
    /// Address and port of the metrics of the server, as it was started with
    #[arg(long, env = "BAILIWICK_METRICS_LISTEN", default_value = "127.0.0.1:7471", value_name = "ADDRESS")]
    metrics_listen: OptionalListenAddress,
    /// Ask only whether the process answers
    #[arg(long)]
    live: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let path = if options.live { "/healthz" } else { "/readyz" };
    let Some(address) = &options.metrics_listen.0 else {
        return Err(Failure::with_code("the server has no port for metrics (--metrics-listen none) to ask", 2));
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(format!("cannot resolve the address: {e}")))?;
    let addresses = runtime.block_on(address.resolve())?;
    let Some(address) = addresses.first() else { return Err(Failure::new("--metrics-listen names no address")) };
    let answer =
        ask(on_this_machine(*address), path).map_err(|e| Failure::new(format!("no answer from {address}: {e}")))?;
    match outcome(&answer) {
        Some((true, text)) => {
            output::print(text)?;
            Ok(ExitCode::SUCCESS)
        }
        Some((false, text)) => Err(Failure::new(format!("not ready: {}", text.trim_end()))),
        None => Err(Failure::new(format!(
            "{address} does not answer in plain HTTP: beyond loopback the port uses TLS, so ask a port on loopback"
        ))),
    }
}

/// The address to connect to for one that is listened on.
fn on_this_machine(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let deadline = Instant::now() + TIMEOUT;
    let left = || deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    let mut stream = TcpStream::connect_timeout(&address, left())?;
    stream.set_write_timeout(Some(left()))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut part = [0; 1024];
    while answer.len() < MAX_ANSWER {
        stream.set_read_timeout(Some(left()))?;
        match stream.read(&mut part)? {
            0 => break,
            count => answer.extend_from_slice(&part[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Whether the status of an HTTP answer is 200, and its body.
fn outcome(answer: &str) -> Option<(bool, &str)> {
    let status = answer.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some((status == "200", body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_status_and_body() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nready\n", Some((true, "ready\n"))),
            ("HTTP/1.1 503 Service Unavailable\r\n\r\nfull\n", Some((false, "full\n"))),
            ("HTTP/1.1 200 OK\r\n", None),
            ("\x15\x03\x03\0\x02\x02\x32", None),
            ("", None),
        ] {
            assert_eq!(outcome(answer), expected, "{answer:?}");
        }
    }

    #[test]
    fn every_address_is_asked_on_this_machine() {
        for (listened, asked) in
            [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1"), ("10.0.0.7:1", "10.0.0.7:1"), ("[::1]:1", "[::1]:1")]
        {
            assert_eq!(on_this_machine(listened.parse().unwrap()).to_string(), asked);
        }
    }
}
