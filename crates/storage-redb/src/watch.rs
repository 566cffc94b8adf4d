//! Follows the change log: from memory if the follower keeps up, otherwise from the file.

use std::{collections::VecDeque, sync::Arc};

use async_trait::async_trait;
use bailiwick_storage::{Authenticator, ChangeSet, Changes, Revision, StoreError, View, decode_log_entry, newer_than};
use redb::ReadableTable;
use tokio::sync::watch;

use crate::{Shared, guarded::store_error, view::Tables};

/// How many change sets a follower takes at once.
const CHUNK: usize = 256;

struct RedbChanges {
    shared: Arc<Shared>,
    after: Revision,
    news: watch::Receiver<Option<Revision>>,
    ready: VecDeque<Arc<ChangeSet>>,
}

pub(crate) async fn follow(shared: &Arc<Shared>, after: Revision) -> Result<Box<dyn Changes>, StoreError> {
    let head = shared.current.load().revision();
    if after > head {
        return Err(StoreError::Ahead { asked: after, head });
    }
    let news = shared.feed.subscribe();
    let mut changes = RedbChanges { shared: shared.clone(), after, news, ready: VecDeque::new() };
    // Fails at once if the log does not reach back that far.
    changes.ready = fetch(shared, after).await?;
    Ok(Box::new(changes))
}

async fn fetch(shared: &Shared, after: Revision) -> Result<VecDeque<Arc<ChangeSet>>, StoreError> {
    if let Some(sets) = shared.feed.after(after, CHUNK) {
        return Ok(sets.into());
    }
    let view = shared.current.load_full();
    view.read(|tables| read(tables, &view.authenticator, after, CHUNK)).await
}

/// Reads change sets after a revision from the file.
pub(crate) fn read(
    tables: &Tables,
    authenticator: &Authenticator,
    after: Revision,
    limit: usize,
) -> Result<VecDeque<Arc<ChangeSet>>, StoreError> {
    let mut sets = VecDeque::new();
    let mut next = after.next();
    for row in tables.log.range(next.number()..).map_err(store_error)?.take(limit) {
        let (revision, entry) = row.map_err(store_error)?;
        let revision = Revision::new(revision.value());
        // Revisions have no gaps, so the first entry is the next revision, unless it was pruned.
        if revision != next && sets.is_empty() {
            return Err(StoreError::Compacted { oldest: oldest(tables, after)? });
        }
        if revision != next {
            return Err(StoreError::Corrupt(format!("entry {} of the change log is missing", next.number())));
        }
        sets.push_back(Arc::new(decode_log_entry(authenticator, revision, entry.value())?.0));
        next = revision.next();
    }
    Ok(sets)
}

fn oldest(tables: &Tables, after: Revision) -> Result<Revision, StoreError> {
    let first = tables.log.first().map_err(store_error)?;
    Ok(first.map_or(after, |(first, _)| Revision::new(first.value().saturating_sub(1))))
}

#[async_trait]
impl Changes for RedbChanges {
    async fn next(&mut self) -> Result<Arc<ChangeSet>, StoreError> {
        loop {
            if let Some(set) = self.ready.pop_front() {
                self.after = set.revision;
                return Ok(set);
            }
            self.ready = fetch(&self.shared, self.after).await?;
            if self.ready.is_empty() {
                newer_than(&mut self.news, self.after).await?;
            }
        }
    }
}
