use std::fs;

use bailiwick_model::AccountId;
use tempfile::TempDir;

use super::postings::{Ranks, decode, encode, most_bytes};
use super::*;
use crate::look_up::tests::written;
use crate::query::{Hit, Newest};
use crate::segments::{SegmentText, segment_starts};

#[test]
fn sets_are_read_as_they_are_written() {
    let check = |ranks: Vec<u32>, count: u32| {
        let mut bytes = vec![7];
        encode(&ranks, count, &mut bytes);
        assert!(bytes.len() - 1 <= most_bytes(ranks.len() as u32, count));
        let read = decode(&bytes[1..], ranks.len() as u32, count).unwrap();
        let mut descending: Vec<u32> = read.descending(count).collect();
        descending.reverse();
        assert_eq!(descending, ranks);
    };
    for count in [1, 2, 63, 64, 65, 1_000, 70_000] {
        for step in [1, 2, 7, 100, 5_000] {
            check((0..count).step_by(step).collect(), count);
            check((count / 2..count).step_by(step).collect(), count);
        }
    }
}

#[test]
fn damaged_sets_are_refused() {
    assert_eq!(decode(&[], 2, 100), None);
    assert_eq!(decode(&[1; 12], 60, 100), None, "too short for its bits");
    assert_eq!(decode(&[99, 1], 2, 100), None, "beyond the last event");
    assert_eq!(decode(&[0xff; 20], 2, 100), None);
}

#[test]
fn the_greatest_ranks_come_first() {
    let ranks = Ranks::all(130);
    assert_eq!(ranks.descending(130).collect::<Vec<_>>(), (0..130).rev().collect::<Vec<_>>());
    assert_eq!(ranks.descending(65).collect::<Vec<_>>(), (0..65).rev().collect::<Vec<_>>());
    assert_eq!(ranks.descending(0).count(), 0);
}

/// A segment of the tests of look-up, with its index.
fn indexed() -> (TempDir, u64, SegmentText) {
    let folder = TempDir::new().unwrap();
    drop(written(&folder));
    let first = segment_starts(folder.path()).unwrap()[1];
    let mut text = SegmentText::open(folder.path(), first).unwrap();
    let (mut builder, end) = (Builder::new(first), text.len());
    builder.catch_up(&mut text, end).unwrap();
    IndexFile::write(folder.path(), first, &builder).unwrap();
    (folder, first, text)
}

fn found(index: &IndexFile) -> std::io::Result<Vec<Hit>> {
    let query = Query { account: AccountId::parse("111122223333").ok(), ..Query::default() };
    let mut newest = Newest::new(10);
    index.search(&key_sets(&query).unwrap(), &query, &mut newest)?;
    Ok(newest.into_sorted().collect())
}

/// Whatever byte changes, the index finds the same, or is known to be damaged.
#[test]
fn damage_is_recognized() {
    let (folder, first, mut text) = indexed();
    let path = index_path(folder.path(), first);
    let whole = fs::read(&path).unwrap();
    let expected = found(&IndexFile::open(folder.path(), first, &mut text).unwrap()).unwrap();
    assert_eq!(expected.len(), 10);
    let mut refused = 0;
    for at in (0..whole.len()).step_by(37) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x41;
        fs::write(&path, damaged).unwrap();
        match IndexFile::open(folder.path(), first, &mut text).and_then(|index| found(&index)) {
            Ok(same) => assert_eq!(same, expected, "{at}"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 10, "{refused}");
    for len in (0..whole.len()).step_by(53) {
        fs::write(&path, &whole[..len]).unwrap();
        assert!(IndexFile::open(folder.path(), first, &mut text).is_err());
    }
}

#[test]
fn the_index_of_another_segment_is_refused() {
    let (folder, first, mut text) = indexed();
    let other = segment_starts(folder.path()).unwrap()[2];
    let mut other_text = SegmentText::open(folder.path(), other).unwrap();
    fs::copy(index_path(folder.path(), first), index_path(folder.path(), other)).unwrap();
    assert!(IndexFile::open(folder.path(), first, &mut text).is_ok());
    assert!(IndexFile::open(folder.path(), other, &mut other_text).is_err());
    assert!(IndexFile::open(folder.path(), first, &mut other_text).is_err());
}

#[test]
fn indexes_without_a_segment_are_removed() {
    let (folder, first, _) = indexed();
    fs::write(folder.path().join("audit-00000000000000000077.index"), "").unwrap();
    fs::write(folder.path().join("audit-00000000000000000001.index.new"), "").unwrap();
    fs::write(folder.path().join("notes.index"), "").unwrap();
    remove_orphans(folder.path()).unwrap();
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let mut names: Vec<_> = names.iter().filter_map(|name| name.to_str().filter(|n| n.contains("index"))).collect();
    names.sort_unstable();
    assert_eq!(names, [&*format!("audit-{first:020}.index"), "notes.index"]);
}
