//! IP addresses and ranges.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::ValueError;

/// Parses an IPv4 or IPv6 address, without a zone.
#[must_use]
pub fn parse_address(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

/// A range of addresses of one family, or a single address.
///
/// IPv6 addresses that stand for IPv4 addresses (`::ffff:0:0/96`) are those IPv4 addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpRange {
    address: IpAddr,
    prefix: u8,
}

impl IpRange {
    /// Parses `10.0.0.0/8`, `2001:db8::/32`, or a single address.
    ///
    /// ```
    /// # use bailiwick_policy_lang::value::IpRange;
    /// let range = IpRange::parse("203.0.113.99/24").unwrap();
    /// assert!(range.contains("203.0.113.7".parse().unwrap()));
    /// assert_eq!(range.network().to_string(), "203.0.113.0/24");
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => {
                let is_short = (1..=3).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_digit());
                (address, Some(prefix.parse::<u16>().ok().filter(|_| is_short)?))
            }
        };
        let address = parse_address(address)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = u8::try_from(prefix.unwrap_or(longest)).ok().filter(|&prefix| u16::from(prefix) <= longest)?;
        Some(match address {
            IpAddr::V6(v6) if prefix >= 96 => match v6.to_ipv4_mapped() {
                Some(v4) => Self { address: v4.into(), prefix: prefix - 96 },
                None => Self { address, prefix },
            },
            _ => Self { address, prefix },
        })
    }

    /// The address as it was written, including the bits after the prefix.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The number of leading bits that all addresses of the range share.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// The same range with the bits after the prefix cleared.
    #[must_use]
    pub fn network(&self) -> Self {
        let address = match self.address {
            IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & self.mask_v4()).into(),
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & self.mask_v6()).into(),
        };
        Self { address, prefix: self.prefix }
    }

    /// Returns whether an address lies in the range. An address of the other family does not.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.covers(address.to_canonical())
    }

    fn covers(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()) & self.mask_v4() == 0,
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()) & self.mask_v6() == 0,
            _ => false,
        }
    }

    /// Returns whether every address of this range lies in `outer`.
    #[must_use]
    pub fn is_within(&self, outer: &Self) -> bool {
        self.prefix >= outer.prefix && outer.covers(self.address)
    }

    fn mask_v4(&self) -> u32 {
        u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0)
    }

    fn mask_v6(&self) -> u128 {
        u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0)
    }
}

impl FromStr for IpRange {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        Self::parse(text).ok_or(ValueError { expected: "an address or a range such as `198.51.100.0/24`" })
    }
}

/// Prints an address and its prefix length: `10.0.0.0/8`.
impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_their_addresses() {
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
            let network = IpRange::parse(network).unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), expected, "{network:?} {address}");
        }
    }

    #[test]
    fn other_texts_do_not_parse() {
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
            assert_eq!(IpRange::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_lie_within_one_another() {
        let range = |text| IpRange::parse(text).unwrap();
        assert_eq!(range("10.1.2.3/8").network(), range("10.0.0.0/8"));
        assert_eq!(range("10.1.2.3/0").network(), range("0.0.0.0/0"));
        assert_eq!(range("2001:db8::1/32").network().to_string(), "2001:db8::/32");
        for (inner, outer, expected) in [
            ("10.1.0.0/16", "10.0.0.0/8", true),
            ("10.0.0.0/8", "10.1.0.0/16", false),
            ("11.0.0.0/16", "10.0.0.0/8", false),
            ("::/96", "0.0.0.0/0", false),
            ("1.2.3.4", "0.0.0.0/0", true),
            ("::ffff:10.1.2.3", "10.0.0.0/8", true),
            ("::ffff:0:0/95", "::/0", true),
        ] {
            assert_eq!(range(inner).is_within(&range(outer)), expected, "{inner} {outer}");
        }
    }
}
