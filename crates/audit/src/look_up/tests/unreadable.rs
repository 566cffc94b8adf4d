//! Look-ups in a trail with segments or indexes that cannot be read.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::Retention;
use crate::housekeeping::Task;
use crate::look_up::tail::Tail;
use crate::segments::segment_name;

/// How a segment becomes unreadable.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// Something else is in the place of the file.
    Replaced,
    /// The headers of a compressed file cannot be read.
    Headers,
    /// A member of a compressed file cannot be decompressed.
    Content,
}

/// A trail whose second segment is damaged.
struct Damaged {
    folder: TempDir,
    _segments: Segments,
    look_up: LookUp,
    records: Vec<Record>,
    second: u64,
    third: u64,
    file: PathBuf,
    whole: Vec<u8>,
}

impl Damaged {
    fn new(damage: Damage, is_indexed: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let (segments, look_up, records) = written(&folder);
        let starts = segment_starts(folder.path()).unwrap();
        let mut name = segment_name(starts[1]);
        if !matches!(damage, Damage::Replaced) {
            let (open, retention) = (*starts.last().unwrap(), Retention::default());
            let now = jiff::Timestamp::MIN;
            let task = Task { folder: folder.path().into(), open, covered: u64::MAX, retention, now };
            task.run(&AtomicBool::new(false)).unwrap();
            name.push_str(".gz");
        }
        if is_indexed {
            make_indexes(&look_up);
        }
        let file = folder.path().join(name);
        let whole = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        match damage {
            Damage::Replaced => fs::create_dir(&file).unwrap(),
            Damage::Headers => fs::write(&file, b"not gzip, but long enough for a header").unwrap(),
            Damage::Content => {
                let mut text = whole.clone();
                text[40..60].fill(0xff);
                fs::write(&file, text).unwrap();
            }
        }
        Damaged { second: starts[1], third: starts[2], folder, _segments: segments, look_up, records, file, whole }
    }

    /// The records of all segments but the damaged one.
    fn others(&self) -> Vec<Record> {
        let of = |sequence: u64| usize::try_from(sequence).unwrap() - 1;
        [&self.records[..of(self.second)], &self.records[of(self.third)..]].concat()
    }

    fn restore(&self) {
        // It may be a file.
        let _ = fs::remove_dir(&self.file);
        fs::write(&self.file, &self.whole).unwrap();
    }
}

fn all() -> impl Iterator<Item = (Damage, bool)> {
    let all = [Damage::Replaced, Damage::Headers, Damage::Content];
    all.into_iter().flat_map(|damage| [false, true].map(|is_indexed| (damage, is_indexed)))
}

/// A damaged segment failed every look-up; now only its records are missing, and the answer says so.
#[tokio::test]
async fn the_other_segments_are_searched() {
    for (damage, is_indexed) in all() {
        let trail = Damaged::new(damage, is_indexed);
        let others: BTreeSet<String> = trail.others().into_iter().map(|record| record.event_id).collect();
        for limit in [7, 50, 1_000] {
            let query = Query { limit, ..Query::default() };
            let found: BTreeSet<String> = pages(&trail.look_up, &query).await.into_iter().collect();
            assert_eq!(found, others, "{damage:?} {is_indexed} {limit}");
        }
        let page = trail.look_up.page("caller", &Query { limit: 1_000, ..Query::default() }).await.unwrap();
        assert_eq!(page.unreadable, [segment_name(trail.second)], "{damage:?} {is_indexed}");
        assert_eq!(trail.look_up.unreadable_segments(), 1);
        assert!(trail.look_up.begin("caller").await.unwrap().is_some());
    }
}

#[tokio::test]
async fn the_tail_goes_on_after_it() {
    for (damage, is_indexed) in all() {
        let trail = Damaged::new(damage, is_indexed);
        let query = Query { limit: 13, ..Query::default() };
        let (mut found, mut unreadable, mut after) = (Vec::new(), BTreeSet::new(), 0);
        loop {
            let tail: Tail = trail.look_up.tail("caller", &query, after).await.unwrap();
            found.extend(tail.events.iter().map(|event| event.values(Attribute::EventId).remove(0)));
            unreadable.extend(tail.unreadable);
            after = tail.last;
            if !tail.has_more {
                break;
            }
        }
        let others: Vec<String> = trail.others().into_iter().map(|record| record.event_id).collect();
        assert_eq!((found, after), (others, 300), "{damage:?} {is_indexed}");
        assert_eq!(unreadable, BTreeSet::from([segment_name(trail.second)]));
    }
}

/// Reports ask when the trail begins.
#[tokio::test]
async fn the_beginning_of_a_trail_that_cannot_be_read_is_not_known() {
    let folder = TempDir::new().unwrap();
    let (_segments, look_up, _) = written(&folder);
    let first = folder.path().join(segment_name(1));
    fs::remove_file(&first).unwrap();
    fs::create_dir(&first).unwrap();
    assert_eq!(look_up.begin("caller").await.unwrap(), None);
}

/// The indexes of the others are built, and the segment is searched again when it is restored.
#[tokio::test]
async fn a_restored_segment_is_read_again() {
    for (damage, is_indexed) in all() {
        let trail = Damaged::new(damage, is_indexed);
        let query = Query { limit: 1_000, ..Query::default() };
        trail.look_up.page("caller", &query).await.unwrap();
        trail.look_up.build_indexes().await.unwrap();
        assert_eq!(trail.look_up.unreadable_segments(), 1, "{damage:?} {is_indexed}");
        let starts = segment_starts(trail.folder.path()).unwrap();
        let has_index = |first: &u64| crate::index::index_path(trail.folder.path(), *first).exists();
        let without: Vec<u64> = starts[..starts.len() - 1].iter().copied().filter(|first| !has_index(first)).collect();
        assert!(without.is_empty() || without == [trail.second], "{damage:?} {is_indexed}: {without:?}");
        trail.restore();
        trail.look_up.build_indexes().await.unwrap();
        assert_eq!(trail.look_up.unreadable_segments(), 0);
        assert_eq!(pages(&trail.look_up, &query).await, expected(&trail.records, |_| true));
        assert_eq!(trail.look_up.page("caller", &query).await.unwrap().unreadable, [""; 0]);
    }
}

/// An index that names wrong lines was used as it is, and its segment read only if the page was full.
#[tokio::test]
async fn a_wrong_index_is_reported_and_built_again() {
    let (folder, (_segments, look_up, records)) = both().nth(1).unwrap();
    let starts = segment_starts(folder.path()).unwrap();
    // An index of the same length and last line, but of other lines before it.
    let path = folder.path().join(segment_name(starts[1]));
    let text = fs::read_to_string(&path).unwrap();
    let last = text.trim_end().rfind('\n').unwrap();
    fs::write(&path, text[..last].replace(OURS, OTHER) + &text[last..]).unwrap();
    let moved: BTreeSet<&String> = (starts[1]..starts[2] - 1)
        .map(|sequence| &records[usize::try_from(sequence).unwrap() - 1])
        .filter(|record| account_of(record) == OURS)
        .map(|record| &record.event_id)
        .collect();
    let of = |id| Query { account: Some(account(id)), limit: 1_000, ..Query::default() };
    assert_eq!(look_up.wrong_indexes(), 0);
    let ours = expected(&records, |r| account_of(r) == OURS && !moved.contains(&r.event_id));
    assert_eq!(pages(&look_up, &of(OURS)).await, ours);
    assert_eq!(look_up.wrong_indexes(), 1);
    let theirs = expected(&records, |r| account_of(r) == OTHER || moved.contains(&r.event_id));
    assert_eq!(pages(&look_up, &of(OTHER)).await, theirs, "read without an index");
    look_up.build_indexes().await.unwrap();
    assert_eq!(pages(&look_up, &of(OTHER)).await, theirs, "by the new index");
    assert_eq!(look_up.wrong_indexes(), 1);
}

/// A damaged file was built again without a word.
#[tokio::test]
async fn a_damaged_index_is_reported_once() {
    let (folder, (_segments, look_up, records)) = both().nth(1).unwrap();
    let starts = segment_starts(folder.path()).unwrap();
    fs::write(crate::index::index_path(folder.path(), starts[0]), b"x").unwrap();
    let again = LookUp::new(folder.path().into(), look_up.trail().1);
    let query = Query { limit: 1_000, ..Query::default() };
    for _ in 0..3 {
        assert_eq!(pages(&again, &query).await, expected(&records, |_| true));
        assert_eq!(again.wrong_indexes(), 1);
    }
}
