use std::fs;

use tempfile::TempDir;

use super::*;
use crate::index::layout::LinePlace;

/// A table of these keys, which are ascending, after some events. The row of a key names its place in the table.
struct Table {
    folder: TempDir,
    header: Header,
    checksums: Vec<u32>,
}

impl Table {
    fn of(keys: &[Key], events: u32) -> Self {
        let mut body = vec![0; events as usize * EVENT];
        for (at, key) in keys.iter().enumerate() {
            Row { key: *key, len: 1, at: at as u32 }.write(&mut body);
        }
        let header = Header {
            first: 1,
            text_len: 0,
            last: LinePlace::default(),
            last_sha256: [0; 32],
            events,
            keys: keys.len() as u32,
            postings: 0,
            min_time: 0,
            max_time: 0,
        };
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("body"), &body).unwrap();
        Table { folder, header, checksums: body.chunks(BLOCK).map(crc32fast::hash).collect() }
    }

    fn open(&self) -> Body<'_> {
        Body::open(&self.folder.path().join("body"), 0, &self.header, &self.checksums).unwrap()
    }
}

/// Numbers that are spread as hashes are.
fn spread(count: u64) -> Vec<Key> {
    let mut keys: Vec<Key> = (0..count).map(|number| super::super::key_of(&number.to_be_bytes())).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn every_key_is_found_and_no_other() {
    let check = |keys: &[Key], every: usize| {
        for events in [0, 1, 2, 3, 819, 5_000] {
            let table = Table::of(keys, events);
            let mut body = table.open();
            let mut find = |key| body.find(key).unwrap().map(|row| row.at);
            for (at, key) in keys.iter().enumerate().step_by(every) {
                assert_eq!(find(*key), Some(at as u32), "{at} of {} keys, {events} events", keys.len());
                for other in [key.wrapping_sub(1), key.wrapping_add(1)] {
                    let expected = keys.binary_search(&other).ok().map(|at| at as u32);
                    assert_eq!(find(other), expected);
                }
            }
            for other in [0, u64::MAX] {
                let expected = keys.binary_search(&other).ok().map(|at| at as u32);
                assert_eq!(find(other), expected);
            }
        }
    };
    check(&[], 1);
    check(&[7], 1);
    check(&[0, u64::MAX], 1);
    check(&spread(1_500), 1);
    check(&spread(50_000), 97);
    // No hashes have these values, unless names are chosen for their hashes.
    check(&(0..20_000).collect::<Vec<_>>(), 41);
    check(&(u64::MAX - 20_000..=u64::MAX).collect::<Vec<_>>(), 41);
    check(&[(0..9_000).collect::<Vec<_>>(), (u64::MAX - 9_000..=u64::MAX).collect()].concat(), 41);
}

#[test]
fn few_blocks_are_read() {
    let blocks = |keys: &[Key], sought: &[Key]| {
        let table = Table::of(keys, 3);
        let read = |key: &Key| {
            let mut body = table.open();
            assert!(body.find(*key).unwrap().is_some());
            body.blocks.len()
        };
        sought.iter().map(read).collect::<Vec<_>>()
    };
    let keys = spread(150_000);
    let read = blocks(&keys, &keys.iter().copied().step_by(379).collect::<Vec<_>>());
    assert!(read.iter().sum::<usize>() * 2 < read.len() * 3, "more than 1.5 blocks each: {read:?}");
    // All keys are far from their expected places.
    let keys: Vec<Key> = (0..150_000).collect();
    let read = blocks(&keys, &keys.iter().copied().step_by(379).collect::<Vec<_>>());
    assert!(read.iter().all(|blocks| *blocks < 16), "{read:?}");
}
