//! Writes a backup.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use bailiwick_audit::checkpoint_sequence;
use bailiwick_operation::{Clock as _, uuid};
use bailiwick_seal::WrappedKeyring;
use bailiwick_storage::{At, Meta, Store, StoreCopy, StoreError, StoredRow, Tx};
use bailiwick_storage_redb::OpenError;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::runtime::Handle;

use super::format::{CHECKSUM, MAGIC, Manifest};
use crate::failure::Failure;
use crate::private_file;
use crate::system::SystemClock;

/// How long the reader of a backup may take nothing of it.
const STALLED: Duration = Duration::from_secs(60);

/// Why no backup was written.
#[derive(Debug)]
pub(crate) enum CopyError {
    Store(String),
    Output(io::Error),
}

impl std::fmt::Display for CopyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CopyError::Store(why) => write!(f, "{why}"),
            CopyError::Output(error) => write!(f, "it cannot be written: {error}"),
        }
    }
}

impl From<StoreError> for CopyError {
    fn from(error: StoreError) -> Self {
        CopyError::Store(error.to_string())
    }
}

impl From<io::Error> for CopyError {
    fn from(error: io::Error) -> Self {
        CopyError::Output(error)
    }
}

/// What a backup is made of.
pub(crate) struct Source {
    manifest: Manifest,
    keyring: Bytes,
    state: Vec<u8>,
    copy: StoreCopy,
}

impl Source {
    /// The newest revision of a store.
    pub(crate) async fn of(store: Arc<dyn Store>) -> Result<Self, CopyError> {
        let internal = |e: bailiwick_model::IamError| CopyError::Store(e.to_string());
        let mut tx = Tx::begin(store, Arc::default(), At::Latest).await.map_err(internal)?;
        let meta = tx.meta().await.map_err(internal)?;
        let meta: Meta = meta.ok_or_else(|| CopyError::Store("the store has no identity".to_owned()))?;
        let keyring = tx.keyring().await.map_err(internal)?.unwrap_or_default();
        let checkpoint = tx.audit_checkpoint().await.map_err(internal)?;
        let copy = tx.copy();
        let manifest = Manifest {
            created: SystemClock.now().to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store_id: uuid(meta.store_id),
            epoch: meta.epoch,
            revision: copy.revision().number(),
            rows: copy.rows(),
            master_key_id: WrappedKeyring::from_bytes(keyring.to_vec()).master_key_id().unwrap_or_default(),
            audit_sequence: checkpoint.as_ref().and_then(checkpoint_sequence).unwrap_or_default(),
        };
        Ok(Source { manifest, keyring, state: copy.sealed_state()?, copy })
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The wrapped keys.
    pub(crate) fn keyring(&self) -> &Bytes {
        &self.keyring
    }

    /// The sealed state of the rows.
    pub(crate) fn state(&self) -> &[u8] {
        &self.state
    }

    /// The rows, in the order of their keys. The iterator blocks its thread, on a runtime with several threads.
    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows { copy: &self.copy, after: None, ready: VecDeque::new() }
    }
}

/// The rows of a store.
pub(crate) struct Rows<'s> {
    copy: &'s StoreCopy,
    after: Option<Bytes>,
    ready: VecDeque<StoredRow>,
}

impl Iterator for Rows<'_> {
    type Item = Result<StoredRow, OpenError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() {
            let next = self.copy.next(self.after.as_deref());
            match tokio::task::block_in_place(|| Handle::current().block_on(next)) {
                Ok(rows) => self.ready = rows.into(),
                Err(error) => return Some(Err(error.into())),
            }
        }
        let row = self.ready.pop_front()?;
        self.after = Some(row.key.clone());
        Some(Ok(row))
    }
}

/// Writes a backup, with a few hundred KiB of memory.
pub(crate) async fn write(source: &Source, out: &mut (impl AsyncWrite + Unpin)) -> Result<(), CopyError> {
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut buffer = MAGIC.to_vec();
    let manifest = serde_json::to_vec(&source.manifest).map_err(io::Error::from)?;
    for part in [&manifest[..], &source.keyring, &source.state] {
        buffer.extend_from_slice(&(part.len() as u32).to_be_bytes());
        buffer.extend_from_slice(part);
    }
    let mut after: Option<Bytes> = None;
    loop {
        let rows = source.copy.next(after.as_deref()).await?;
        for row in &rows {
            // The store refuses longer keys and values.
            buffer.extend_from_slice(&(row.key.len() as u16).to_be_bytes());
            buffer.extend_from_slice(&(row.stored.len() as u32).to_be_bytes());
            buffer.extend_from_slice(&row.key);
            buffer.extend_from_slice(&row.stored);
        }
        let is_last = rows.is_empty();
        if is_last {
            buffer.extend_from_slice(&[0; 2]);
        }
        hash.update(&buffer);
        timed(out.write_all(&buffer)).await?;
        buffer.clear();
        match rows.into_iter().next_back() {
            Some(last) => after = Some(last.key),
            None => break,
        }
    }
    timed(out.write_all(hash.finish().as_ref())).await?;
    timed(out.flush()).await
}

/// A reader that takes nothing for a while is given up, since the pages of the view are kept for it.
async fn timed(written: impl Future<Output = io::Result<()>>) -> Result<(), CopyError> {
    let written = tokio::time::timeout(STALLED, written).await;
    written.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?.map_err(CopyError::Output)
}

/// The new file of a backup, which only its owner can read. It appears when it is complete.
pub(crate) struct Target<'a> {
    path: &'a Path,
    out: private_file::NewFile,
}

impl<'a> Target<'a> {
    /// Begins the file, before a backup is asked for.
    ///
    /// # Errors
    /// If it exists, or cannot be written.
    pub(crate) fn create(path: &'a Path) -> Result<Self, Failure> {
        let out = private_file::NewFile::create(path, 0o600).map_err(|e| unwritable(path, &e))?;
        Ok(Target { path, out })
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::new(format!("{shown} already exists and is not overwritten: name another file with --to"))
        }
        _ => Failure::new(format!("cannot write the backup {shown}: {error}")),
    }
}

/// Writes the bytes of a backup, if their checksum is right. Returns how many there are.
pub(crate) async fn save(from: &mut (impl AsyncRead + Unpin), to: Target<'_>) -> Result<u64, Failure> {
    let Target { path, mut out } = to;
    let failed = |e: io::Error| unwritable(path, &e);
    let mut hash = digest::Context::new(&digest::SHA256);
    // The last bytes so far, which may be the checksum.
    let mut tail: Vec<u8> = Vec::new();
    let (mut buffer, mut total) = (vec![0; 256 << 10], 0);
    loop {
        let read = from.read(&mut buffer).await.map_err(failed)?;
        if read == 0 {
            break;
        }
        total += read as u64;
        out.append(&buffer[..read]).map_err(failed)?;
        tail.extend_from_slice(&buffer[..read]);
        let hashed = tail.len().saturating_sub(CHECKSUM);
        hash.update(&tail[..hashed]);
        tail.drain(..hashed);
    }
    if hash.finish().as_ref() != tail {
        return Err(Failure::new("the backup ended early and was not written: the log of the server may say why"));
    }
    out.finish().map_err(failed)?;
    Ok(total)
}
