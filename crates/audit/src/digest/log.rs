//! The file of the digests, open for appending.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::key::SigningKey;
use super::{Digest, FILE, FIRST_HASH, Reason, Removed, Signed, Span};
use crate::append::{self, Appended, End};
use crate::checkpoint::{Checkpoint, DigestEnd};
use crate::disk::Disk;
use crate::hash;
use crate::sequence::next;

/// The digests of a folder.
pub(crate) struct DigestLog {
    path: PathBuf,
    disk: Arc<dyn Disk>,
    deployment: String,
    /// Not there before the first digest.
    file: Option<Appended>,
    end: DigestEnd,
    /// The hash of the last record that the digests cover; empty if only the checkpoint knows the last digest.
    last_hash: String,
}

/// What a new digest is about, besides the digests before it.
pub(crate) struct Statement {
    pub(crate) time: jiff::Timestamp,
    pub(crate) reason: Reason,
    /// The number and the hash of the last record.
    pub(crate) last: (u64, String),
    pub(crate) segments: Vec<Span>,
    pub(crate) removed: Vec<Removed>,
}

impl DigestLog {
    /// Finds the last digest, truncates an incomplete line, and continues from there.
    ///
    /// If the file ends before the checkpoint, digests were lost or replaced: numbering continues after the checkpoint,
    /// so that the gap is visible.
    ///
    /// # Errors
    /// When the folder or the file can't be read or written.
    pub(crate) fn open(
        folder: &Path,
        disk: Arc<dyn Disk>,
        deployment: String,
        checkpoint: Option<&Checkpoint>,
    ) -> io::Result<Self> {
        let path = folder.join(FILE);
        let (mut file, mut last_hash) = (None, String::new());
        let mut end = DigestEnd { number: 0, sha256: FIRST_HASH.to_owned(), sequence: 0 };
        if disk.list(folder)?.iter().any(|name| name == FILE) {
            let End { whole, bytes, line } = append::end(disk.as_ref(), &path)?;
            let mut appended = disk.open(&path)?;
            if whole < bytes {
                tracing::warn!(bytes = bytes - whole, "an incomplete digest of the audit trail was truncated");
                appended.truncate(whole)?;
            }
            file = Some(Appended::new(appended, whole));
            match line.as_deref().map(Signed::parse) {
                Some(Ok(last)) => (end, last_hash) = (last.end(), last.digest.last_sha256),
                Some(Err(why)) => tracing::error!(why, "the last digest of the audit trail is damaged"),
                None => {}
            }
        }
        if let Some(known) = checkpoint.and_then(|checkpoint| checkpoint.digest.clone())
            && (known.number > end.number || known.number == end.number && known != end)
        {
            tracing::error!(
                expected = known.number,
                found = end.number,
                "digests of the audit trail are missing or were replaced; numbering continues after them"
            );
            end = known;
        }
        Ok(DigestLog { path, disk, deployment, file, end, last_hash })
    }

    /// The last digest.
    pub(crate) fn end(&self) -> &DigestEnd {
        &self.end
    }

    /// The hash of the last record that they cover.
    pub(crate) fn last_hash(&self) -> &str {
        &self.last_hash
    }

    /// Appends a digest and returns when it is durable.
    ///
    /// # Errors
    /// If it could not be written or synced. The caller may retry.
    pub(crate) fn append(&mut self, key: &SigningKey, statement: Statement) -> io::Result<()> {
        let Statement { time, reason, last: (last_sequence, last_sha256), segments, removed } = statement;
        let number = next(self.end.number)?;
        let digest = Digest {
            audit_digest: 0,
            deployment: self.deployment.clone(),
            number,
            time: time.to_string(),
            reason,
            previous_sha256: self.end.sha256.clone(),
            first_sequence: next(self.end.sequence)?,
            last_sequence,
            last_sha256,
            segments,
            removed,
            key_id: String::new(),
            public_key: String::new(),
        };
        let mut line = digest.sign(key)?;
        let end = DigestEnd { number, sha256: hash::of(line.as_bytes()), sequence: last_sequence };
        line.push('\n');
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(Appended::new(self.disk.create(&self.path)?, 0)),
        };
        file.write(line.as_bytes())?;
        self.end = end;
        Ok(())
    }
}
