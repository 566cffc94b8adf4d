//! Failures to authenticate, counted per source when they come in floods, so that nobody can fill the store.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use jiff::Timestamp;

/// Rows that one source may cause in one window.
const ROWS: u64 = 20;
/// Seconds in a window.
const WINDOW: i64 = 10;
/// Sources that are told apart; beyond that all share one count.
const SOURCES: usize = 10_000;

/// Decides which failures get a row of their own.
#[derive(Debug, Default)]
pub(crate) struct Flood {
    sources: HashMap<Option<IpAddr>, Count>,
    /// The window in which sources were last forgotten: looking for those who may be takes time.
    forgot: i64,
}

#[derive(Debug)]
struct Count {
    window: i64,
    seen: u64,
    suppressed: u64,
}

impl Flood {
    /// Whether a failure of `source` now gets a row, and how many it stands for beside itself.
    pub(crate) fn admit(&mut self, source: Option<IpAddr>, now: Timestamp) -> Option<u64> {
        let window = now.as_second().div_euclid(WINDOW);
        let source = source.map(network);
        if self.sources.len() >= SOURCES && self.forgot != window {
            self.forget(window);
        }
        let source = if self.sources.len() >= SOURCES && !self.sources.contains_key(&source) { None } else { source };
        let count = self.sources.entry(source).or_insert(Count { window, seen: 0, suppressed: 0 });
        if count.window != window {
            count.window = window;
            count.seen = 0;
        }
        count.seen += 1;
        if count.seen > ROWS {
            count.suppressed += 1;
            return None;
        }
        Some(std::mem::take(&mut count.suppressed))
    }

    /// Forgets the sources of former windows; what they still stand for is told with the count that all share.
    fn forget(&mut self, window: i64) {
        self.forgot = window;
        let mut untold = 0;
        self.sources.retain(|source, count| {
            let stays = source.is_none() || count.window == window;
            untold += if stays { 0 } else { count.suppressed };
            stays
        });
        if untold > 0 {
            let shared = self.sources.entry(None).or_insert(Count { window, seen: 0, suppressed: 0 });
            shared.suppressed += untold;
        }
    }
}

/// Who has one address of IPv6 has all of its network.
fn network(source: IpAddr) -> IpAddr {
    match source {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        IpAddr::V4(_) => source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_told_with_the_next_row() {
        let (mut flood, source) = (Flood::default(), Some(IpAddr::from([192, 0, 2, 1])));
        let at = |s| Timestamp::from_second(s).unwrap();
        let rows = (0..100).filter(|_| flood.admit(source, at(1000)).is_some()).count() as u64;
        assert_eq!(rows, ROWS);
        assert_eq!(flood.admit(Some([192, 0, 2, 2].into()), at(1000)), Some(0), "another source is not affected");
        assert_eq!(flood.admit(source, at(1000 + WINDOW)), Some(100 - ROWS));
        assert_eq!(flood.admit(source, at(1000 + WINDOW)), Some(0));
    }

    #[test]
    fn many_sources_are_forgotten_in_time_and_what_they_did_is_told() {
        let (mut flood, at) = (Flood::default(), |s| Timestamp::from_second(s).unwrap());
        let source = |n: u32| Some(IpAddr::V4(n.into()));
        for n in 0..SOURCES as u32 {
            let rows = (0..=ROWS).filter(|_| flood.admit(source(n), at(1000)).is_some()).count() as u64;
            assert_eq!(rows, ROWS);
        }
        assert_eq!(flood.admit(source(u32::MAX), at(1000)), Some(0), "one more shares a count");
        assert_eq!(flood.sources.len(), SOURCES + 1);
        assert_eq!(
            flood.admit(source(u32::MAX), at(1000 + WINDOW)),
            Some(0),
            "and has its own when others are forgotten"
        );
        assert_eq!(flood.sources.len(), 2);
        assert_eq!(flood.sources[&None].suppressed, SOURCES as u64, "nothing is lost");
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        let (mut flood, at) = (Flood::default(), Timestamp::from_second(1000).unwrap());
        let source = |n: u128| Some(IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 | n)));
        let rows = (0..100).filter(|n| flood.admit(source(*n), at).is_some()).count() as u64;
        assert_eq!(rows, ROWS);
        assert_eq!(flood.admit(source(1 << 64), at), Some(0), "the neighbour's is another");
    }
}
