//! Files that hold a secret: written atomically, readable by their owner only.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

/// How long other processes that write the same file are waited for, and the pause between two attempts.
const WAIT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(10);

/// Writes a new file durably, with this mode.
///
/// It appears under its name only when it is complete. A crash leaves a temporary file, which the next attempt
/// replaces. Processes that write the same file at once do so one after the other.
///
/// # Errors
/// `AlreadyExists` when the path exists, even as a dangling link; `ResourceBusy` while others write it; errors of the system.
pub(crate) fn create(path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
    write(path, mode, content, |from, to| move_to_free_name(from, to).map(|()| true)).map(drop)
}

/// Writes a file durably, with this mode, in place of what has its name. A link is replaced, not followed.
///
/// The name always stands for the complete old content or the complete new one.
///
/// # Errors
/// `ResourceBusy` while others write it; errors of the system, such as when the path is a folder.
pub(crate) fn replace(path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
    replace_if(path, mode, content, || true).map(drop)
}

/// As [`replace`], if a condition holds just before. No other process that uses these functions writes the file in between.
/// Returns whether the file was replaced.
///
/// # Errors
/// As [`replace`].
pub(crate) fn replace_if(path: &Path, mode: u32, content: &[u8], condition: impl FnOnce() -> bool) -> io::Result<bool> {
    write(path, mode, content, |from, to| if condition() { fs::rename(from, to).map(|()| true) } else { Ok(false) })
}

/// `move_to` returns whether it has moved the file.
fn write(
    path: &Path,
    mode: u32,
    content: &[u8],
    move_to: impl FnOnce(&Path, &Path) -> io::Result<bool>,
) -> io::Result<bool> {
    let unfinished = with_ending(path, ".new");
    let mut out = own(&unfinished, mode)?;
    let written = out.write_all(content).and_then(|()| out.sync_all());
    let moved = written.and_then(|()| move_to(&unfinished, path));
    if !matches!(moved, Ok(true)) {
        // The first error is the one to report.
        let _ = fs::remove_file(&unfinished);
    }
    // Its lock ends here.
    drop(out);
    if !moved? {
        return Ok(false);
    }
    // The directory entry must be durable too.
    sync_folder_of(path)?;
    Ok(true)
}

/// A new file that is written piece by piece, and appears under its name only when it is complete.
pub(crate) struct NewFile {
    out: File,
    path: PathBuf,
    unfinished: PathBuf,
    is_finished: bool,
}

impl NewFile {
    /// Begins.
    ///
    /// # Errors
    /// As [`create`].
    pub(crate) fn create(path: &Path, mode: u32) -> io::Result<Self> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let unfinished = with_ending(path, ".new");
        let out = own(&unfinished, mode)?;
        Ok(NewFile { out, path: path.to_owned(), unfinished, is_finished: false })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// Errors of the system.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }

    /// Makes the file durable under its name.
    ///
    /// # Errors
    /// As [`create`].
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.out.sync_all()?;
        move_to_free_name(&self.unfinished, &self.path)?;
        self.is_finished = true;
        sync_folder_of(&self.path)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_finished {
            // The error that ended it is the one to report.
            let _ = fs::remove_file(&self.unfinished);
        }
    }
}

/// Makes the names in the folder of a file durable.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Creates an unfinished file and locks it, so that no other process writes or removes it. One that is left by a process
/// that has ended is replaced.
fn own(unfinished: &Path, mode: u32) -> io::Result<File> {
    let begun = Instant::now();
    while begun.elapsed() < WAIT {
        match OpenOptions::new().write(true).create_new(true).mode(mode).open(unfinished) {
            // Another process may have locked it first, in order to remove it.
            Ok(file) if !is_locked(&file) && is_at(&file, unfinished) => return Ok(file),
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        match OpenOptions::new().read(true).custom_flags(flags).open(unfinished) {
            Ok(left) if is_locked(&left) => std::thread::sleep(PAUSE),
            // The lock is kept while it is removed.
            Ok(left) if is_at(&left, unfinished) => remove(unfinished)?,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            // A link, or a file of others.
            Err(_) => remove(unfinished)?,
        }
    }
    Err(io::Error::new(ErrorKind::ResourceBusy, format!("another process writes {}", unfinished.display())))
}

/// Whether another process has locked the file. Otherwise this one locks it, if the file system has locks.
fn is_locked(file: &File) -> bool {
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Whether the file is the one of this name.
fn is_at(file: &File, path: &Path) -> bool {
    let same = |found: fs::Metadata, open: fs::Metadata| (found.dev(), found.ino()) == (open.dev(), open.ino());
    fs::symlink_metadata(path).and_then(|found| Ok(same(found, file.metadata()?))).unwrap_or(false)
}

/// Removes a file, if it exists.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn move_to_free_name(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Not every file system can do this in one step.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        done => done.map_err(io::Error::from),
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_file_is_whole_private_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        // Left by an interrupted attempt.
        fs::write(folder.path().join("secret.new"), "half").unwrap();
        create(&path, 0o400, b"whole").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o400);
        let again = create(&path, 0o600, b"other").unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("secret"), folder.path().join("victim"));
        symlink(&victim, &path).unwrap();
        symlink(&victim, folder.path().join("secret.new")).unwrap();
        assert_eq!(create(&path, 0o600, b"s").unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert!(!victim.exists());
        fs::remove_file(&path).unwrap();
        create(&path, 0o600, b"s").unwrap();
        assert!(!victim.exists());
    }

    #[test]
    fn a_replaced_file_is_private_and_a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("secret"), folder.path().join("victim"));
        fs::write(&victim, "theirs").unwrap();
        symlink(&victim, &path).unwrap();
        symlink(&victim, folder.path().join("secret.new")).unwrap();
        for content in ["one", "two"] {
            replace(&path, 0o600, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
            assert_eq!(fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), "theirs");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
    }

    #[test]
    fn writers_at_once_wait_for_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        replace(&path, 0o600, b"0").unwrap();
        std::thread::scope(|scope| {
            for number in 1..=8_u8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..20 {
                        let content = vec![b'0' + number; 1 << 16];
                        replace(path, 0o600, &content).unwrap();
                        let found = fs::read(path).unwrap();
                        assert!(found.len() == 1 << 16 && found.iter().all(|byte| *byte == found[0]), "half a file");
                    }
                });
            }
        });
        assert!(!replace_if(&path, 0o600, b"x", || false).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().len(), 1 << 16);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }
}
