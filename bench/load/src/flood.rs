//! Clients without credentials that try to take all memory or all connections of a server.
//!
//! They do what `tests/clients/attacks/test_floods.py` does, continuously: each connection comes from an address other
//! than the measured clients', is held as long as the server keeps it open, and is made again when it was closed. The
//! flood runs as a child process, so that it can be ended and does not share the threads of the measured clients.

use anyhow::Result;
use clap::ValueEnum;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

/// Time between the end of a connection and the attempt to make it again.
const PAUSE: Duration = Duration::from_secs(2);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const FRAME_HEADER: usize = 9;

/// The kind of a flood.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// 36 connections of 250 streams each, with 55 KiB of headers and a message that never ends
    Heads,
    /// 4,096 idle connections that answer pings
    Idle,
    /// 323 POST requests, each without the last byte of its body
    Posts,
    /// 100 connections of 50 calls of reflection each, with a message that never ends
    Reflection,
}

/// Every kind, in the order of the report.
pub const ALL: [Kind; 4] = [Kind::Heads, Kind::Idle, Kind::Posts, Kind::Reflection];

impl Kind {
    /// The number of connections, and the number of source addresses that they are spread over.
    fn scale(self) -> (usize, u8) {
        match self {
            Kind::Heads => (36, 4),
            Kind::Idle => (4096, 8),
            Kind::Posts => (323, 1),
            Kind::Reflection => (100, 2),
        }
    }

    /// What each connection sends; with HTTP/2, after the preface and the settings.
    fn bytes(self) -> Vec<u8> {
        match self {
            Kind::Idle => Vec::new(),
            Kind::Posts => {
                let body = "x".repeat(100_000);
                let length = body.len() + 1;
                let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded";
                format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
            }
            Kind::Heads => streams(250, "/bailiwick.iam.v1.UserService/CreateUser", 4, 1),
            Kind::Reflection => streams(50, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", 0, 4_900),
        }
    }
}

/// Floods a server until the process is ended.
pub async fn run(server: SocketAddr, kind: Kind) -> Result<()> {
    let (connections, addresses) = kind.scale();
    let bytes: &'static [u8] = kind.bytes().leak();
    let mut tasks = JoinSet::new();
    for number in 0..connections {
        let from = Ipv4Addr::new(127, 0, 0, 2 + (number % usize::from(addresses)) as u8);
        tasks.spawn(async move {
            loop {
                // A connection that is refused or closed is the expected outcome.
                let _ = hold(server, from, kind, bytes).await;
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
    // None ends, unless it panics.
    match tasks.join_next().await {
        Some(ended) => ended?,
        None => Ok(()),
    }
}

/// Holds one connection until the server closes it.
async fn hold(server: SocketAddr, from: Ipv4Addr, kind: Kind, bytes: &[u8]) -> Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let mut stream = socket.connect(server).await?;
    if matches!(kind, Kind::Posts) {
        stream.write_all(bytes).await?;
        let mut answer = [0; 1024];
        while stream.read(&mut answer).await? > 0 {}
        return Ok(());
    }
    stream.write_all(PREFACE).await?;
    stream.write_all(&frame(SETTINGS, 0, 0, b"")).await?;
    // The first frame of the server is its settings: it is ready for streams.
    let mut header = [0; FRAME_HEADER];
    stream.read_exact(&mut header).await?;
    let (read, mut write) = stream.into_split();
    let (pings, mut answers) = tokio::sync::mpsc::unbounded_channel();
    let reading = tokio::spawn(answer_pings(read, header, pings));
    write.write_all(bytes).await?;
    while let Some(ping) = answers.recv().await {
        write.write_all(&ping).await?;
    }
    reading.abort();
    Ok(())
}

/// Reads frames until the connection ends, and sends the answer to each ping to `answers`.
async fn answer_pings(
    mut read: tokio::net::tcp::OwnedReadHalf,
    mut header: [u8; FRAME_HEADER],
    answers: tokio::sync::mpsc::UnboundedSender<Vec<u8>>,
) -> Result<()> {
    loop {
        let size = usize::from(header[0]) << 16 | usize::from(header[1]) << 8 | usize::from(header[2]);
        let mut payload = vec![0; size];
        read.read_exact(&mut payload).await?;
        if header[3] == PING && header[4] & ACK == 0 {
            answers.send(frame(PING, ACK, 0, &payload))?;
        }
        read.read_exact(&mut header).await?;
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
    [&[a, b, c, kind, flags], stream.to_be_bytes().as_slice(), payload].concat()
}

/// The frames of `count` calls of a gRPC method, each with `large_headers` headers of 13,700 bytes and with the first
/// `sent` bytes of a message that is announced as 60,000 bytes long.
fn streams(count: u32, path: &str, large_headers: usize, sent: usize) -> Vec<u8> {
    let mut block = vec![0x83, 0x86];
    literal(&mut block, ":path", path.as_bytes());
    literal(&mut block, ":authority", b"a");
    literal(&mut block, "content-type", b"application/grpc");
    for _ in 0..large_headers {
        literal(&mut block, "x-large", &[b'v'; 13_700]);
    }
    let message = [&[0, 0, 0, 0xEA, 0x60], vec![b'a'; sent].as_slice()].concat();
    let mut bytes = Vec::new();
    for stream in (1..=2 * count).step_by(2) {
        let pieces: Vec<&[u8]> = block.chunks(16_000).collect();
        for (at, piece) in pieces.iter().enumerate() {
            let kind = if at == 0 { HEADERS } else { CONTINUATION };
            let flags = if at + 1 == pieces.len() { END_HEADERS } else { 0 };
            bytes.extend(frame(kind, flags, stream, piece));
        }
        bytes.extend(frame(DATA, 0, stream, &message));
    }
    bytes
}

/// A header field in HPACK's form that is not added to the dynamic table.
fn literal(block: &mut Vec<u8>, name: &str, value: &[u8]) {
    block.push(0);
    for text in [name.as_bytes(), value] {
        let mut rest = text.len();
        if rest < 127 {
            block.push(rest as u8);
        } else {
            block.push(127);
            rest -= 127;
            while rest >= 128 {
                block.push((rest % 128) as u8 | 128);
                rest /= 128;
            }
            block.push(rest as u8);
        }
        block.extend_from_slice(text);
    }
}

/// Waits until the memory of the server stops growing under a flood, five seconds at most.
pub async fn settled(server: &crate::process::Process) -> Result<()> {
    let mut before = 0;
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let now = server.memory()?;
        if now.abs_diff(before) < now / 50 {
            return Ok(());
        }
        before = now;
    }
    Ok(())
}
