//! Failures to authenticate, counted per source when they come in floods, so that nobody can fill the store.

use std::collections::HashMap;
use std::net::IpAddr;

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
        if self.sources.len() >= SOURCES {
            self.sources.retain(|_, count| count.window == window || count.suppressed > 0);
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
}
