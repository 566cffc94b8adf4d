//! The change log in memory: the latest change sets, for followers that keep up.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::{change::ChangeSet, error::StoreError, revision::Revision};

/// The latest change sets of a store, and notifications of new ones.
///
/// A backend publishes each commit here after it is durable. Followers read with [`Feed::after`]; a follower that is
/// too far behind gets `None` and has to read the backend's log.
#[derive(Debug)]
pub struct Feed {
    recent: Mutex<Recent>,
    head: watch::Sender<Option<Revision>>,
}

#[derive(Debug)]
struct Recent {
    sets: VecDeque<Arc<ChangeSet>>,
    /// Every set after this revision is in `sets`.
    complete_after: Revision,
    capacity: usize,
    /// Of keys and values in `sets`.
    bytes: usize,
    max_bytes: usize,
}

impl Feed {
    /// Creates a feed that starts at `head` and keeps the latest `capacity` change sets, or fewer if they exceed
    /// `max_bytes`.
    pub fn new(head: Revision, capacity: usize, max_bytes: usize) -> Self {
        let recent = Recent { sets: VecDeque::new(), complete_after: head, capacity, bytes: 0, max_bytes };
        Feed { recent: Mutex::new(recent), head: watch::Sender::new(Some(head)) }
    }

    /// Adds durable change sets, in order, and wakes the followers.
    pub fn publish(&self, sets: impl IntoIterator<Item = Arc<ChangeSet>>) {
        let mut recent = self.recent();
        let mut newest = None;
        for set in sets {
            newest = Some(set.revision);
            recent.bytes += set.size();
            recent.sets.push_back(set);
            while (recent.sets.len() > recent.capacity || recent.bytes > recent.max_bytes)
                && let Some(oldest) = recent.sets.pop_front()
            {
                recent.complete_after = oldest.revision;
                recent.bytes -= oldest.size();
            }
        }
        drop(recent);
        if newest.is_some() {
            self.head.send_replace(newest);
        }
    }

    /// Reports to followers that the store is closed.
    pub fn close(&self) {
        self.head.send_replace(None);
    }

    /// Returns a receiver of the newest revision; `None` in it means that the store is closed.
    pub fn subscribe(&self) -> watch::Receiver<Option<Revision>> {
        self.head.subscribe()
    }

    /// Returns up to `limit` change sets after a revision, or `None` if they are no longer in memory.
    pub fn after(&self, revision: Revision, limit: usize) -> Option<Vec<Arc<ChangeSet>>> {
        let recent = self.recent();
        if revision < recent.complete_after {
            return None;
        }
        let from = recent.sets.partition_point(|set| set.revision <= revision);
        Some(recent.sets.iter().skip(from).take(limit).cloned().collect())
    }

    /// The revision after which all change sets are in memory.
    pub fn complete_after(&self) -> Revision {
        self.recent().complete_after
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        // Only a failed allocation can panic while the lock is held, and the queue is consistent at every step.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until the newest revision is greater than `after`.
///
/// # Errors
/// [`StoreError::Closed`] when the feed was closed or dropped.
pub async fn newer_than(head: &mut watch::Receiver<Option<Revision>>, after: Revision) -> Result<(), StoreError> {
    match head.wait_for(|head| head.is_none_or(|head| head > after)).await {
        Ok(found) if found.is_some() => Ok(()),
        _ => Err(StoreError::Closed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Change;

    fn set(number: u64, size: usize) -> Arc<ChangeSet> {
        let change = Change { key: "key".into(), value: Some(vec![0; size - 3].into()) };
        Arc::new(ChangeSet { revision: Revision::new(number), changes: vec![change] })
    }

    #[test]
    fn memory_is_bounded_by_sets_and_by_bytes() {
        let check = |sizes: &[usize], expected: Option<usize>| {
            let feed = Feed::new(Revision::ZERO, 4, 1000);
            feed.publish(sizes.iter().zip(1..).map(|(size, number)| set(number, *size)));
            let after = |revision| feed.after(Revision::new(revision), 100).map(|sets| sets.len());
            let oldest = feed.complete_after().number();
            assert_eq!(after(oldest), expected, "{sizes:?}");
            assert!(oldest == 0 || after(oldest - 1).is_none(), "{sizes:?}");
            assert_eq!(after(sizes.len() as u64), Some(0), "{sizes:?}");
        };
        check(&[], Some(0));
        check(&[100; 4], Some(4));
        check(&[100; 9], Some(4));
        check(&[250; 4], Some(4));
        check(&[251; 4], Some(3));
        check(&[100, 100, 800, 100], Some(3));
        check(&[100, 100, 2000], Some(0));
        check(&[2000, 100], Some(1));
    }
}
