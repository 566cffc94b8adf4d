//! Follows the change log: from memory if the follower keeps up, otherwise from the other machines.

use std::{collections::VecDeque, sync::Arc};

use async_trait::async_trait;
use bailiwick_storage::{ChangeSet, Changes, Feed, Revision, StoreError, View as _, newer_than};
use tokio::sync::watch;

use crate::{Backend, Shared, generation::interrupted};

/// How many change sets a follower takes at once.
const CHUNK: usize = 256;

struct RemoteChanges<B: Backend> {
    shared: Arc<Shared<B>>,
    /// The feed of the generation in which this subscription began; it ends with it.
    feed: Arc<Feed>,
    after: Revision,
    news: watch::Receiver<Option<Revision>>,
    ready: VecDeque<Arc<ChangeSet>>,
}

pub(crate) async fn follow<B: Backend>(
    shared: &Arc<Shared<B>>,
    after: Revision,
) -> Result<Box<dyn Changes>, StoreError> {
    let (feed, position) = shared.generations.live()?;
    if after > position {
        let head = shared.newest().await?.revision();
        if after > head {
            return Err(StoreError::Ahead { asked: after, head });
        }
    }
    let news = feed.subscribe();
    let mut changes = RemoteChanges { shared: shared.clone(), feed, after, news, ready: VecDeque::new() };
    // Fails at once if the log does not reach back that far.
    changes.ready = changes.fetch().await?;
    Ok(Box::new(changes))
}

impl<B: Backend> RemoteChanges<B> {
    async fn fetch(&self) -> Result<VecDeque<Arc<ChangeSet>>, StoreError> {
        if let Some(sets) = self.feed.after(self.after, CHUNK) {
            return Ok(sets.into());
        }
        tokio::select! {
            biased;
            // The other machines may not answer at all.
            ended = self.ended() => Err(ended),
            sets = self.read() => sets,
        }
    }

    /// Waits until the feed ends, and returns why.
    async fn ended(&self) -> StoreError {
        // No revision is greater, so the wait ends with the feed.
        let _ = newer_than(&mut self.feed.subscribe(), Revision::new(u64::MAX)).await;
        // The connection may have been confirmed again meanwhile.
        self.shared.generations.live().err().unwrap_or_else(interrupted)
    }

    /// Reads from the other machines.
    async fn read(&self) -> Result<VecDeque<Arc<ChangeSet>>, StoreError> {
        let view = self.shared.newest().await?;
        Ok(B::log(&self.shared, &view, self.after, CHUNK).await?.into())
    }
}

#[async_trait]
impl<B: Backend> Changes for RemoteChanges<B> {
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
