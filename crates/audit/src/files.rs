//! Opens files of the trail: regular files only, not links to others, and without waiting, so that a FIFO or a device
//! in a folder of the trail is an error and not a hang.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

/// Opens a file for reading.
///
/// # Errors
/// `NotFound` if there is none. When it is not a regular file or can't be opened. No message names the file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    open_with(path, OpenOptions::new().read(true))
}

/// Opens a file with these options.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = options.custom_flags(flags.bits().cast_signed()).open(path).map_err(|error| {
        // A link; a FIFO without a reader, a socket or a device.
        let is_other = [Errno::LOOP, Errno::NXIO].contains(&Errno::from_io_error(&error).unwrap_or(Errno::IO));
        if is_other { not_regular() } else { error }
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_regular()) }
}

/// Reads a file of at most so many bytes.
///
/// # Errors
/// As [`open`]; of the kind `InvalidData` if it is longer.
pub(crate) fn read_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let message = format!("the file is longer than {most} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(bytes)
}

/// A link, a folder, a FIFO, a socket or a device.
#[derive(Debug)]
struct NotRegular;

impl std::error::Error for NotRegular {}

impl fmt::Display for NotRegular {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is not a regular file, which was expected; links are not followed")
    }
}

fn not_regular() -> io::Error {
    io::Error::other(NotRegular)
}

/// Whether a file could not be opened because it is not a regular one.
pub(crate) fn is_not_regular(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<NotRegular>())
}

#[cfg(test)]
mod tests;
