//! The disk that a store is on, and what must be remembered of it to continue after a failed write.
//!
//! A redb handle cannot be used after a failed operation. So a disk can be opened again, and [`TrackedDisk`] remembers
//! what the last successful sync left. An [`Overlay`] of this shows the store as it was then, without writing, whatever
//! happened to the file since.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use redb::StorageBackend;

use crate::folder;

/// The storage of a database: a file or, in tests, a disk that fails.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Opens the disk for reading and writing. Called again after each failure, while earlier handles may be open.
    ///
    /// # Errors
    /// The reason why it cannot be opened.
    fn open(&self) -> io::Result<Box<dyn StorageBackend>>;

    /// Drops cached data after a failed sync, because it may not be on the disk.
    fn drop_cache(&self) {}
}

/// A file. No lock is taken on it: the folder is locked.
#[derive(Debug)]
pub(crate) struct FileDisk(pub(crate) PathBuf);

impl Disk for FileDisk {
    fn open(&self) -> io::Result<Box<dyn StorageBackend>> {
        Ok(Box::new(FileIo(folder::private().open(&self.0)?)))
    }

    fn drop_cache(&self) {
        // After a sync that failed, the kernel takes pages for written that are not: they are read from the disk again.
        let dropped = folder::private()
            .open(&self.0)
            .and_then(|file| Ok(rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?));
        if let Err(error) = dropped {
            tracing::warn!(%error, "cannot drop the cached pages of the store");
        }
    }
}

/// A file that is never written: what redb writes when it opens, upgrades and closes it stays in memory.
#[derive(Debug)]
pub(crate) struct ReadOnlyDisk(pub(crate) PathBuf);

/// The most bytes that are kept in memory for a file that is never written.
const KEPT_BYTES: u64 = 64 << 20;

impl Disk for ReadOnlyDisk {
    fn open(&self) -> io::Result<Box<dyn StorageBackend>> {
        let file = FileIo(File::open(&self.0)?);
        let len = file.len()?;
        let mut head = vec![0; HEAD];
        file.read(0, &mut head[..HEAD.min(usize::try_from(len).unwrap_or(HEAD))])?;
        let mut overlay = Overlay::new(Box::new(file), Image { head, len });
        overlay.most_blocks = (KEPT_BYTES / BLOCK) as usize;
        Ok(Box::new(overlay))
    }
}

#[derive(Debug)]
pub(crate) struct FileIo(pub(crate) File);

impl StorageBackend for FileIo {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }
}

/// The part of a file that determines the current state: its first bytes.
const HEAD: usize = 4096;

/// How many parts that could not be read are remembered.
const MAX_UNREAD: usize = 64;

/// The tracked state of a disk.
#[derive(Debug)]
pub(crate) struct DiskTracker {
    disk: Arc<dyn StorageBackend>,
    /// Offset and length of parts that could not be read, for which redb received zeros instead.
    unread: Mutex<Vec<(u64, usize)>>,
    image: Mutex<Images>,
    /// How many syncs have left another head.
    head_changes: AtomicU64,
    sync_failed: AtomicBool,
    /// Set when the file is open: from then on its pages are not trusted.
    opened: AtomicBool,
}

#[derive(Debug, Default)]
struct Images {
    now: Image,
    durable: Image,
}

/// The beginning of a file, and its length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    head: Vec<u8>,
    len: u64,
}

impl DiskTracker {
    /// The number of syncs that changed the head of the file. A commit in redb first syncs the head with the new state
    /// next to the current one, and then writes which of them is current. So a commit that fails before this number
    /// changes has not taken effect.
    pub(crate) fn head_changes(&self) -> u64 {
        self.head_changes.load(Ordering::Acquire)
    }

    /// Whether a sync has failed.
    pub(crate) fn sync_failed(&self) -> bool {
        self.sync_failed.load(Ordering::Acquire)
    }

    /// Whether a part of the file could not be read since it was opened. redb keeps the zeros that it received instead in
    /// its cache until the file is opened again.
    pub(crate) fn read_failed(&self) -> bool {
        !self.unread().is_empty()
    }

    /// Whether every part that could not be read can be read now.
    pub(crate) fn is_readable_again(&self) -> bool {
        let unread = self.unread().clone();
        unread.into_iter().all(|(offset, len)| self.disk.read(offset, &mut vec![0; len]).is_ok())
    }

    fn add_unread(&self, offset: u64, len: usize) {
        // An offset beyond the file comes from a damaged page.
        let end = offset.saturating_add(len as u64);
        let mut unread = self.unread();
        if self.disk.len().is_ok_and(|file| file < end) || unread.len() == MAX_UNREAD {
            return;
        }
        unread.push((offset, len));
    }

    fn unread(&self) -> MutexGuard<'_, Vec<(u64, usize)>> {
        // The code that holds the lock cannot panic.
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The image that the last successful sync left, or that was found at the start.
    pub(crate) fn durable(&self) -> Image {
        self.images().durable.clone()
    }

    /// Marks the file as open.
    pub(crate) fn opened(&self) {
        self.opened.store(true, Ordering::Release);
    }

    fn images(&self) -> MutexGuard<'_, Images> {
        // The code that holds the lock cannot panic.
        self.image.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A disk that is being watched.
#[derive(Debug)]
pub(crate) struct TrackedDisk {
    inner: Arc<dyn StorageBackend>,
    tracker: Arc<DiskTracker>,
}

impl TrackedDisk {
    pub(crate) fn new(inner: Box<dyn StorageBackend>) -> io::Result<(Self, Arc<DiskTracker>)> {
        let inner = Arc::<dyn StorageBackend>::from(inner);
        let len = inner.len()?;
        let mut head = vec![0; HEAD];
        inner.read(0, &mut head[..HEAD.min(usize::try_from(len).unwrap_or(HEAD))])?;
        let image = Image { head, len };
        let tracker = Arc::new(DiskTracker {
            disk: inner.clone(),
            unread: Mutex::default(),
            image: Mutex::new(Images { now: image.clone(), durable: image }),
            head_changes: AtomicU64::new(0),
            sync_failed: AtomicBool::new(false),
            opened: AtomicBool::new(false),
        });
        Ok((TrackedDisk { inner, tracker: tracker.clone() }, tracker))
    }
}

impl StorageBackend for TrackedDisk {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let read = self.inner.read(offset, out);
        match read {
            // A failed read would end redb's handle, and a damaged page may refer to an offset beyond the file. Zeros
            // are not a valid page, so only this read fails.
            Err(error) if self.tracker.opened.load(Ordering::Acquire) => {
                tracing::error!(offset, %error, "a part of the store cannot be read");
                self.tracker.add_unread(offset, out.len());
                out.fill(0);
                Ok(())
            }
            read => read,
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)?;
        self.tracker.images().now.len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        // Pages may have been made from the zeros that stand for a part that could not be read.
        if self.tracker.read_failed() {
            return Err(io::Error::other("a part of the file cannot be read"));
        }
        // Read before the sync: writes during the sync may not be durable.
        let now = self.tracker.images().now.clone();
        if let Err(error) = self.inner.sync_data() {
            self.tracker.sync_failed.store(true, Ordering::Release);
            return Err(error);
        }
        let before = std::mem::replace(&mut self.tracker.images().durable, now.clone());
        if before.head != now.head {
            self.tracker.head_changes.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.inner.write(offset, data)?;
        if offset < HEAD as u64 {
            let from = offset as usize;
            let end = HEAD.min(from + data.len());
            self.tracker.images().now.head[from..end].copy_from_slice(&data[..end - from]);
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }
}

/// A disk with the content of an [`Image`]. Writes stay in memory.
#[derive(Debug)]
pub(crate) struct Overlay {
    below: Box<dyn StorageBackend>,
    above: Mutex<Above>,
    /// How many blocks are kept in memory.
    most_blocks: usize,
}

#[derive(Debug)]
struct Above {
    len: u64,
    blocks: BTreeMap<u64, Vec<u8>>,
}

const BLOCK: u64 = HEAD as u64;

impl Overlay {
    pub(crate) fn new(below: Box<dyn StorageBackend>, image: Image) -> Self {
        let above = Above { len: image.len, blocks: BTreeMap::from([(0, image.head)]) };
        Overlay { below, above: Mutex::new(above), most_blocks: usize::MAX }
    }

    fn above(&self) -> MutexGuard<'_, Above> {
        self.above.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads from the disk below; bytes beyond its end are zero.
    fn read_below(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let there = self.below.len()?.saturating_sub(offset);
        let there = out.len().min(usize::try_from(there).unwrap_or(usize::MAX));
        let (read, beyond) = out.split_at_mut(there);
        beyond.fill(0);
        if read.is_empty() { Ok(()) } else { self.below.read(offset, read) }
    }
}

/// The parts of `len` bytes at `offset`, block by block: the block, where in it they begin, and their place.
fn parts(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done as u64;
        let from = (at % BLOCK) as usize;
        let place = done..len.min(done + BLOCK as usize - from);
        done = place.end;
        (!place.is_empty()).then_some((at / BLOCK, from, place))
    })
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.above().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if offset + out.len() as u64 > self.above().len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_below(offset, out)?;
        let above = self.above();
        for (block, from, place) in parts(offset, out.len()) {
            if let Some(bytes) = above.blocks.get(&block) {
                let len = place.len();
                out[place].copy_from_slice(&bytes[from..from + len]);
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.above().len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut above = self.above();
        for (block, from, place) in parts(offset, data.len()) {
            let mut bytes = match above.blocks.remove(&block) {
                Some(bytes) => bytes,
                None if above.blocks.len() >= self.most_blocks => {
                    let why =
                        "it is only read, and its upgrade or repair does not fit into memory: start the server once";
                    return Err(io::Error::new(io::ErrorKind::StorageFull, why));
                }
                None => {
                    let mut bytes = vec![0; HEAD];
                    self.read_below(block * BLOCK, &mut bytes)?;
                    bytes
                }
            };
            bytes[from..from + place.len()].copy_from_slice(&data[place]);
            above.blocks.insert(block, bytes);
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.below.close()
    }
}

#[cfg(test)]
mod tests {
    use redb::backends::InMemoryBackend;

    use super::*;

    fn below(len: u64) -> InMemoryBackend {
        let below = InMemoryBackend::new();
        below.set_len(len).unwrap();
        for at in 0..len {
            below.write(at, &[(at / 100) as u8]).unwrap();
        }
        below
    }

    fn read(disk: &dyn StorageBackend, offset: u64, len: usize) -> Vec<u8> {
        let mut out = vec![9; len];
        disk.read(offset, &mut out).unwrap();
        out
    }

    #[test]
    fn an_overlay_shows_the_image_and_keeps_writes_in_memory() {
        let image = Image { head: vec![7; HEAD], len: 20_000 };
        let disk = Overlay::new(Box::new(below(10_000)), image);
        assert_eq!(disk.len().unwrap(), 20_000);
        assert_eq!(read(&disk, 4_090, 10), [7, 7, 7, 7, 7, 7, 40, 40, 40, 40]);
        assert_eq!(read(&disk, 9_999, 3), [99, 0, 0]);
        assert!(disk.read(19_999, &mut [0; 2]).is_err());
        disk.write(8_190, &[1; 4]).unwrap();
        disk.write(15_000, &[2; 9_000]).unwrap();
        assert_eq!(read(&disk, 8_189, 6), [81, 1, 1, 1, 1, 81]);
        assert_eq!(read(&disk, 14_999, 3), [0, 2, 2]);
        assert_eq!(read(&*disk.below, 8_189, 6), [81; 6]);
    }

    #[test]
    fn an_overlay_keeps_a_limited_number_of_blocks() {
        let mut disk = Overlay::new(Box::new(below(10_000)), Image { head: vec![7; HEAD], len: 20_000 });
        disk.most_blocks = 2;
        disk.write(8_000, &[1; 4]).unwrap();
        disk.write(4_100, &[1; 4]).unwrap();
        assert_eq!(disk.write(9_000, &[1; 4]).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_tracker_has_the_image_of_the_last_sync() {
        let (disk, tracker) = TrackedDisk::new(Box::new(below(10_000))).unwrap();
        disk.write(10, &[5; 5_000]).unwrap();
        disk.set_len(30_000).unwrap();
        assert_eq!((tracker.head_changes(), tracker.durable().len, tracker.durable().head[10]), (0, 10_000, 0));
        disk.sync_data().unwrap();
        disk.sync_data().unwrap();
        disk.write(10, &[6]).unwrap();
        let durable = tracker.durable();
        assert_eq!((tracker.head_changes(), durable.len, durable.head[10], durable.head[4_095]), (1, 30_000, 5, 5));
        assert!(disk.read(40_000, &mut [0; 2]).is_err());
        tracker.opened();
        assert_eq!(read(&disk, 40_000, 2), [0, 0]);
    }
}
