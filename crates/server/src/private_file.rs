//! Files that hold a secret: written atomically, readable by their owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Writes a new file durably, with this mode.
///
/// It appears under its name only when it is complete. A crash leaves a temporary file, which the next attempt
/// replaces.
///
/// # Errors
/// `AlreadyExists` when the path exists, even as a dangling link; errors of the system.
pub(crate) fn create(path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
    write(path, mode, content, move_to_free_name)
}

/// Writes a file durably, with this mode, in place of what has its name. A link is replaced, not followed.
///
/// The name always stands for the complete old content or the complete new one.
///
/// # Errors
/// Errors of the system, such as when the path is a folder.
pub(crate) fn replace(path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
    write(path, mode, content, |from, to| fs::rename(from, to))
}

fn write(
    path: &Path,
    mode: u32,
    content: &[u8],
    move_to: impl FnOnce(&Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    let unfinished = with_ending(path, ".new");
    remove(&unfinished)?;
    let mut out = OpenOptions::new().write(true).create_new(true).mode(mode).open(&unfinished)?;
    let written = out.write_all(content).and_then(|()| out.sync_all());
    drop(out);
    let moved = written.and_then(|()| move_to(&unfinished, path));
    if moved.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&unfinished);
    }
    moved?;
    // The directory entry must be durable too.
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
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
}
