//! Syslog: RFC 5424 over UDP (RFC 5426), TCP (RFC 6587, with octet counts), TLS (RFC 5425), or the socket of this machine.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bailiwick_audit::{Batch, Deliver, DeliveryError, Message, Severity};
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket, UnixDatagram, lookup_host};
use tokio_rustls::TlsConnector;

use crate::tls;

/// How long the receiver has to close a connection after the last message.
const CLOSE: Duration = Duration::from_secs(5);

/// The settings of a syslog receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyslogSettings {
    pub(crate) transport: Transport,
    /// The number of the facility.
    pub(crate) facility: u8,
    /// Longer datagrams are shortened.
    pub(crate) max_datagram: usize,
}

impl SyslogSettings {
    /// Log audit.
    pub(crate) const FACILITY: u8 = 13;
    /// What fits into a datagram over IPv4 and IPv6.
    pub(crate) const MAX_DATAGRAM: usize = 65_000;
}

/// How messages get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp(HostPort),
    Tcp(HostPort),
    Tls(HostPort, Option<PathBuf>),
    /// A datagram socket, such as `/dev/log`.
    Unix(PathBuf),
}

/// A host, by name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPort {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// A syslog receiver.
pub(super) struct Syslog {
    settings: SyslogSettings,
    tls: Option<TlsConnector>,
    /// The name of this machine.
    host: String,
    process: u32,
}

impl Syslog {
    /// Reads the certificate authorities.
    ///
    /// # Errors
    /// If they can't be used.
    pub(super) fn new(settings: SyslogSettings) -> Result<Self, String> {
        let tls = match &settings.transport {
            Transport::Tls(_, ca_file) => {
                let config = tls::client(ca_file.as_deref(), &[]).map_err(|error| error.to_string())?;
                Some(TlsConnector::from(config))
            }
            _ => None,
        };
        // Linux has it here; elsewhere the header says that it is not known.
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = host.trim().to_owned();
        let is_name = (1..=255).contains(&host.len()) && host.bytes().all(|byte| byte.is_ascii_graphic());
        let host = if is_name { host } else { "-".to_owned() };
        Ok(Syslog { settings, tls, host, process: std::process::id() })
    }

    /// A message with its header.
    fn line(&self, message: &Message, body: &str) -> String {
        let priority = u32::from(self.settings.facility) * 8 + severity(message.severity);
        let (host, process, time) = (&self.host, self.process, message.time);
        // A message id has at most 32 printable characters; so have the names of events.
        let name: String = message.name.chars().filter(char::is_ascii_graphic).take(32).collect();
        let name = if name.is_empty() { "-".to_owned() } else { name };
        // Without a byte order mark: receivers take it for a part of the JSON.
        format!("<{priority}>1 {time:.6} {host} bailiwick {process} {name} - {body}")
    }

    /// Messages with their lengths, as streams have them.
    fn frames(&self, batch: &Batch) -> String {
        let mut frames = String::new();
        for message in &batch.messages {
            let line = self.line(message, &message.body);
            // Writing to a text does not fail.
            let _ = write!(frames, "{} {line}", line.len());
        }
        frames
    }

    /// A message that fits into a datagram.
    fn datagram(&self, message: &Message) -> String {
        let line = self.line(message, &message.body);
        if line.len() <= self.settings.max_datagram {
            return line;
        }
        self.line(message, &shortened(&message.body))
    }

    async fn send_stream(&self, to: &HostPort, batch: &Batch) -> io::Result<()> {
        let frames = self.frames(batch);
        let stream = TcpStream::connect((to.host.as_str(), to.port)).await?;
        match &self.tls {
            None => exchange(stream, frames.as_bytes()).await,
            Some(tls) => {
                let name = ServerName::try_from(to.host.clone()).map_err(io::Error::other)?;
                exchange(tls.connect(name, stream).await?, frames.as_bytes()).await
            }
        }
    }

    async fn send_udp(&self, to: &HostPort, batch: &Batch) -> io::Result<()> {
        let found = lookup_host((to.host.as_str(), to.port)).await?.next();
        let address = found.ok_or_else(|| io::Error::other("the host has no address"))?;
        let own = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(own).await?;
        socket.connect(address).await?;
        for message in &batch.messages {
            socket.send(self.datagram(message).as_bytes()).await?;
        }
        Ok(())
    }

    async fn send_unix(&self, path: &PathBuf, batch: &Batch) -> io::Result<()> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(path)?;
        for message in &batch.messages {
            socket.send(self.datagram(message).as_bytes()).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Deliver for Syslog {
    async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError> {
        let (sent, to) = match &self.settings.transport {
            Transport::Udp(to) => (self.send_udp(to, batch).await, format!("{}:{}", to.host, to.port)),
            Transport::Tcp(to) | Transport::Tls(to, _) => {
                (self.send_stream(to, batch).await, format!("{}:{}", to.host, to.port))
            }
            Transport::Unix(path) => (self.send_unix(path, batch).await, path.display().to_string()),
        };
        sent.map_err(|error| DeliveryError::new(format!("{to}: {error}")))
    }
}

/// Sends everything over a connection of its own and waits until the peer closes it. Syslog has no acknowledgement: a peer
/// that read everything closes without an error, and one that has ended resets the connection.
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &[u8]) -> io::Result<()> {
    stream.write_all(text).await?;
    stream.shutdown().await?;
    let mut ignored = [0; 256];
    let closed = async {
        loop {
            match stream.read(&mut ignored).await {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                // A peer of TLS may close without saying so.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    };
    // Nothing shows whether a receiver that keeps the connection open has read everything.
    tokio::time::timeout(CLOSE, closed).await.unwrap_or(Ok(()))
}

/// The severity of syslog.
fn severity(severity: Severity) -> u32 {
    match severity {
        Severity::Informational => 6,
        Severity::Low => 5,
        Severity::Medium => 4,
        Severity::High => 3,
        Severity::Critical => 2,
    }
}

/// Leaves out the largest parts of a message.
fn shortened(body: &str) -> String {
    let Ok(mut record) = serde_json::from_str::<Value>(body) else { return "{}".to_owned() };
    remove_large(&mut record);
    record["shortened"] = true.into();
    record.to_string()
}

fn remove_large(value: &mut Value) {
    const LARGE: [&str; 4] = ["requestParameters", "responseElements", "authorization", "api"];
    if let Value::Object(members) = value {
        members.retain(|name, _| !LARGE.contains(&name.as_str()));
        members.values_mut().for_each(remove_large);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn syslog(max_datagram: usize) -> Syslog {
        let transport = Transport::Unix("/dev/log".into());
        let settings = SyslogSettings { transport, facility: SyslogSettings::FACILITY, max_datagram };
        Syslog { host: "host".into(), process: 42, ..Syslog::new(settings).unwrap() }
    }

    fn message(body: &str) -> Message {
        Message {
            id: "e".into(),
            name: "CreateUser".into(),
            time: "2026-01-02T03:04:05.678901Z".parse().unwrap(),
            severity: Severity::Informational,
            body: body.into(),
        }
    }

    #[test]
    fn a_message_has_the_header_of_rfc_5424() {
        let expected = "<110>1 2026-01-02T03:04:05.678901Z host bailiwick 42 CreateUser - {\"a\":\"ü\"}";
        let message = message("{\"a\":\"ü\"}");
        assert_eq!(syslog(1_000).datagram(&message), expected);
        let alert = Message { severity: Severity::Critical, ..message.clone() };
        assert!(syslog(1_000).datagram(&alert).starts_with("<106>1 "));
        let batch = Batch { id: "b".into(), messages: vec![message.clone(), message] };
        // The length counts bytes.
        let frame = format!("{} {expected}", expected.len());
        assert_eq!(syslog(1_000).frames(&batch), frame.repeat(2));
    }

    #[test]
    fn a_long_datagram_is_shortened_and_stays_json() {
        let long = "x".repeat(5_000);
        let message = message(&format!(
            "{{\"eventID\":\"e\",\"requestParameters\":\"{long}\",\"data\":{{\"api\":\"{long}\",\"b\":1}}}}"
        ));
        let line = syslog(2_000).datagram(&message);
        let body: Value = serde_json::from_str(line.split_once(" - ").unwrap().1).unwrap();
        assert_eq!(body, serde_json::json!({ "eventID": "e", "data": { "b": 1 }, "shortened": true }));
        assert!(syslog(20_000).datagram(&message).contains(&long));
    }
}
