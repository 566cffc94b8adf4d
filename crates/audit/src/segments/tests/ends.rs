//! Where the segments end when files are missing, empty or forged.

use super::*;
use crate::compressed::compress;

/// Writes records 1 to 6 into segments of two each and returns where they end.
fn trail(folder: &TempDir) -> Checkpoint {
    let mut segments = open(folder, 1, None);
    let ends = (0..3).map(|batch| segments.append(&[record(2 * batch), record(2 * batch + 1)]).unwrap());
    ends.last().unwrap()
}

fn path(folder: &TempDir, first: u64) -> PathBuf {
    folder.path().join(segment_name(first))
}

fn pack(folder: &TempDir, first: u64) {
    let (plain, mut packed) = (path(folder, first), Vec::new());
    compress(fs::read(&plain).unwrap().as_slice(), &mut packed).unwrap();
    fs::write(plain.with_extension("jsonl.gz"), packed).unwrap();
    fs::remove_file(plain).unwrap();
}

/// The new line of a segment, and the hash of the line before, which it names.
fn appended(segments: &mut Segments, folder: &TempDir) -> (u64, String) {
    let end = segments.append(&[record(9)]).unwrap();
    let text = SegmentText::open(folder.path(), end.first).and_then(|mut text| text.read(0..end.bytes)).unwrap();
    let line: Value =
        serde_json::from_slice(text.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap()).unwrap();
    (line["sequence"].as_u64().unwrap(), line["previousSha256"].as_str().unwrap().to_owned())
}

#[test]
fn writing_continues_after_a_compressed_segment() {
    let contents: [(&str, Option<&[u8]>); 4] =
        [("missing", None), ("empty", Some(b"")), ("half a line", Some(b"{\"event")), ("zeros", Some(&[0; 3_000_000]))];
    for (what, content) in contents {
        let folder = TempDir::new().unwrap();
        let end = trail(&folder);
        let last = hash::of(fs::read_to_string(path(&folder, 3)).unwrap().lines().last().unwrap().as_bytes());
        [1, 3].iter().for_each(|first| pack(&folder, *first));
        fs::remove_file(path(&folder, 5)).unwrap();
        if let Some(content) = content {
            fs::write(path(&folder, 5), content).unwrap();
        }
        let mut segments = open(&folder, 1 << 20, None);
        assert_eq!(appended(&mut segments, &folder), (5, last), "{what}");
        assert_eq!(ids(folder.path()), expected([0, 1, 2, 3, 9]), "{what}");
        fs::remove_file(path(&folder, 5)).unwrap();
        if let Some(content) = content {
            fs::write(path(&folder, 5), content).unwrap();
        }
        // The store knows of more.
        let mut segments = open(&folder, 1 << 20, Some(&end));
        assert!(segments.ids_after(Some(&end)).unwrap().is_empty());
        assert!(!segments.contradicts(&end).unwrap());
        assert_eq!(appended(&mut segments, &folder), (7, end.hash), "{what}");
        assert!(
            path(&folder, 7).exists() && segments.spans(4).unwrap().iter().any(|span| span.name == segment_name(7))
        );
    }
}

/// It can't be read, but writing goes on.
#[test]
fn a_damaged_compressed_segment_is_left_behind() {
    for content in [&b""[..], b"rubbish", b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x0c\0BW\x08\0\xff\xff\0\0\0\0\0\0"] {
        let folder = TempDir::new().unwrap();
        let end = trail(&folder);
        [1, 3, 5].iter().for_each(|first| pack(&folder, *first));
        let damaged = path(&folder, 5).with_extension("jsonl.gz");
        fs::write(&damaged, content).unwrap();
        for (checkpoint, expected) in [(None, 6), (Some(&end), 7)] {
            let mut segments = open(&folder, 1 << 20, checkpoint);
            assert!(segments.committed_after(checkpoint).unwrap().is_empty());
            let first = segments.append(&[record(9)]).unwrap().first;
            assert_eq!(first, expected);
            assert!(!segments.spans(4).unwrap().is_empty());
            fs::remove_file(path(&folder, first)).unwrap();
        }
        assert_eq!(fs::read(&damaged).unwrap(), content, "never changed");
    }
}

#[test]
fn an_error_names_the_file() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(path(&folder, 1)).unwrap();
    let error = Segments::open(folder.path(), Arc::new(FileSystem), 1_000, None).err().unwrap();
    assert!(error.to_string().contains("/audit-00000000000000000001.jsonl: "), "{error}");
}

/// Numbers that no writer reaches are not believed, in lines and in names of files.
#[test]
fn a_forged_number_is_damage() {
    for forged in [u64::MAX, u64::MAX - 1, 1 << 63, 7_000_000, 1, 0] {
        let folder = TempDir::new().unwrap();
        let end = trail(&folder);
        let text = fs::read_to_string(path(&folder, 5)).unwrap();
        fs::write(path(&folder, 5), text.replace("\"sequence\":6,", &format!("\"sequence\":{forged},"))).unwrap();
        let mut segments = open(&folder, 1 << 20, Some(&end));
        let (sequence, _) = appended(&mut segments, &folder);
        // The number of a damaged line is counted generously.
        assert!((7..10).contains(&sequence), "{forged}: {sequence}");
        assert!(path(&folder, sequence).exists(), "a new segment");
        drop(segments);
        let again = open(&folder, 1 << 20, None).append(&[record(10)]).unwrap();
        assert_eq!(again.sequence, sequence + 1);
    }
}

#[test]
fn a_file_with_a_forged_number_is_left_behind() {
    for forged in [u64::MAX, u64::MAX - 1, 1 << 63, 0] {
        let folder = TempDir::new().unwrap();
        trail(&folder);
        let (name, line) = (path(&folder, forged), format!("{{\"eventID\":\"1\",\"sequence\":{forged}}}\n"));
        fs::write(&name, &line).unwrap();
        let mut segments = open(&folder, 1 << 20, None);
        assert_eq!(appended(&mut segments, &folder).0, 7, "{forged}");
        let names: Vec<String> = segments.spans(0).unwrap().into_iter().map(|span| span.name).collect();
        assert_eq!(names, [1, 3, 5].map(segment_name), "no digest signs it");
        assert_eq!(fs::read_to_string(&name).unwrap(), line);
    }
}

/// The last number there is: the writer says so, without a panic.
#[test]
fn numbers_end_with_an_error() {
    let folder = TempDir::new().unwrap();
    let end = Checkpoint { sequence: u64::MAX - 1, hash: FIRST_HASH.to_owned(), ..Checkpoint::default() };
    let mut segments = open(&folder, 1 << 20, Some(&end));
    assert_eq!(segments.append(&[record(1)]).unwrap().sequence, u64::MAX);
    assert!(segments.append(&[record(2)]).unwrap_err().to_string().contains("sequence number"));
}
