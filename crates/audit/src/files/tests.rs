use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use super::*;
use crate::disk::{Disk as _, FileSystem};
use crate::segments::{SegmentText, segment_name};
use crate::sinks::stored_sinks;
use crate::verify::{Expected, verify};

/// Puts something that is not a regular file in the place of one.
type Place = fn(&Path);

const PLACES: [(&str, Place); 5] = [
    ("FIFO", |path| mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap()),
    ("device", |path| symlink("/dev/zero", path).unwrap()),
    ("link", |path| {
        let other = path.with_extension("other");
        fs::write(&other, "{}\n").unwrap();
        symlink(other, path).unwrap();
    }),
    ("folder", |path| fs::create_dir(path).unwrap()),
    ("socket", |path| drop(UnixListener::bind(path).unwrap())),
];

fn is_refused<T>(what: &str, outcome: io::Result<T>) {
    let message = outcome.err().unwrap_or_else(|| panic!("a {what} was opened")).to_string();
    assert!(message.contains("not a regular file") || message.contains("longer than"), "{what}: {message}");
}

#[test]
fn only_regular_files_are_opened() {
    for (what, place) in PLACES {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("file");
        place(&path);
        is_refused(what, open(&path));
        is_refused(what, FileSystem.read_part(&path, 0, 10));
        if what != "folder" {
            is_refused(what, FileSystem.create(&path));
            is_refused(what, FileSystem.open(&path));
        }
    }
    assert_eq!(open(Path::new("/nowhere/at/all")).unwrap_err().kind(), io::ErrorKind::NotFound);
}

/// `audit verify` names the file as a fault and goes on; look-ups and `audit sinks` have an error.
#[test]
fn nothing_waits_for_a_file_that_is_not_regular() {
    for (what, place) in PLACES {
        for name in [segment_name(1), format!("{}.gz", segment_name(1)), crate::digest::FILE.to_owned()] {
            let folder = TempDir::new().unwrap();
            place(&folder.path().join(&name));
            let other = folder.path().join(segment_name(9));
            fs::write(&other, "{}\n").unwrap();
            let report = verify(folder.path(), &Expected::default(), &mut |_, _| {}).unwrap();
            let found = |file: &str, why: &str| {
                report.faults.iter().any(|fault| fault.file == file && fault.found.contains(why))
            };
            assert!(found(&name, "not a regular file"), "{what}: {:?}", report.faults);
            assert!(found(&segment_name(9), "not a record") || report.records == 1, "{what}: {:?}", report.faults);
            if name != crate::digest::FILE {
                is_refused(what, SegmentText::open(folder.path(), 1));
            }
        }
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("sinks")).unwrap();
        let path = folder.path().join("sinks/siem.json");
        place(&path);
        is_refused(what, stored_sinks(folder.path()));
    }
}

#[test]
fn a_long_file_of_a_sink_is_not_read() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("sinks")).unwrap();
    let path = folder.path().join("sinks/siem.json");
    File::create(&path).unwrap().set_len(1 << 40).unwrap();
    is_refused("long file", stored_sinks(folder.path()));
}
