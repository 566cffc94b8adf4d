//! Records in a file, one a line, that is renamed when it is full.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bailiwick_audit::{Batch, Deliver, DeliveryError};

/// The settings of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileSettings {
    pub(crate) path: PathBuf,
    /// The file is renamed before it gets larger than this.
    pub(crate) max_bytes: u64,
    /// How many renamed files there are at most: `.1` is the newest.
    pub(crate) keep: u32,
}

impl FileSettings {
    /// 100 MiB.
    pub(crate) const MAX_BYTES: u64 = 100 * 1024 * 1024;
    /// With the file itself, 1.1 GiB.
    pub(crate) const KEEP: u32 = 10;
}

/// A file that is written.
pub(super) struct FileSink {
    settings: FileSettings,
    /// Held while it is written: an attempt that was given up may still be at it.
    writing: Arc<Mutex<()>>,
}

impl FileSink {
    /// Opens the file once, to find mistakes.
    ///
    /// # Errors
    /// If it can't be written.
    pub(super) fn new(settings: FileSettings) -> Result<Self, String> {
        let shown = settings.path.display();
        open(&settings.path).map_err(|error| format!("cannot write {shown}: {error}"))?;
        Ok(FileSink { settings, writing: Arc::default() })
    }
}

#[async_trait]
impl Deliver for FileSink {
    async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError> {
        let (settings, text) = (self.settings.clone(), lines(batch));
        let path = settings.path.clone();
        let writing = Arc::clone(&self.writing);
        let write = move || {
            let _writing = writing.lock().unwrap_or_else(PoisonError::into_inner);
            append(&settings, &text)
        };
        let written = tokio::task::spawn_blocking(write).await.map_err(io::Error::other);
        written.and_then(|written| written).map_err(|error| DeliveryError::new(format!("{}: {error}", path.display())))
    }
}

/// The messages of a batch, one a line.
pub(super) fn lines(batch: &Batch) -> Vec<u8> {
    let mut text = Vec::with_capacity(batch.messages.iter().map(|message| message.body.len() + 1).sum());
    for message in &batch.messages {
        text.extend_from_slice(message.body.as_bytes());
        text.push(b'\n');
    }
    text
}

/// Appends whole lines durably. The file is opened each time: a program that rotates it may have renamed it.
fn append(settings: &FileSettings, text: &[u8]) -> io::Result<()> {
    let mut file = open(&settings.path)?;
    let mut len = whole_lines(&mut file)?;
    if len > 0 && len.saturating_add(text.len() as u64) > settings.max_bytes {
        drop(file);
        rotate(settings)?;
        (file, len) = (open(&settings.path)?, 0);
    }
    file.set_len(len)?;
    file.seek(SeekFrom::Start(len))?;
    let written = file.write_all(text).and_then(|()| file.sync_data());
    if written.is_err() {
        // What stays of a line is removed before the next attempt, at the latest.
        let _ = file.set_len(len);
    }
    written
}

fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(file)
}

/// The length without an incomplete line, as a crash leaves it.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    const PART: u64 = 64 * 1024;
    let mut end = file.metadata()?.len();
    loop {
        let begin = end.saturating_sub(PART);
        let mut part = Vec::new();
        file.seek(SeekFrom::Start(begin))?;
        Read::take(&mut *file, end - begin).read_to_end(&mut part)?;
        match part.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => return Ok(begin + at as u64 + 1),
            None if begin == 0 => return Ok(0),
            None => end = begin,
        }
    }
}

/// Renames the file, and those from before.
fn rotate(settings: &FileSettings) -> io::Result<()> {
    let numbered = |number: u32| {
        let mut name = settings.path.as_os_str().to_owned();
        if number > 0 {
            name.push(format!(".{number}"));
        }
        PathBuf::from(name)
    };
    let ignore_missing = |done: io::Result<()>| match done {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    ignore_missing(fs::remove_file(numbered(settings.keep)))?;
    for number in (0..settings.keep).rev() {
        ignore_missing(fs::rename(numbered(number), numbered(number + 1)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(folder: &Path, max_bytes: u64, keep: u32) -> FileSettings {
        FileSettings { path: folder.join("out.jsonl"), max_bytes, keep }
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_full_file_is_renamed_and_the_oldest_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), 10, 2);
        for text in ["one\n", "two\n", "three\n", "four\n", "five\n", "a line that is longer\n", "seven\n"] {
            append(&settings, text.as_bytes()).unwrap();
        }
        let names = |ending: &str| folder.path().join(format!("out.jsonl{ending}"));
        assert_eq!(read(&names("")), "seven\n");
        assert_eq!(read(&names(".1")), "a line that is longer\n");
        assert_eq!(read(&names(".2")), "four\nfive\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn without_older_files_the_full_one_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), 8, 0);
        for text in ["one\n", "two\n", "three\n"] {
            append(&settings, text.as_bytes()).unwrap();
        }
        assert_eq!(read(&settings.path), "three\n");
    }

    #[test]
    fn an_incomplete_line_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), 1 << 20, 1);
        let long = "x".repeat(200_000);
        for (torn, kept) in [(format!("one\n{long}"), "one\n"), (long, ""), ("one\n".to_owned(), "one\n")] {
            fs::write(&settings.path, torn).unwrap();
            append(&settings, b"two\n").unwrap();
            assert_eq!(read(&settings.path), format!("{kept}two\n"));
        }
    }

    #[test]
    fn what_is_not_a_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), "/dev/null".into(), folder.path().join("none/out")] {
            assert!(FileSink::new(FileSettings { path, max_bytes: 10, keep: 1 }).is_err());
        }
    }
}
