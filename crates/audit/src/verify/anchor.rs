//! What the store knows of the trail. Its rows are authenticated with the master key.

use std::collections::HashSet;
use std::sync::Arc;

use bailiwick_model::Result;
use bailiwick_storage::{At, Store, Tx};
use bytes::Bytes;

use super::digests::{Digests, FILE};
use super::end::End;
use super::report::{Fault, Report, range};
use crate::checkpoint::Checkpoint;
use crate::digest::stored::StoredKeys;
use crate::{PublicKey, Record};

/// Rows of the outbox that are read at once.
const BATCH: usize = 512;

/// What the store of a stopped server knows of the trail.
#[derive(Clone)]
pub struct Anchor {
    pub(super) checkpoint: Checkpoint,
    keys: Vec<PublicKey>,
    deployment: String,
    /// The ids of the records in the outbox.
    waiting: HashSet<String>,
}

impl Anchor {
    /// Reads a store. `deployment` is its id, which digests name.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails or its rows cannot be read.
    pub async fn read(store: Arc<dyn Store>, deployment: String) -> Result<Self> {
        let mut tx = Tx::begin(store, Arc::default(), At::Latest).await?;
        let keys = tx.audit_keys().await?.as_ref().map(StoredKeys::read).transpose();
        let keys = keys.map_err(bailiwick_model::IamError::internal)?.unwrap_or_default().public();
        let checkpoint = tx.audit_checkpoint().await?.as_ref().and_then(Checkpoint::read).unwrap_or_default();
        let (mut waiting, mut after) = (HashSet::new(), None::<Bytes>);
        loop {
            let rows = tx.list_outbox(after.as_deref(), BATCH).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.key.clone());
            let records = rows.iter().filter_map(|row| Record::decode_row(&row.event).ok()).flatten();
            waiting.extend(records.map(|record| record.event_id));
        }
        Ok(Anchor { checkpoint, keys, deployment, waiting })
    }

    /// The public keys of the store's signing keys, oldest first; none before the first digest.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    pub(super) fn deployment(&self) -> &str {
        &self.deployment
    }

    /// The number of the last record that the store knows.
    pub(super) fn sequence(&self) -> u64 {
        self.checkpoint.sequence
    }

    /// Whether the server stopped in order, so that nothing follows that record.
    pub(super) fn is_closed(&self) -> bool {
        self.checkpoint.is_closed
    }

    /// Whether a record of a change that was written after the checkpoint is not in the store.
    pub(super) fn is_unknown(&self, sequence: u64, event_id: &str) -> bool {
        sequence > self.checkpoint.sequence && !self.waiting.contains(event_id)
    }

    pub(super) fn compare(&self, digests: &Digests, end: &End, report: &mut Report) {
        let checkpoint = &self.checkpoint;
        if let Some(known) = &checkpoint.digest {
            let expected = format!("the digest with SHA-256 {}, which the store names as the last one", known.sha256);
            match digests.sha256(known.number) {
                Some(found) if found == known.sha256 => {}
                Some(found) => {
                    let found = format!("this is another digest, with SHA-256 {found}");
                    report.fault(Fault::new(FILE, found, expected).of_digest(known.number));
                }
                None => report.fault(Fault::new(FILE, "the digest is missing", expected).of_digest(known.number)),
            }
        }
        if end.sequence < checkpoint.sequence {
            let found = format!("the segments end with record {}", end.sequence);
            let expected = format!("records up to {}, which the store says were written", checkpoint.sequence);
            report.fault(Fault::new(&end.file, found, expected).of_record(end.sequence));
        } else if end.sequence > checkpoint.sequence && checkpoint.is_closed {
            let found = range("record", checkpoint.sequence.saturating_add(1), end.sequence, ["follows", "follow"]);
            let expected = format!("none after {}, since the server stopped there", checkpoint.sequence);
            report.fault(Fault::new(&end.file, found, expected).of_record(checkpoint.sequence.saturating_add(1)));
        }
        if let Some(found) = &end.at_checkpoint
            && *found != checkpoint.hash
        {
            let found = format!("the line has the SHA-256 {found}");
            let expected = format!("{}, which the store's checkpoint names", checkpoint.hash);
            report.fault(Fault::new(&end.file, found, expected).of_record(checkpoint.sequence));
        }
    }
}
