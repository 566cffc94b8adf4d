//! The PROXY protocol, versions 1 and 2: a header at the beginning of a connection that names the proxy's client.
//!
//! Parsed strictly: a header that is malformed or too long is an error. So is one that names no client (`UNKNOWN`,
//! `UNSPEC`): a client without an address must not get the standing of the proxy. Only version 2 can say that a
//! connection is the proxy's own (`LOCAL`).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The signature of version 2.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest header of version 1, including its line end.
const MAX_LINE: usize = 107;
/// The longest accepted rest of a header of version 2: addresses and a few extensions.
const MAX_REST: usize = 4 * 1024;
/// The extension about encryption of the client's connection, and the bit that means encrypted.
const TLS: u8 = 0x20;
const IS_TLS: u8 = 1;

/// The content of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProxyHeader {
    /// The connection is the proxy's own, such as a health check.
    Local,
    /// The connection is made for a client.
    Client {
        /// The client's address.
        ip: IpAddr,
        /// Whether the client's connection is encrypted, if known.
        secure: Option<bool>,
    },
}

/// Reads a header, and no byte beyond it.
pub(super) async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<ProxyHeader> {
    let mut start = [0; SIGNATURE.len()];
    stream.read_exact(&mut start).await?;
    if start != *SIGNATURE {
        return line(&read_line(stream, &start).await?).ok_or_else(malformed);
    }
    let mut fixed = [0; 4];
    stream.read_exact(&mut fixed).await?;
    let [version_and_command, family, high, low] = fixed;
    let size = usize::from(u16::from_be_bytes([high, low]));
    if size > MAX_REST {
        return Err(malformed());
    }
    let mut rest = vec![0; size];
    stream.read_exact(&mut rest).await?;
    binary(version_and_command, family, &rest).ok_or_else(malformed)
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not a header of the PROXY protocol")
}

/// Reads the rest of a line, and no byte beyond it.
async fn read_line<S: AsyncRead + Unpin>(stream: &mut S, start: &[u8]) -> io::Result<Vec<u8>> {
    let mut line = start.to_vec();
    while !line.ends_with(b"\r\n") {
        // Another protocol is refused without waiting for the end of a line.
        if line.len() == MAX_LINE || !line.starts_with(b"PROXY ") {
            return Err(malformed());
        }
        line.push(stream.read_u8().await?);
    }
    Ok(line)
}

/// Version 1: `PROXY TCP4 192.0.2.7 192.0.2.1 4711 443`.
fn line(line: &[u8]) -> Option<ProxyHeader> {
    let text = std::str::from_utf8(line.strip_suffix(b"\r\n")?).ok()?.strip_prefix("PROXY ")?;
    let words: Vec<&str> = text.split(' ').collect();
    let [family, from, to, from_port, to_port] = words[..] else { return None };
    let ip = match family {
        "TCP4" => Ipv4Addr::from_str(to).and_then(|_| Ipv4Addr::from_str(from)).map(IpAddr::from).ok()?,
        "TCP6" => Ipv6Addr::from_str(to).and_then(|_| Ipv6Addr::from_str(from)).map(IpAddr::from).ok()?,
        _ => return None,
    };
    let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port.to_string() == text);
    (is_port(from_port) && is_port(to_port)).then(|| ProxyHeader::Client { ip: ip.to_canonical(), secure: None })
}

/// Version 2, after its signature.
fn binary(version_and_command: u8, family: u8, rest: &[u8]) -> Option<ProxyHeader> {
    let (ip, extensions) = match (version_and_command, family) {
        // The proxy's own connection: the rest is skipped.
        (0x20, _) => return Some(ProxyHeader::Local),
        (0x21, 0x11) => {
            let (addresses, extensions) = rest.split_first_chunk::<12>()?;
            (IpAddr::from(*addresses.first_chunk::<4>()?), extensions)
        }
        (0x21, 0x21) => {
            let (addresses, extensions) = rest.split_first_chunk::<36>()?;
            (IpAddr::from(*addresses.first_chunk::<16>()?), extensions)
        }
        _ => return None,
    };
    Some(ProxyHeader::Client { ip: ip.to_canonical(), secure: encrypted(extensions)? })
}

/// Returns whether the client's connection is encrypted, if the extensions have it; the outer none means malformed.
#[expect(clippy::option_option, reason = "malformed differs from absent")]
fn encrypted(mut extensions: &[u8]) -> Option<Option<bool>> {
    let mut secure = None;
    while let Some((kind, rest)) = extensions.split_first() {
        let (size, rest) = rest.split_first_chunk::<2>()?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*size)))?;
        if *kind == TLS && secure.replace(value.first()? & IS_TLS != 0).is_some() {
            return None;
        }
        extensions = rest;
    }
    Some(secure)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads these bytes, followed by a letter that must not be consumed.
    async fn reading(header: &[u8]) -> Option<ProxyHeader> {
        let bytes = [header, b"x"].concat();
        let mut stream = bytes.as_slice();
        let parsed = read(&mut stream).await.ok()?;
        assert_eq!(stream, b"x", "{header:?} was not read to its end");
        Some(parsed)
    }

    async fn check(header: &[u8], expected: &str) {
        let parsed = match reading(header).await {
            None => "refused".to_owned(),
            Some(ProxyHeader::Local) => "local".to_owned(),
            Some(ProxyHeader::Client { ip, secure: None }) => ip.to_string(),
            Some(ProxyHeader::Client { ip, secure: Some(secure) }) => format!("{ip} {secure}"),
        };
        assert_eq!(parsed, expected, "{}", header.escape_ascii());
    }

    #[tokio::test]
    async fn version_1() {
        check(b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n", "192.0.2.7").await;
        check(b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", "2001:db8::7").await;
        check(b"PROXY TCP6 ::ffff:192.0.2.7 ::1 4711 443\r\n", "192.0.2.7").await;
        // No client is named.
        check(b"PROXY UNKNOWN\r\n", "refused").await;
        check(b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "refused").await;
        for wrong in [
            "PROXY TCP4 192.0.2.7 192.0.2.1 4711\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 4711 443 1\r\n",
            "PROXY TCP4  192.0.2.7 192.0.2.1 4711 443\r\n",
            "PROXY TCP4 2001:db8::7 192.0.2.1 4711 443\r\n",
            "PROXY TCP4 192.0.2.7 2001:db8::1 4711 443\r\n",
            "PROXY TCP6 192.0.2.7 192.0.2.1 4711 443\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 65536 443\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 04711 443\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 +4711 443\r\n",
            "PROXY UDP4 192.0.2.7 192.0.2.1 4711 443\r\n",
            "PROXY UNKNOWNS\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "PROXY\r\n\r\n\r\n\r\n\r\n",
        ] {
            check(wrong.as_bytes(), "refused").await;
        }
    }

    fn version_2(version_and_command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let size = (rest.len() as u16).to_be_bytes();
        [SIGNATURE.as_slice(), &[version_and_command, family], &size, rest].concat()
    }

    #[tokio::test]
    async fn version_2_with_and_without_extensions() {
        let ipv4 = [192, 0, 2, 7, 192, 0, 2, 1, 0x12, 0x67, 1, 187];
        let mut ipv6 = [0; 36];
        ipv6[..4].copy_from_slice(&[0x20, 1, 0x0d, 0xb8]);
        ipv6[15] = 7;
        let tls = |client: u8| [TLS, 0, 5, client, 0, 0, 0, 0];
        let with = |extensions: &[&[u8]]| version_2(0x21, 0x11, &[&ipv4[..], &extensions.concat()].concat());
        check(&version_2(0x21, 0x11, &ipv4), "192.0.2.7").await;
        check(&version_2(0x21, 0x21, &ipv6), "2001:db8::7").await;
        check(&version_2(0x20, 0x11, &ipv4), "local").await;
        check(&version_2(0x20, 0x00, b""), "local").await;
        // No client is named.
        check(&version_2(0x21, 0x00, b""), "refused").await;
        check(&version_2(0x21, 0x00, &ipv4), "refused").await;
        check(&with(&[&[3, 0, 4, 1, 2, 3, 4]]), "192.0.2.7").await;
        check(&with(&[&[4, 0, 0], &tls(1)]), "192.0.2.7 true").await;
        check(&with(&[&tls(7), &[0xEA, 0, 1, 9]]), "192.0.2.7 true").await;
        check(&with(&[&tls(0)]), "192.0.2.7 false").await;
        check(&with(&[&tls(1), &tls(1)]), "refused").await;
        check(&with(&[&[TLS, 0, 0]]), "refused").await;
        check(&with(&[&[3, 0, 4, 1]]), "refused").await;
        check(&with(&[&[3, 0]]), "refused").await;
        check(&version_2(0x21, 0x11, &ipv4[..11]), "refused").await;
        check(&version_2(0x21, 0x21, &ipv6[..35]), "refused").await;
        for (version_and_command, family) in [(0x11, 0x11), (0x22, 0x11), (0x21, 0x12), (0x21, 0x31), (0x21, 0xff)] {
            check(&version_2(version_and_command, family, &ipv4), "refused").await;
        }
        check(&version_2(0x20, 0, &[0; MAX_REST]), "local").await;
        check(&version_2(0x20, 0, &[0; MAX_REST + 1]), "refused").await;
    }
}
