//! The disk that contains the segments, as a trait, so that tests can simulate failures.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::files;

/// Folders and files.
pub(crate) trait Disk: Send + Sync {
    /// Creates a folder that only its owner can read, unless it exists.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// The names of the files in a folder.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// The length of a file.
    fn len(&self, path: &Path) -> io::Result<u64>;
    /// A file's content from a byte on.
    fn read(&self, path: &Path, from: u64) -> io::Result<Vec<u8>>;
    /// At most so many bytes of a file from a byte on; fewer at its end.
    fn read_part(&self, path: &Path, from: u64, bytes: u64) -> io::Result<Vec<u8>>;
    /// Creates an empty file that only its owner can read, and makes its name durable. An empty file may exist.
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>>;
    /// Opens a file for appending.
    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>>;
}

/// A file that grows at its end.
pub(crate) trait SegmentFile: Send + Sync {
    /// Writes at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns when all that was written is on the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Shortens the file, durably.
    fn truncate(&mut self, bytes: u64) -> io::Result<()>;
}

/// The file system.
pub(crate) struct FileSystem;

impl Disk for FileSystem {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        path.parent().map_or(Ok(()), sync_folder)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        Ok(fs::metadata(path)?.len())
    }

    fn read(&self, path: &Path, from: u64) -> io::Result<Vec<u8>> {
        let mut file = files::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn read_part(&self, path: &Path, from: u64, bytes: u64) -> io::Result<Vec<u8>> {
        let mut file = files::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut part = Vec::new();
        file.take(bytes).read_to_end(&mut part)?;
        Ok(part)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        let file = files::open_with(path, OpenOptions::new().create(true).append(true).mode(0o600))?;
        if file.metadata()?.len() > 0 {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is there already", path.display())));
        }
        file.sync_all()?;
        path.parent().map_or(Ok(()), sync_folder)?;
        Ok(Box::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(files::open_with(path, OpenOptions::new().append(true))?))
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

impl SegmentFile for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }

    fn truncate(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)?;
        self.sync_all()
    }
}
