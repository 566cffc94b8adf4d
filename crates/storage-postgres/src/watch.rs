//! Follows the change log: from memory if the follower keeps up, otherwise from the database.

use std::{collections::VecDeque, sync::Arc};

use async_trait::async_trait;
use bailiwick_storage::{Authenticator, ChangeSet, Changes, Feed, Revision, StoreError, decode_log_entry, newer_than};
use tokio::sync::watch;
use tokio_postgres::Row;

use crate::{Shared, generation::INTERRUPTED};

/// How many change sets a follower takes at once.
const CHUNK: usize = 256;

struct PostgresChanges {
    shared: Arc<Shared>,
    /// The feed of the generation in which this subscription began; it ends with it.
    feed: Arc<Feed>,
    after: Revision,
    news: watch::Receiver<Option<Revision>>,
    ready: VecDeque<Arc<ChangeSet>>,
}

pub(crate) async fn follow(shared: &Arc<Shared>, after: Revision) -> Result<Box<dyn Changes>, StoreError> {
    let (feed, position) = shared.generations.live()?;
    if after > position {
        let head = shared.views.newest(shared).await?.revision();
        if after > head {
            return Err(StoreError::Ahead { asked: after, head });
        }
    }
    let news = feed.subscribe();
    let mut changes = PostgresChanges { shared: shared.clone(), feed, after, news, ready: VecDeque::new() };
    // Fails at once if the log does not reach back that far.
    changes.ready = changes.fetch().await?;
    Ok(Box::new(changes))
}

impl PostgresChanges {
    async fn fetch(&self) -> Result<VecDeque<Arc<ChangeSet>>, StoreError> {
        if let Some(sets) = self.feed.after(self.after, CHUNK) {
            return Ok(sets.into());
        }
        tokio::select! {
            biased;
            // The database may not answer at all.
            ended = self.ended() => Err(ended),
            sets = self.read() => sets,
        }
    }

    /// Waits until the feed ends, and returns why.
    async fn ended(&self) -> StoreError {
        // No revision is greater, so the wait ends with the feed.
        let _ = newer_than(&mut self.feed.subscribe(), Revision::new(u64::MAX)).await;
        // The connection may have been confirmed again meanwhile.
        self.shared.generations.live().err().unwrap_or_else(|| StoreError::Unreachable(INTERRUPTED.to_owned()))
    }

    /// Reads from the database.
    async fn read(&self) -> Result<VecDeque<Arc<ChangeSet>>, StoreError> {
        let view = self.shared.views.newest(&self.shared).await?;
        if self.after < view.oldest() {
            return Err(StoreError::Compacted { oldest: view.oldest() });
        }
        let rows = view.log(self.after, CHUNK as i64).await?;
        Ok(decode(&self.shared.authenticator, self.after, &rows)?.into())
    }
}

/// Decodes entries, which follow each other from the one after a revision on.
pub(crate) fn decode(
    authenticator: &Authenticator,
    after: Revision,
    rows: &[Row],
) -> Result<Vec<Arc<ChangeSet>>, StoreError> {
    let (mut sets, mut next) = (Vec::with_capacity(rows.len()), after.next());
    for row in rows {
        if u64::try_from(row.get::<_, i64>(0)) != Ok(next.number()) {
            return Err(StoreError::Corrupt(format!("entry {} of the change log is missing", next.number())));
        }
        sets.push(Arc::new(decode_log_entry(authenticator, next, row.get(1))?.0));
        next = next.next();
    }
    Ok(sets)
}

#[async_trait]
impl Changes for PostgresChanges {
    async fn next(&mut self) -> Result<Arc<ChangeSet>, StoreError> {
        loop {
            if let Some(set) = self.ready.pop_front() {
                self.after = set.revision;
                return Ok(set);
            }
            self.ready = self.fetch().await?;
            if self.ready.is_empty() && newer_than(&mut self.news, self.after).await.is_err() {
                return Err(self.ended().await);
            }
        }
    }
}
