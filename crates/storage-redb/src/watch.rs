//! Following the change log: from memory when one keeps up, from the file when one does not.

use std::{collections::VecDeque, sync::Arc};

use async_trait::async_trait;
use bailiwick_storage::{ChangeSet, Changes, Revision, StoreError, View, newer_than};
use redb::ReadableTable;
use tokio::sync::watch;

use crate::{Shared, log, store_error};

/// How many change sets a follower takes at once.
const CHUNK: usize = 256;

struct RedbChanges {
    shared: Arc<Shared>,
    after: Revision,
    news: watch::Receiver<Option<Revision>>,
    ready: VecDeque<Arc<ChangeSet>>,
}

pub(crate) fn follow(shared: &Arc<Shared>, after: Revision) -> Result<Box<dyn Changes>, StoreError> {
    let head = shared.current.load().revision();
    if after > head {
        return Err(StoreError::Ahead { asked: after, head });
    }
    let news = shared.feed.subscribe();
    let mut changes = RedbChanges { shared: shared.clone(), after, news, ready: VecDeque::new() };
    // Says at once if the log no longer reaches back that far.
    changes.ready = fetch(shared, after)?;
    Ok(Box::new(changes))
}

fn fetch(shared: &Shared, after: Revision) -> Result<VecDeque<Arc<ChangeSet>>, StoreError> {
    if let Some(sets) = shared.feed.after(after, CHUNK) {
        return Ok(sets.into());
    }
    let view = shared.current.load();
    let table = &view.log;
    let mut sets = VecDeque::new();
    for row in table.range(after.next().number()..).map_err(store_error)?.take(CHUNK) {
        let (revision, set) = row.map_err(store_error)?;
        sets.push_back(Arc::new(log::decode(Revision::new(revision.value()), set.value())?));
    }
    // Revisions have no gaps, so the next one is the first, unless it has been pruned.
    let first = sets.front().map(|set| set.revision);
    if first.is_some_and(|first| first > after.next()) {
        let oldest = table
            .first()
            .map_err(store_error)?
            .map_or(after, |(first, _)| Revision::new(first.value().saturating_sub(1)));
        return Err(StoreError::Compacted { oldest });
    }
    Ok(sets)
}

#[async_trait]
impl Changes for RedbChanges {
    async fn next(&mut self) -> Result<Arc<ChangeSet>, StoreError> {
        loop {
            if let Some(set) = self.ready.pop_front() {
                self.after = set.revision;
                return Ok(set);
            }
            self.ready = fetch(&self.shared, self.after)?;
            if self.ready.is_empty() {
                newer_than(&mut self.news, self.after).await?;
            }
        }
    }
}
