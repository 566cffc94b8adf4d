//! Reads a backup.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use aws_lc_rs::digest;
use bailiwick_seal::WrappedKeyring;
use bailiwick_storage::{Authenticator, MAX_KEY, MAX_VALUE, StoredRow};
use bailiwick_storage_redb::OpenError;

use super::format::{CHECKSUM, MAGIC, MAX_PART, Manifest};
use crate::failure::Failure;

/// Compares the checksum of a file, before anything in it is used.
pub(crate) fn verify(path: &Path) -> Result<(), Failure> {
    let failed = |e: io::Error| Failure::new(format!("cannot read the backup {}: {e}", path.display()));
    let mut file = File::open(path).map_err(failed)?;
    let len = file.metadata().map_err(failed)?.len();
    let (mut hash, mut begin) = (digest::Context::new(&digest::SHA256), [0; MAGIC.len()]);
    let mut left = len.saturating_sub(CHECKSUM as u64);
    let mut buffer = vec![0; 256 << 10];
    let mut is_first = true;
    while left > 0 {
        let part = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        file.read_exact(&mut buffer[..part]).map_err(failed)?;
        if is_first && part >= begin.len() {
            begin.copy_from_slice(&buffer[..MAGIC.len()]);
        }
        is_first = false;
        hash.update(&buffer[..part]);
        left -= part as u64;
    }
    if begin != *MAGIC {
        let newer = begin[..8] == MAGIC[..8];
        let why = if newer { "a newer version of Bailiwick wrote it" } else { "it is no backup of Bailiwick" };
        return Err(Failure::new(format!("{} cannot be restored: {why}", path.display())));
    }
    let mut checksum = [0; CHECKSUM];
    file.read_exact(&mut checksum).map_err(failed)?;
    if hash.finish().as_ref() != checksum {
        return Err(Failure::new(format!(
            "the backup {} is damaged: its checksum is wrong; use another copy",
            path.display()
        )));
    }
    Ok(())
}

/// An open backup, whose rows follow.
pub(crate) struct BackupFile<R = BufReader<File>> {
    from: R,
    pub(crate) manifest: Manifest,
    pub(crate) keyring: WrappedKeyring,
    pub(crate) state: Vec<u8>,
    is_finished: bool,
}

impl BackupFile {
    /// Opens a file whose checksum is right.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |e: io::Error| Failure::new(format!("cannot read the backup {}: {e}", path.display()));
        let from = BufReader::with_capacity(256 << 10, File::open(path).map_err(failed)?);
        BackupFile::of(from).map_err(failed)
    }
}

impl<R: Read> BackupFile<R> {
    /// Reads everything before the rows.
    pub(super) fn of(mut from: R) -> io::Result<Self> {
        let mut magic = [0; MAGIC.len()];
        from.read_exact(&mut magic)?;
        let mut part = || -> io::Result<Vec<u8>> {
            let mut len = [0; 4];
            from.read_exact(&mut len)?;
            let len = u32::from_be_bytes(len) as usize;
            if len > MAX_PART {
                return Err(io::Error::from(io::ErrorKind::InvalidData));
            }
            let mut bytes = vec![0; len];
            from.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        let (manifest, keyring, state) = (part()?, part()?, part()?);
        let manifest: Manifest = serde_json::from_slice(&manifest)?;
        if !manifest.is_well_formed() {
            let why = "its manifest is not one that Bailiwick writes";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Ok(BackupFile { from, manifest, keyring: WrappedKeyring::from_bytes(keyring), state, is_finished: false })
    }

    fn row(&mut self) -> io::Result<Option<StoredRow>> {
        let mut len = [0; 2];
        self.from.read_exact(&mut len)?;
        let key_len = usize::from(u16::from_be_bytes(len));
        if key_len == 0 {
            return Ok(None);
        }
        let mut len = [0; 4];
        self.from.read_exact(&mut len)?;
        let stored_len = u32::from_be_bytes(len) as usize;
        if key_len > MAX_KEY || stored_len > MAX_VALUE + Authenticator::ROW_HEADER {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a row is too long"));
        }
        let (mut key, mut stored) = (vec![0; key_len], vec![0; stored_len]);
        self.from.read_exact(&mut key)?;
        self.from.read_exact(&mut stored)?;
        Ok(Some(StoredRow { key: key.into(), stored: stored.into() }))
    }
}

impl<R: Read> Iterator for BackupFile<R> {
    type Item = Result<StoredRow, OpenError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_finished {
            return None;
        }
        let row = self.row().transpose();
        self.is_finished = !matches!(row, Some(Ok(_)));
        row.map(|row| row.map_err(|e| OpenError::Corrupt(format!("the backup cannot be read: {e}"))))
    }
}
