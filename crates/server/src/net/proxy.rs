//! The client behind a proxy, taken from the proxy's headers.
//!
//! Only configured proxies are trusted. Each proxy appends the address of its client to `X-Forwarded-For` or
//! `Forwarded`. The client is therefore the rightmost address that is not a trusted proxy's. Addresses to the left of
//! it come from the client and are ignored.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use bailiwick_model::{ErrorCode, IamError, Result};
use http::{HeaderMap, header};
use ipnet::IpNet;

/// The networks of trusted proxies.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies(Vec<IpNet>);

/// A client as a proxy saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forwarded {
    pub(super) ip: IpAddr,
    /// Whether the client's connection to the proxy was encrypted, if known.
    pub(super) secure: Option<bool>,
}

impl TrustedProxies {
    pub(crate) fn new(networks: Vec<IpNet>) -> Self {
        TrustedProxies(networks)
    }

    /// Returns whether an address belongs to a trusted proxy.
    pub(super) fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|network| network.contains(&ip))
    }

    /// Returns the client that a trusted proxy forwards for; none without such headers.
    ///
    /// # Errors
    /// When the headers are malformed or ambiguous.
    pub(super) fn client(&self, headers: &HeaderMap) -> Result<Option<Forwarded>> {
        let by_for = self.by_x_forwarded(headers)?;
        let by_forwarded = self.by_forwarded(headers)?;
        match (by_for, by_forwarded) {
            (Some(one), Some(other)) if one.ip != other.ip => {
                Err(malformed(format!("X-Forwarded-For has `{}`, but Forwarded has `{}`", one.ip, other.ip)))
            }
            (Some(Forwarded { secure: Some(one), .. }), Some(Forwarded { secure: Some(other), .. }))
                if one != other =>
            {
                Err(malformed("X-Forwarded-Proto and Forwarded name different protocols".to_owned()))
            }
            // A proxy sets one of the families and passes on what its client sent in the other, which may name the client's
            // own address and claim encryption. So both must say it.
            (Some(one), Some(other)) => {
                let secure = one.secure.filter(|_| one.secure == other.secure);
                Ok(Some(Forwarded { ip: one.ip, secure }))
            }
            (one, other) => Ok(one.or(other)),
        }
    }

    fn by_x_forwarded(&self, headers: &HeaderMap) -> Result<Option<Forwarded>> {
        let hops = list(headers, X_FORWARDED_FOR, at_commas)?;
        let secure = protocol(&list(headers, X_FORWARDED_PROTO, at_commas)?)?;
        if hops.is_empty() {
            return match secure {
                Some(_) => Err(malformed("X-Forwarded-Proto without X-Forwarded-For".to_owned())),
                None => Ok(None),
            };
        }
        let mut ip = None;
        for hop in hops.iter().rev() {
            let address =
                address(hop).ok_or_else(|| malformed(format!("X-Forwarded-For: `{hop}` is not an IP address")))?;
            ip = Some(address);
            if !self.contains(address) {
                break;
            }
        }
        Ok(ip.map(|ip| Forwarded { ip, secure }))
    }

    fn by_forwarded(&self, headers: &HeaderMap) -> Result<Option<Forwarded>> {
        let mut found = None;
        for hop in list(headers, header::FORWARDED.as_str(), at_unquoted_commas)?.iter().rev() {
            let hop = element(hop)?;
            found = Some(hop);
            if !self.contains(hop.ip) {
                break;
            }
        }
        Ok(found)
    }
}

const X_FORWARDED_FOR: &str = "x-forwarded-for";
const X_FORWARDED_PROTO: &str = "x-forwarded-proto";

fn malformed(what: String) -> IamError {
    IamError::new(ErrorCode::MalformedInput, format!("the proxy's headers cannot be used: {what}"))
}

/// Returns the elements of a header that may occur several times, in order.
fn list<'a>(headers: &'a HeaderMap, name: &str, split: fn(&'a str) -> Vec<&'a str>) -> Result<Vec<&'a str>> {
    let mut elements = Vec::new();
    for line in headers.get_all(name) {
        let line = line.to_str().map_err(|_| malformed(format!("{name} is not ASCII")))?;
        elements.extend(split(line));
    }
    Ok(elements)
}

fn at_commas(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).collect()
}

fn at_unquoted_commas(text: &str) -> Vec<&str> {
    at_unquoted(text, ',')
}

/// Splits at separators outside of quotes.
fn at_unquoted(text: &str, separator: char) -> Vec<&str> {
    let mut is_quoted = false;
    let parts = text.split(|c: char| {
        is_quoted ^= c == '"';
        c == separator && !is_quoted
    });
    parts.map(str::trim).collect()
}

/// An address with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let ip = IpAddr::from_str(text).ok();
    let ip = ip.or_else(|| SocketAddr::from_str(text).ok().map(|address| address.ip()));
    let ip = ip.or_else(|| IpAddr::from_str(text.strip_prefix('[')?.strip_suffix(']')?).ok().filter(IpAddr::is_ipv6));
    ip.map(|ip| ip.to_canonical())
}

/// Returns whether the connection was encrypted. A list has one entry per hop, and all must agree.
fn protocol(values: &[&str]) -> Result<Option<bool>> {
    let mut secure = None;
    for value in values {
        let this = one_protocol(value)?;
        if secure.is_some_and(|before| before != this) {
            return Err(malformed("X-Forwarded-Proto names different protocols".to_owned()));
        }
        secure = Some(this);
    }
    Ok(secure)
}

fn one_protocol(value: &str) -> Result<bool> {
    if value.eq_ignore_ascii_case("https") {
        Ok(true)
    } else if value.eq_ignore_ascii_case("http") {
        Ok(false)
    } else {
        Err(malformed(format!("`{value}` is neither http nor https")))
    }
}

/// One hop of `Forwarded`: `for=192.0.2.60;proto=https;by=…`.
fn element(text: &str) -> Result<Forwarded> {
    let (mut ip, mut secure) = (None, None);
    for pair in at_unquoted(text, ';').into_iter().filter(|pair| !pair.is_empty()) {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| malformed(format!("Forwarded: `{pair}` is not of the form name=value")))?;
        let value = unquoted(value).ok_or_else(|| malformed(format!("Forwarded: `{value}` has invalid quotes")))?;
        let is_repeated = if name.eq_ignore_ascii_case("for") {
            let found =
                address(value).ok_or_else(|| malformed(format!("Forwarded: `{value}` is not an IP address")))?;
            ip.replace(found).is_some()
        } else if name.eq_ignore_ascii_case("proto") {
            secure.replace(one_protocol(value)?).is_some()
        } else {
            false
        };
        if is_repeated {
            return Err(malformed(format!("Forwarded: `{name}` is duplicated in one hop")));
        }
    }
    let ip = ip.ok_or_else(|| malformed(format!("Forwarded: `{text}` has no `for`")))?;
    Ok(Forwarded { ip, secure })
}

fn unquoted(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        // Addresses and protocols have no characters that need escapes.
        Some(rest) => rest.strip_suffix('"').filter(|inner| !inner.contains(['"', '\\'])),
        None => Some(value).filter(|value| !value.contains('"')),
    }
}

#[cfg(test)]
mod tests;
