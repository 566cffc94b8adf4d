//! Addresses and ranges of addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    V4 { address: u32, mask: u32 },
    V6 { address: u128, mask: u128 },
}

impl Network {
    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or a lone address. Bits behind the prefix are ignored. A range within the
    /// IPv6 addresses that stand for IPv4 ones (`::ffff:0:0/96`) is the IPv4 range that it stands for.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => {
                let digits = (1..=3).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_digit());
                (address, Some(prefix.parse::<u32>().ok().filter(|_| digits)?))
            }
        };
        match address.parse().ok()? {
            IpAddr::V4(address) => Self::v4(address, prefix.unwrap_or(32)),
            IpAddr::V6(address) => {
                let prefix = prefix.unwrap_or(128);
                match address.to_ipv4_mapped() {
                    Some(v4) if (96..=128).contains(&prefix) => Self::v4(v4, prefix - 96),
                    _ => Self::v6(address, prefix),
                }
            }
        }
    }

    fn v4(address: Ipv4Addr, prefix: u32) -> Option<Self> {
        let mask = match prefix {
            0 => 0,
            1..=32 => u32::MAX << (32 - prefix),
            _ => return None,
        };
        Some(Self::V4 { address: address.to_bits() & mask, mask })
    }

    fn v6(address: Ipv6Addr, prefix: u32) -> Option<Self> {
        let mask = match prefix {
            0 => 0,
            1..=128 => u128::MAX << (128 - prefix),
            _ => return None,
        };
        Some(Self::V6 { address: address.to_bits() & mask, mask })
    }

    /// Whether an address lies in the range. The other family never does; an IPv6 address that stands for an IPv4 one
    /// is that one.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self, address.to_canonical()) {
            (Self::V4 { address, mask }, IpAddr::V4(other)) => other.to_bits() & mask == *address,
            (Self::V6 { address, mask }, IpAddr::V6(other)) => other.to_bits() & mask == *address,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_their_addresses() {
        for (network, address, expected) in [
            ("203.0.113.0/24", "203.0.113.7", true),
            ("203.0.113.99/24", "203.0.113.7", true),
            ("203.0.113.0/25", "203.0.113.128", false),
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7/32", "203.0.113.8", false),
            ("0.0.0.0/0", "255.1.2.3", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "1.2.3.4", false),
            ("::/0", "::ffff:1.2.3.4", false),
            ("::/0", "2001:db8::1", true),
            ("2001:DB8::/32", "2001:db8:ffff::9", true),
            ("2001:db8::/33", "2001:db8:8000::", false),
            ("2001:db8::1", "2001:db8:0:0:0:0:0:1", true),
            ("203.0.113.0/24", "::ffff:203.0.113.7", true),
            ("::ffff:203.0.113.0/120", "203.0.113.7", true),
            ("::ffff:0:0/96", "203.0.113.7", true),
            ("::ffff:0:0/96", "::ffff:203.0.113.7", true),
            ("::ffff:0:0/95", "203.0.113.7", false),
        ] {
            let network = Network::parse(network).unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), expected, "{network:?} {address}");
        }
    }

    #[test]
    fn what_is_no_range_is_none() {
        for text in [
            "",
            "/",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "10.0.0",
            "10.0.0.256",
            "010.0.0.1",
            "10.0.0.0/255.0.0.0",
            "::/129",
            "fe80::1%eth0",
            "*",
            "10.*",
            " 10.0.0.1",
            "::g",
            "1.2.3.4/0032",
        ] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
