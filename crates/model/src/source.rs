//! What requests are counted by when their callers are not known yet.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The network that a client's address is counted by: an IPv4 address, or the /64 of an IPv6 address.
///
/// Whoever has one IPv6 address has the whole /64 around it, so limits per address would limit nothing there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceNetwork(IpAddr);

impl SourceNetwork {
    /// The network of an address. An IPv4 address that is written as an IPv6 one counts as IPv4.
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
