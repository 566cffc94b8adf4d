//! The source of a request, by which requests are limited before the caller is authenticated.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The network of a client: an IPv4 address, or the /64 of an IPv6 address.
///
/// A client with one IPv6 address usually has its whole /64, so a limit per address would have no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceNetwork(IpAddr);

impl SourceNetwork {
    /// Returns the network of an address. An IPv4-mapped IPv6 address counts as IPv4.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => SourceNetwork(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into()),
            address @ IpAddr::V4(_) => SourceNetwork(address),
        }
    }
}

impl fmt::Display for SourceNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_counted_by_their_network() {
        let check = |address: &str, expected: &str| {
            assert_eq!(SourceNetwork::of(address.parse().unwrap()).to_string(), expected, "{address}");
        };
        check("192.0.2.1", "192.0.2.1");
        check("::ffff:192.0.2.1", "192.0.2.1");
        check("2001:db8:0:1:ffff::7", "2001:db8:0:1::/64");
        check("2001:db8:0:2::1", "2001:db8:0:2::/64");
        check("::1", "::/64");
    }
}
